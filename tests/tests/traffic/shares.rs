//! Two versions side by side, their shares, copies, and routes that name a version.

use std::{collections::BTreeMap, fs};

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{Host, Setup};

use crate::fickle::{Ways, fickle};

const TRAFFIC: &str = "/api/v1/services/fickle/traffic";
const CALLS: u64 = 400;

/// A host with `fickle` 1.0.0, and 2.0.0 beside it.
async fn host() -> Host {
    let setup = Setup::new();
    fs::write(setup.plugins().join("fickle.wasm"), fickle("1.0.0", Ways::default())).unwrap();
    fs::write(setup.plugins().join("fickle@2.0.0.wasm"), fickle("2.0.0", Ways::default())).unwrap();
    setup.start().await
}

/// Who answered so many calls of this path.
async fn answered(host: &Host, path: &str) -> BTreeMap<String, u64> {
    let (mut client, mut answers) = (host.client().await, BTreeMap::new());
    for _ in 0..CALLS {
        let answer = client.get(path).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        *answers.entry(answer.text()).or_default() += 1;
    }
    answers
}

async fn ask(host: &Host, method: Method, body: Value) -> (u16, Value) {
    let answer = host.ask(method, TRAFFIC, &body).await;
    (answer.status.as_u16(), answer.json())
}

fn weights(first: u32, second: u32) -> Value {
    json!({"versions": [{"version": "1.0.0", "weight": first}, {"version": "2.0.0", "weight": second}]})
}

/// A member of each version, by its number.
fn each(traffic: &Value, member: &str) -> Vec<Value> {
    traffic["versions"].as_array().unwrap().iter().map(|version| version.pointer(member).cloned().unwrap()).collect()
}

#[track_caller]
fn is_about(count: u64, of: u64) {
    // Beyond this by chance once in a million times.
    assert!(count.abs_diff(of) < CALLS / 8, "{count} are not about {of}");
}

#[tokio::test]
async fn calls_are_shared_by_weight_and_counted_by_version_until_they_are_given_back() {
    let host = host().await;
    assert_eq!(answered(&host, "/fickle/").await, [("1.0.0".to_owned(), CALLS)].into());
    let (status, traffic) = ask(&host, Method::PUT, weights(3, 1)).await;
    assert_eq!((status, each(&traffic, "/share")), (200, vec![json!(75.0), json!(25.0)]), "{traffic:#}");
    assert_eq!(each(&traffic, "/plugin"), [json!("fickle"), json!("fickle@2.0.0")]);
    assert_eq!(
        (each(&traffic, "/main"), each(&traffic, "/weight")),
        (vec![json!(true), json!(false)], vec![json!(3), json!(1)])
    );
    let answers = answered(&host, "/fickle/").await;
    is_about(answers["1.0.0"], CALLS * 3 / 4);
    let (_, traffic) = ask(&host, Method::GET, Value::Null).await;
    assert_eq!(
        each(&traffic, "/metrics/requestCount"),
        [json!(answers["1.0.0"]), json!(answers["2.0.0"])],
        "{traffic:#}"
    );
    // A breaker of its own.
    let breakers = host.items("/api/v1/breakers").await;
    assert_eq!(breakers.iter().filter(|breaker| breaker["service"] == "fickle").count(), 2, "{breakers:#?}");

    let (setup, _) = host.stop();
    let host = setup.start().await;
    is_about(answered(&host, "/fickle/").await["2.0.0"], CALLS / 4);
    fs::remove_file(host.plugin_file("fickle@2.0.0")).unwrap();
    host.until("fickle@2.0.0", "gone", Value::is_null).await;
    assert_eq!(answered(&host, "/fickle/").await["1.0.0"], CALLS, "what is not there leaves its share to the main one");
    let (_, traffic) = ask(&host, Method::GET, Value::Null).await;
    assert_eq!(
        (each(&traffic, "/share"), each(&traffic, "/plugin")),
        (vec![json!(100.0), json!(0.0)], vec![json!("fickle"), Value::Null])
    );
    host.copy("fickle@2.0.0", &fickle("2.0.0", Ways::default()));
    host.until("fickle@2.0.0", "active", |plugin| plugin["state"] == "active").await;
    is_about(answered(&host, "/fickle/").await["2.0.0"], CALLS / 4);
    assert_eq!(ask(&host, Method::DELETE, Value::Null).await.0, 204);
    assert_eq!(answered(&host, "/fickle/").await["1.0.0"], CALLS);
    assert_eq!(ask(&host, Method::GET, Value::Null).await.1["changedAt"], Value::Null);
}

#[tokio::test]
async fn what_is_not_there_is_refused() {
    let host = host().await;
    let (status, problem) = ask(&host, Method::PUT, json!({"versions": [{"version": "3.0.0", "weight": 1}]})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("SY3003")));
    assert!(
        problem["detail"].as_str().unwrap().contains("has no version 3.0.0; there are: 1.0.0, 2.0.0"),
        "{problem:#}"
    );
    let (status, problem) = ask(&host, Method::PUT, json!({"versions": [{"version": "1", "weight": 1}]})).await;
    assert_eq!(status, 400, "{problem:#}");
    let (status, problem) = ask(&host, Method::PUT, weights(0, 0)).await;
    assert_eq!((status, &problem["code"]), (400, &json!("SY1003")), "{problem:#}");
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = host.ask(method, "/api/v1/services/nobody/traffic", &weights(1, 1)).await;
        assert_eq!(answer.status, 404, "{}", answer.text());
    }
}

#[tokio::test]
async fn a_version_can_be_tried_with_copies_of_what_another_answers() {
    let host = host().await;
    let (code, text) = host.tell(&["traffic", "fickle", "--mirror", "2.0.0=100"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("copies of 100 % go to 2.0.0"), "{text}");
    assert_eq!(answered(&host, "/fickle/").await["1.0.0"], CALLS);
    let is_there = async || {
        let traffic = ask(&host, Method::GET, Value::Null).await.1;
        let counts = each(&traffic, "/metrics/requestCount");
        (counts[0] == CALLS && counts[1].as_u64() >= Some(CALLS / 2)).then_some(())
    };
    host.eventually("the copies are counted for the version that gets them", is_there).await;
    let (code, text) = host.tell(&["traffic", "fickle", "--clear"]);
    assert_eq!((code, text.trim()), (Some(0), "all calls of fickle go to its main version"));
}

#[tokio::test]
async fn a_route_can_name_a_version() {
    let host = host().await;
    let add = async |route: Value| {
        let answer = host.ask(Method::POST, "/api/v1/routes", &route).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    };
    add(json!({"path": "/canary/*", "split": [{"service": "fickle", "version": "2.0.0", "weight": 1}]})).await;
    let both =
        [json!({"service": "fickle", "weight": 3}), json!({"service": "fickle", "version": "2.0.0", "weight": 1})];
    add(json!({"path": "/both/*", "split": both})).await;
    add(json!({"path": "/later/*", "split": [{"service": "fickle", "version": "3.0.0", "weight": 1}]})).await;
    assert_eq!(answered(&host, "/canary/").await["2.0.0"], CALLS);
    is_about(answered(&host, "/both/").await["2.0.0"], CALLS / 4);
    assert_eq!(host.get("/later/").await.status, 404, "it waits for its version");
    let routes = host.items("/api/v1/routes").await;
    let canary = routes.iter().find(|route| route["path"] == "/canary/*").unwrap();
    assert_eq!(canary["split"], json!([{"service": "fickle", "version": "2.0.0", "weight": 1}]));
    // Whatever the shares of the versions are.
    assert_eq!(ask(&host, Method::PUT, weights(1, 0)).await.0, 200);
    assert_eq!(answered(&host, "/canary/").await["2.0.0"], CALLS);
    host.copy("fickle@3.0.0", &fickle("3.0.0", Ways::default()));
    host.until("fickle@3.0.0", "staged", |plugin| plugin["staged"] == true).await;
    assert_eq!(answered(&host, "/later/").await["3.0.0"], CALLS);
    let (_, text) = host.tell(&["routes"]);
    assert!(text.contains("fickle 3, fickle@2.0.0 1"), "{text}");
}

#[tokio::test]
async fn a_version_that_fails_is_left_out_while_its_breaker_is_open() {
    let host = host().await;
    host.copy("fickle@2.0.0", &fickle("2.0.0", Ways { trap: 100, ..Ways::default() }));
    host.until("fickle@2.0.0", "replaced", |plugin| plugin["generation"].as_u64() > Some(2)).await;
    assert_eq!(ask(&host, Method::PUT, weights(1, 1)).await.0, 200);
    let (mut client, mut failed) = (host.client().await, 0);
    for _ in 0..CALLS {
        failed += u64::from(client.get("/fickle/").await.unwrap().status != 200);
    }
    // It takes five to open, and opens again after some probes.
    assert!((5..20).contains(&failed), "{failed} of {CALLS} failed");
    let (_, text) = host.tell(&["traffic", "fickle"]);
    assert!(text.contains("VERSION") && text.contains("fickle@2.0.0"), "{text}");
}
