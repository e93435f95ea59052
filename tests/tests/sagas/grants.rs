//! What services may do with sagas when grants are explicit.

use serde_json::{Value, json};
use switchyard_tests::{Host, Setup, bus::event};

async fn denied(host: &Host, path: &str, body: Value, grant: &str) {
    let (status, error) = host.probe(path, body).await;
    assert_eq!((status, &error["error"]), (422, &json!("denied")), "{path}: {error}");
    assert!(error["text"].as_str().unwrap().contains(grant), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explicit_grants_bind_plugins_to_the_sagas_that_they_name() {
    let steps = json!([{"wait": {"signal": "go"}}, {"command": "act", "irreversible": true}]);
    let definitions = ["mine", "other"].map(|name| json!({"name": name, "steps": steps}));
    let config = "[plugins]\ngrants = 'explicit'\n[services.probe]\ngrants = ['saga:mine']\n";
    let setup = Setup::new().config(config).sagas("probe", &definitions, "commands = ['act']").plugin("probe", "probe");
    let host = setup.probe_as("probe-b", "").start().await;
    // Operators need none, nor do the host's own ways.
    host.start_saga("other", "o-1", json!({})).await;
    host.publish(event("saga.start", "e-1", json!({"sagaName": "other", "sagaId": "o-2"}))).await;
    let started = async || host.admin("/api/v1/sagas/o-2").await.status.is_success().then_some(());
    host.eventually("the event has started one", started).await;

    let (mine, other) = (json!({"name": "mine", "id": "m-1"}), json!({"name": "other", "id": "o-3"}));
    assert_eq!(host.probe("/probe/start-saga", mine.clone()).await.0, 200);
    denied(&host, "/probe/start-saga", other.clone(), "saga:other").await;
    let both = json!([{"put": "k", "value": "v"}, {"startSaga": {"name": "mine", "id": "m-2"}}, {"startSaga": other}]);
    denied(&host, "/probe/batch", both, "saga:other").await;
    for (path, body) in [
        ("/probe/saga?id=o-1", Value::Null),
        ("/probe/signal", json!({"id": "o-1", "name": "go"})),
        ("/probe/cancel", json!({"id": "o-1"})),
    ] {
        denied(&host, path, body, "saga:other").await;
    }
    denied(&host, "/probe-b/start-saga", mine, "saga:mine").await;
    denied(&host, "/probe-b/saga?id=m-1", Value::Null, "saga:mine").await;
    assert_eq!(host.sagas("").await, ["m-1", "o-1", "o-2"]);
    assert_eq!(host.get("/probe/read?k=k").await.json(), Value::Null);
    assert_eq!(host.probe("/probe/signal", json!({"id": "m-1", "name": "go"})).await.0, 200);
    host.until_saga("m-1", "completed").await;
    // To take part needs none: the definition names the command.
    host.move_saga("o-1", "signal", json!({"name": "go"})).await;
    host.until_saga("o-1", "completed").await;

    std::fs::write(host.path().join("switchyard.toml"), "").unwrap();
    let start = json!({"name": "other", "id": "o-4"});
    let opened = async || (host.probe("/probe-b/start-saga", start.clone()).await.0 == 200).then_some(());
    host.eventually("grants are followed while the host runs", opened).await;
}
