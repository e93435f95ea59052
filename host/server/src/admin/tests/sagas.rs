//! Sagas over HTTP. Their definitions only wait, so that nothing happens before it is asked for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use switchyard_core::{
    describe::{Description, Needs, Track},
    manifest::Manifest,
    name::{Digest, Generation},
};
use switchyard_dispatch::{Instance, Service, Snapshot};
use switchyard_runtime::{PluginSpec, Runtime};

use super::*;
use crate::ports::Nothing;

const PATH: &str = "/api/v1/sagas";

/// A host with a service `shop` that declares these.
fn host(sagas: &[Value]) -> Api {
    let api = Api::new();
    let options = switchyard_runtime::Options {
        cache_dir: api.folder.path().join("cache"),
        compiler: "nothing is compiled here".into(),
        winch: true,
        pool_max: Some(1),
        compiles_max: Some(1),
    };
    let mut manifest = Manifest::of_file("shop".parse().unwrap(), None);
    manifest.sagas = sagas.iter().map(|saga| serde_json::from_value(saga.clone()).unwrap()).collect();
    let description = Description {
        roles: BTreeSet::new(),
        track: Track::P2,
        imports: Vec::new(),
        exports: Vec::new(),
        manifest: None,
        debug_build: false,
        needs: Needs::default(),
    };
    let plugin = Runtime::new(options, Nothing::ports()).expect("a runtime").plugin(PluginSpec {
        service: manifest.name.clone(),
        generation: Generation(1),
        digest: Digest::of(b""),
        description: Arc::new(description),
        settings: switchyard_runtime::settings::Settings::default(),
    });
    let plugin = plugin.expect("it was promised nothing");
    let service = Service::of_plugin(Arc::new(manifest), Instance::new(plugin));
    let services = BTreeMap::from([(service.name().clone(), Arc::new(service))]);
    api.sources.dispatcher.publish(Snapshot { services, ..Snapshot::default() });
    api
}

/// One that waits for two signals.
fn approval() -> Value {
    json!({"name": "approval", "steps": [{"wait": {"signal": "first"}}, {"wait": {"signal": "second"}}]})
}

/// One that is stuck when the signal does not come at once.
fn hasty() -> Value {
    json!({"name": "hasty", "onFailure": "stuck", "steps": [{"wait": {"signal": "now", "timeout": "1ms"}}]})
}

async fn start(api: &Api, body: &Value) -> Answered {
    api.post(PATH, &body.to_string()).await
}

/// Does something to a saga.
async fn act(api: &Api, id: &str, how: &str, body: &Value) -> Answered {
    api.post(&format!("{PATH}/{id}/{how}"), &body.to_string()).await
}

/// The saga, once it stands there.
async fn until(api: &Api, id: &str, status: &str) -> Value {
    let found = async {
        loop {
            let saga = api.get(&format!("{PATH}/{id}")).await.expect(200);
            if saga["status"] == status {
                return saga;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), found).await.unwrap_or_else(|_| panic!("{id} is never {status}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saga_is_started_signalled_and_shown() {
    let api = host(&[approval()]);
    let started = start(&api, &json!({"sagaName": "approval", "sagaId": "a:1", "data": {"n": 1}})).await;
    assert_eq!(started.expect(201), json!({"sagaId": "a:1", "existing": false, "status": "waiting"}));
    assert_eq!(started.headers["location"], "/api/v1/sagas/a:1");
    let again = start(&api, &json!({"sagaName": "approval", "sagaId": "a:1", "data": {"n": 2}})).await;
    assert_eq!(again.expect(200), json!({"sagaId": "a:1", "existing": true, "status": "waiting"}));
    assert_eq!(again.headers["location"], "/api/v1/sagas/a:1");

    let saga = act(&api, "a:1", "signal", &json!({"name": "first", "data": {"by": "ann"}})).await.expect(202);
    assert_eq!((&saga["status"], &saga["currentStep"]), (&json!("waiting"), &json!(1)));
    let saga = act(&api, "a%3A1", "signal", &json!({"name": "second"})).await.expect(202);
    assert_eq!((&saga["sagaId"], &saga["sagaName"]), (&json!("a:1"), &json!("approval")));
    assert_eq!((&saga["status"], &saga["data"]["n"]), (&json!("completed"), &json!(1)));
    assert_eq!(saga["steps"][0]["result"], json!({"by": "ann"}));
    let read = api.get(&format!("{PATH}/a:1")).await.expect(200);
    assert_eq!((&read["status"], &read["steps"]), (&saga["status"], &saga["steps"]));
    act(&api, "a:1", "signal", &json!({"name": "first"})).await.expect_problem(409, "SY3003", "completed");

    let made = start(&api, &json!({"sagaName": "approval"})).await.expect(201);
    assert_eq!(made["sagaId"].as_str().map(str::len), Some(36));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_started_is_refused_with_the_reason() {
    let api = host(&[approval()]);
    let refused = async |body: &str, status, code, detail| {
        api.post(PATH, body).await.expect_problem(status, code, detail);
    };
    refused("", 400, "SY1003", "missing field `sagaName`").await;
    refused(r#"{"sagaName":"approval","id":"x"}"#, 400, "SY1003", "unknown field `id`").await;
    refused(r#"{"sagaName":"approval","sagaId":"a/b"}"#, 400, "SY1003", "'a/b' is not a saga id").await;
    refused(r#"{"sagaName":"approval","sagaId":1}"#, 400, "SY1003", "the member 'sagaId': invalid type").await;
    refused(r#"{"sagaName":"approval","data":[1]}"#, 400, "SY1003", "object").await;
    refused(r#"{"sagaName":"order"}"#, 404, "SY3001", "there is no saga definition 'order'").await;
    let long = format!(r#"{{"sagaName":"approval","data":{{"x":"{}"}}}}"#, "x".repeat(1 << 20));
    refused(&long, 413, "SY1004", "over the limit of 1048576").await;
    assert_eq!(api.get(PATH).await.expect(200)["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_saga_is_retried_with_other_data_or_undone() {
    let api = host(&[hasty()]);
    start(&api, &json!({"sagaName": "hasty", "sagaId": "s", "data": {"n": 1}})).await.expect(201);
    let stuck = until(&api, "s", "stuck").await;
    assert!(stuck["error"].as_str().is_some_and(|error| error.contains("now")), "{stuck}");
    let refused = async |body: Value, status, code, detail| {
        act(&api, "s", "retry", &body).await.expect_problem(status, code, detail);
    };
    refused(json!({"data": 1}), 400, "SY1003", "object").await;
    refused(json!({"date": {}}), 400, "SY1003", "unknown field `date`").await;
    refused(json!({"data": {"x": "x".repeat(1 << 20)}}), 413, "SY1004", "over the limit").await;
    let retried = act(&api, "s", "retry", &json!({"data": {"n": 2}})).await.expect(202);
    assert_eq!(retried["data"], json!({"n": 2}));
    until(&api, "s", "stuck").await;
    api.post(&format!("{PATH}/s/retry"), "").await.expect(202);
    assert_eq!(until(&api, "s", "stuck").await["data"], json!({"n": 2}));
    act(&api, "s", "compensate", &json!({})).await.expect(202);
    let failed = until(&api, "s", "failed").await;
    assert!(failed["endedAt"].is_string(), "{failed}");
    act(&api, "s", "retry", &json!({})).await.expect_problem(409, "SY3003", "only one that is stuck");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_saga_ends_failed_and_tells_its_history() {
    let api = host(&[approval()]);
    start(&api, &json!({"sagaName": "approval", "sagaId": "c"})).await.expect(201);
    api.post(&format!("{PATH}/c/cancel"), "").await.expect(202);
    assert_eq!(until(&api, "c", "failed").await["error"], "cancelled");
    api.post(&format!("{PATH}/c/cancel"), "").await.expect_problem(409, "SY3003", "failed");

    let whole = api.get(&format!("{PATH}/c/history")).await.expect(200);
    let lines = whole["items"].as_array().expect("a list").clone();
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap_or_default()).collect();
    assert_eq!((events[0], events.last(), &whole["next"]), ("started", Some(&"failedCleanly"), &Value::Null));
    let (mut read, mut next) = (Vec::new(), Some(String::new()));
    while let Some(cursor) = next {
        let cursor = if cursor.is_empty() { cursor } else { format!("&cursor={cursor}") };
        let page = api.get(&format!("{PATH}/c/history?limit=1{cursor}")).await.expect(200);
        read.extend(page["items"].as_array().expect("a list").clone());
        next = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(read, lines);
    api.get(&format!("{PATH}/c/history?cursor=x")).await.expect_problem(400, "SY1003", "cursor is 'x'");
    api.get(&format!("{PATH}/c/history?limit=0")).await.expect_problem(400, "SY1003", "limit is '0'");
}

#[tokio::test(flavor = "multi_thread")]
async fn sagas_are_listed_by_status_and_name_page_by_page() {
    let api = host(&[approval(), hasty()]);
    for id in ["a", "b", "c"] {
        start(&api, &json!({"sagaName": "approval", "sagaId": id})).await.expect(201);
    }
    start(&api, &json!({"sagaName": "hasty", "sagaId": "h"})).await.expect(201);
    until(&api, "h", "stuck").await;
    let count = async |query: &str| {
        let list = api.get(&format!("{PATH}{query}")).await.expect(200);
        list["items"].as_array().map(Vec::len)
    };
    for (query, expected) in [
        ("", 4),
        ("?status=waiting", 3),
        ("?status=stuck", 1),
        ("?status=completed", 0),
        ("?name=approval", 3),
        ("?name=approval&status=stuck", 0),
        ("?name=none", 0),
    ] {
        assert_eq!(count(query).await, Some(expected), "{query}");
    }
    let first = api.get(&format!("{PATH}?limit=3")).await.expect(200);
    let next = first["next"].as_str().expect("there is more");
    let rest = api.get(&format!("{PATH}?limit=3&cursor={next}")).await.expect(200);
    assert_eq!((&rest["items"][0]["sagaId"], &rest["next"]), (&json!("h"), &Value::Null));
    assert_eq!(first["items"][0]["sagaName"], "approval");

    let known = "status is 'done', not one of: running, waiting, compensating, stuck, failed, completed";
    api.get(&format!("{PATH}?status=done")).await.expect_problem(400, "SY1003", known);
    api.get(&format!("{PATH}?limit=1001")).await.expect_problem(400, "SY1003", "limit");
    api.get(&format!("{PATH}?cursor=x")).await.expect_problem(400, "SY1003", "cursor");
    let stats = api.get(&format!("{PATH}/stats")).await.expect(200);
    assert_eq!((&stats["waiting"], &stats["stuck"], &stats["completed"]), (&json!(3), &json!(1), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_are_listed_with_their_service() {
    let api = host(&[hasty(), approval()]);
    let list = api.get(&format!("{PATH}/definitions?limit=1")).await.expect(200);
    let definition = &list["items"][0];
    assert_eq!((&definition["name"], &definition["service"]), (&json!("approval"), &json!("shop")));
    assert_eq!((&definition["steps"], &list["next"]), (&approval()["steps"], &json!("approval")));
    assert!(definition["digest"].is_string() && definition["onFailure"] == "compensate", "{definition}");
    let rest = api.get(&format!("{PATH}/definitions?limit=1&cursor=approval")).await.expect(200);
    assert_eq!((&rest["items"][0]["name"], &rest["next"]), (&json!("hasty"), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_sagas_paths_and_methods_are_told_apart() {
    let api = host(&[]);
    for path in ["s", "s/history", "a%2Fb"] {
        api.get(&format!("{PATH}/{path}")).await.expect_problem(404, "SY3001", "there is no saga");
    }
    for (how, body) in [("cancel", ""), ("retry", ""), ("compensate", ""), ("signal", r#"{"name":"n"}"#)] {
        let path = format!("{PATH}/s/{how}");
        api.post(&path, body).await.expect_problem(404, "SY3001", "there is no saga");
        let read = api.get(&path).await;
        read.expect_problem(405, "SY1002", "POST");
        assert_eq!(read.headers["allow"], "POST");
    }
    api.post(&format!("{PATH}/s/signal"), "").await.expect_problem(400, "SY1003", "missing field `name`");
    api.delete(PATH).await.expect_problem(405, "SY1002", "GET, HEAD, POST");
    for path in ["s", "stats", "definitions", "s/history"] {
        api.delete(&format!("{PATH}/{path}")).await.expect_problem(405, "SY1002", "GET, HEAD");
    }
    api.post(&format!("{PATH}/s/stop"), "").await.expect_problem(404, "SY3001", "no such path");
    assert_eq!(api.ask(Method::HEAD, &format!("{PATH}/stats"), "", "").await.status, 200);
}
