//! Who can start a saga: events, guests by their import, and guests in one commit with what they write.

use std::fs;

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{Host, Setup, bus::event, component_bytes, sagas::definitions_toml};

/// A host with the probe, which declares one saga that completes and one that waits.
async fn host() -> Host {
    let one = json!({"name": "one", "steps": [{"command": "act", "compensation": "undo"}]});
    let two = json!({"name": "two", "steps": [{"wait": {"signal": "go"}}, {"command": "act", "irreversible": true}]});
    let side = "commands = ['act', 'undo']\nsubscriptions = [{ topic = 'go', start = 'first' }]";
    Setup::new().sagas("probe", &[one, two], side).plugin("probe", "probe").start().await
}

/// An event that starts a saga.
fn start(id: &str, data: Value) -> Value {
    event("saga.start", id, data)
}

#[tokio::test]
async fn an_event_starts_a_saga_once_and_what_it_cannot_start_is_a_dead_letter() {
    let host = host().await;
    let mut first = start("e-1", json!({"sagaName": "one", "sagaId": "s-1", "data": {"n": 1}}));
    first["correlationid"] = "story".into();
    host.publish(first).await;
    // Without a sagaId it has the event's.
    host.publish(start("e-2", json!({"sagaName": "one"}))).await;
    // Of one saga it is the first that counts.
    host.publish(start("e-3", json!({"sagaName": "two", "sagaId": "s-1", "data": {"n": 2}}))).await;
    host.publish(start("not/an/id", json!({"sagaName": "one", "sagaId": "s-4"}))).await;
    for (id, data) in [
        ("w-1", json!({"sagaName": "unknown", "sagaId": "s-5"})),
        ("w-2", json!({"sagaId": "s-6"})),
        ("w-3", json!({"sagaName": "one", "sagaId": "a/b"})),
        ("w-4", json!({"sagaName": "one", "sagaId": "s-7", "data": [1]})),
        ("w/5", json!({"sagaName": "one"})),
    ] {
        host.publish(start(id, data)).await;
    }
    let find = async || host.admin("/api/v1/sagas/s-4").await.status.is_success().then_some(());
    host.eventually("the last one is started", find).await;
    for id in ["s-1", "e-2", "s-4"] {
        host.until_saga(id, "completed").await;
    }
    let saga = host.saga("s-1").await;
    assert_eq!((&saga["sagaName"], &saga["data"]), (&json!("one"), &json!({"n": 1})));
    assert!(host.told_of("s-1").await.iter().all(|event| event["correlationid"] == "story"));
    assert_eq!(host.told_of("s-1").await.len(), 3);

    let dead = host.until_dead("topic=saga.start", 5).await;
    let letter = |id: &str| dead.iter().find(|dead| dead["originalEvent"]["id"] == id).unwrap();
    for (id, attempts, text) in [
        ("w-1", 3, "'unknown'"),
        ("w-2", 1, "sagaName"),
        ("w-3", 1, "'a/b'"),
        ("w-4", 1, "object"),
        ("w/5", 1, "give it a sagaId"),
    ] {
        let letter = letter(id);
        assert_eq!(letter["attempts"], attempts, "{letter:#}");
        assert!(letter["error"].as_str().unwrap().contains(text), "{letter:#}");
    }
    assert_eq!(host.sagas("").await, ["e-2", "s-1", "s-4"]);

    // Once somebody declares it, it can be started after all.
    let unknown = json!({"name": "unknown", "steps": [{"wait": {"timer": "1ms"}}]});
    let side = format!("name = 'late'\nroutes = []\n{}", definitions_toml(&[unknown]));
    fs::write(host.path().join("plugins/late.toml"), side).unwrap();
    host.rename_into_place("late", &component_bytes("probe"));
    host.until("late", "active", |plugin| plugin["state"] == "active").await;
    let path = format!("/api/v1/dead-letters/{}/redrive", letter("w-1")["id"].as_str().unwrap());
    let answer = host.ask(Method::POST, &path, &json!({})).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    let find = async || host.admin("/api/v1/sagas/s-5").await.status.is_success().then_some(());
    host.eventually("it is started", find).await;
    host.until_saga("s-5", "completed").await;
}

#[tokio::test]
async fn a_guest_starts_sees_signals_and_cancels_sagas() {
    let host = host().await;
    let draft = |name: &str, id: &str| json!({"name": name, "id": id, "data": {"n": 1}});
    let started = host.probe("/probe/start-saga", draft("two", "g-1")).await;
    assert_eq!(started, (200, json!({"id": "g-1", "existing": false})));
    assert_eq!(
        host.probe("/probe/start-saga", draft("one", "g-1")).await,
        (200, json!({"id": "g-1", "existing": true}))
    );
    let (_, made) = host.probe("/probe/start-saga", json!({"name": "one"})).await;
    host.until_saga(made["id"].as_str().unwrap(), "completed").await;
    host.until_saga("g-1", "waiting").await;
    let seen = host.probe("/probe/saga?id=g-1", Value::Null).await;
    let snapshot =
        json!({"id": "g-1", "name": "two", "status": "waiting", "currentStep": 0, "error": null, "data": {"n": 1}});
    assert_eq!(seen, (200, snapshot));
    let signal = |name: &str| json!({"id": "g-1", "name": name, "data": {"n": 2}});
    assert_eq!(host.probe("/probe/signal", signal("go")).await.0, 200);
    assert_eq!(host.until_saga("g-1", "completed").await["data"], json!({"n": 2}));
    assert_eq!(host.probe("/probe/start-saga", draft("two", "g-2")).await.0, 200);
    assert_eq!(host.probe("/probe/cancel", json!({"id": "g-2"})).await.0, 200);
    assert_eq!(host.until_saga("g-2", "failed").await["error"], "cancelled");

    for (path, body, kind) in [
        ("/probe/start-saga", draft("unknown", "g-3"), "not-found"),
        ("/probe/start-saga", draft("one", "a/b"), "invalid"),
        ("/probe/start-saga", json!({"name": "one", "data": [1]}), "invalid"),
        ("/probe/saga?id=nobody", Value::Null, "not-found"),
        ("/probe/signal", json!({"id": "nobody", "name": "go"}), "not-found"),
        ("/probe/signal", signal("go"), "conflict"),
        ("/probe/cancel", json!({"id": "g-1"}), "conflict"),
        ("/probe/cancel", json!({"id": "nobody"}), "not-found"),
    ] {
        let (status, error) = host.probe(path, body).await;
        assert_eq!((status, &error["error"]), (422, &json!(kind)), "{path}: {error}");
    }
}

#[tokio::test]
async fn what_an_event_leads_to_belongs_to_its_story() {
    let host = host().await;
    let mut go = event("go", "1", json!({"do": "start-saga", "draft": {"name": "one", "id": "h-1"}}));
    go["correlationid"] = "story".into();
    host.publish(go).await;
    let find = async || Some(host.told_of("h-1").await).filter(|told| told.len() == 3);
    let told = host.eventually("it is told of", find).await;
    assert!(told.iter().all(|event| event["correlationid"] == "story"), "{told:#?}");
}

#[tokio::test]
async fn a_batch_starts_sagas_in_one_commit_with_state_or_nothing() {
    let host = host().await;
    let operations = |n: u32, condition: Value| {
        json!([
            {"put": "state", "value": n.to_string(), "if": condition},
            {"startSaga": {"name": "one", "id": format!("b-{n}"), "data": {"n": n}}},
            {"publish": {"topic": "placed", "id": n.to_string()}},
            {"startSaga": {"name": "two", "id": "shared"}},
        ])
    };
    let (status, done) = host.probe("/probe/batch", operations(1, json!("absent"))).await;
    let sagas = json!([{"id": "b-1", "existing": false}, {"id": "shared", "existing": false}]);
    assert_eq!((status, &done["sagas"], &done["receipts"][0]["id"]), (200, &sagas, &json!("1")), "{done}");
    let (status, error) = host.probe("/probe/batch", operations(2, json!("absent"))).await;
    assert_eq!((status, &error), (422, &json!({"error": "conflict", "text": "state"})));
    for wrong in [
        json!({"name": "unknown", "id": "b-3"}),
        json!({"name": "one", "id": "a/b"}),
        json!({"name": "one", "data": 5}),
    ] {
        let batch =
            json!([{"put": "wrong", "value": "x"}, {"startSaga": {"name": "one", "id": "b-4"}}, {"startSaga": wrong}]);
        let (status, error) = host.probe("/probe/batch", batch).await;
        assert_eq!((status, &error["error"]), (422, &json!("invalid")), "{wrong}: {error}");
    }
    let twice = json!([{"startSaga": {"name": "one", "id": "b-5"}}, {"startSaga": {"name": "two", "id": "b-5"}}]);
    let (_, done) = host.probe("/probe/batch", twice).await;
    assert_eq!(done["sagas"], json!([{"id": "b-5", "existing": false}, {"id": "b-5", "existing": true}]), "{done}");
    let revision = host.get("/probe/read?k=state").await.json()["revision"].clone();
    let (status, done) = host.probe("/probe/batch", operations(6, revision)).await;
    let sagas = json!([{"id": "b-6", "existing": false}, {"id": "shared", "existing": true}]);
    assert_eq!((status, &done["sagas"]), (200, &sagas), "{done}");
    // What was answered is on disk, all of it.
    let host = host.kill().start().await;
    for id in ["b-1", "b-5", "b-6"] {
        assert_eq!(host.until_saga(id, "completed").await["sagaName"], "one");
    }
    assert_eq!(host.get("/probe/read?k=state").await.json()["value"], "6");
    assert_eq!(host.get("/probe/read?k=wrong").await.json(), Value::Null);
    assert_eq!(host.sagas("").await, ["b-1", "b-5", "b-6", "shared"]);
    assert_eq!(host.events("placed").await.len(), 2);
}
