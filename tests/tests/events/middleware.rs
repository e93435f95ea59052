//! Event middleware: sees, changes and rejects events before they are stored.

use serde_json::{Value, json};
use switchyard_tests::{Host, Setup, bus::event};

/// A host with two middlewares, `a` and `b`, of which `b` goes first, when nothing is compiled any more.
async fn host(on_error: &str) -> Host {
    let config = format!(
        "[events]\nmiddleware = ['stamp-b', 'stamp-a']\non-error = '{on_error}'\n\
         [services.stamp-a.config]\nname = 'a'\n[services.stamp-b.config]\nname = 'b'\n"
    );
    let mut setup = Setup::new().config(&config).probe("");
    for name in ["stamp-a", "stamp-b"] {
        setup = setup.side(name, &format!("name = '{name}'")).plugin(name, "stamp");
    }
    let host = setup.start().await;
    for name in ["stamp-a", "stamp-b", "probe"] {
        host.until(name, "optimised", |plugin| plugin["tier"] == "optimised").await;
    }
    host
}

fn stamped(id: &str, deeds: Value) -> Value {
    event("m", id, json!({"stamp": deeds}))
}

async fn stored(host: &Host, id: &str) -> Option<Value> {
    host.items("/api/v1/events?topic=*&from=first").await.into_iter().find(|event| event["id"] == id)
}

#[tokio::test]
async fn middleware_changes_events_in_its_order_but_not_their_identity() {
    let host = host("reject").await;
    host.publish(stamped("both", json!({"*": "change"}))).await;
    assert_eq!(stored(&host, "both").await.unwrap()["stampedby"], "ba");
    host.publish(stamped("one", json!({"a": "change"}))).await;
    assert_eq!(stored(&host, "one").await.unwrap()["stampedby"], "a");
    host.publish(stamped("none", json!({}))).await;
    assert!(stored(&host, "none").await.unwrap().get("stampedby").is_none());
    let receipt = host.publish(stamped("forged", json!({"b": "forge"}))).await;
    assert_eq!(receipt["id"], "forged");
    let mut sent = stamped("mine", json!({"b": "forge"}));
    sent["source"] = "/mine".into();
    assert_eq!(host.publish(sent).await["id"], "mine");
    let event = stored(&host, "mine").await.expect("the id stays");
    let identity = ["id", "source", "type", "stampedby"].map(|member| event[member].clone());
    assert_eq!(identity, ["mine", "/mine", "m", "b"], "{event:#}");
    let receipt = host.probe("/probe/publish", stamped_draft("guest", json!({"*": "change"}))).await.1;
    assert_eq!(receipt["duplicate"], false, "{receipt}");
    assert_eq!(stored(&host, "guest").await.unwrap()["stampedby"], "ba", "guests' events pass it too");
}

fn stamped_draft(id: &str, deeds: Value) -> Value {
    json!({"topic": "m", "id": id, "data": {"stamp": deeds}})
}

#[tokio::test]
async fn a_rejected_event_is_not_stored_and_its_publisher_is_told() {
    let host = host("pass").await;
    let answer = host.post_event(stamped("no", json!({"b": "change", "a": "reject"}))).await;
    assert_eq!(answer.status, 422, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert!(answer.json()["detail"].as_str().unwrap().contains("a says no"), "{}", answer.text());
    assert_eq!(stored(&host, "no").await, None);
    let (status, error) = host.probe("/probe/publish", stamped_draft("no", json!({"b": "reject"}))).await;
    assert_eq!((status, &error["error"]), (422, &json!("rejected")), "{error}");
    assert!(error["text"].as_str().unwrap().contains("b says no"), "{error}");
    let operations = json!([
        {"put": "k", "value": "v"},
        {"publish": stamped_draft("yes", json!({}))},
        {"publish": stamped_draft("no", json!({"a": "reject"}))},
    ]);
    let (status, error) = host.probe("/probe/batch", operations).await;
    assert_eq!((status, &error["error"]), (422, &json!("rejected")), "{error}");
    for id in ["yes", "no"] {
        assert_eq!(stored(&host, id).await, None, "{id}");
    }
    assert_eq!(host.get("/probe/read?k=k").await.json(), Value::Null, "nothing of the batch was committed");
    // A batch over HTTP is all or none as well.
    let batch = json!([stamped("first", json!({})), stamped("second", json!({"a": "reject"}))]);
    let headers = [("content-type", "application/cloudevents-batch+json")];
    let answer = host.ask_with(http::Method::POST, "/api/v1/events", &headers, batch.to_string()).await;
    assert_eq!(answer.status, 422, "{}", answer.text());
    assert_eq!(stored(&host, "first").await, None);
}

#[tokio::test]
async fn a_middleware_that_fails_is_passed_by_or_rejects_as_the_operator_says() {
    let passing = host("pass").await;
    for deed in ["trap", "hang"] {
        passing.publish(stamped(deed, json!({"b": deed, "a": "change"}))).await;
        assert_eq!(stored(&passing, deed).await.unwrap()["stampedby"], "a", "{deed}");
    }
    let rejecting = host("reject").await;
    for deed in ["trap", "hang"] {
        let answer = rejecting.post_event(stamped(deed, json!({"b": deed}))).await;
        assert!(answer.status.is_client_error() || answer.status.is_server_error(), "{deed}: {}", answer.text());
        assert!(answer.json()["detail"].as_str().unwrap().contains("stamp-b"), "{deed}: {}", answer.text());
        assert_eq!(stored(&rejecting, deed).await, None, "{deed}");
    }
    assert_eq!(rejecting.post_event(stamped("fine", json!({}))).await.status, 201);
}

#[tokio::test]
async fn a_middleware_that_is_not_there_counts_as_failed_until_it_is() {
    let config = "[events]\nmiddleware = ['stamp']\non-error = 'reject'\n";
    let host = Setup::new().config(config).start().await;
    let answer = host.post_event(stamped("early", json!({}))).await;
    assert!(!answer.status.is_success(), "{}", answer.text());
    assert!(answer.json()["detail"].as_str().unwrap().contains("stamp"), "{}", answer.text());
    // The host's own events pass it by, so that they are told nevertheless.
    host.rename_into_place("stamp", &switchyard_tests::component_bytes("stamp"));
    let told = async || host.events("plugin.*").await.into_iter().find(|event| event["data"]["name"] == "stamp");
    host.eventually("the host's events are told", told).await;
    host.publish(stamped("late", json!({"*": "change"}))).await;
    assert!(stored(&host, "late").await.is_some());
    assert_eq!(stored(&host, "early").await, None);
}
