//! Subscriptions of HTTP endpoints: CloudEvents in binary mode, and what the answers mean.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{
    Host, Received, Setup, Webhook,
    bus::{event, keyed},
};

async fn subscribe(host: &Host, webhook: &Webhook) {
    let body = json!({
        "name": "hook", "topic": "w", "url": webhook.url, "start": "first", "maxAttempts": 3,
        "backoff": {"linear": "50ms"},
    });
    let made = host.ask(Method::POST, "/api/v1/subscriptions", &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
}

async fn received(host: &Host, webhook: &Webhook, count: usize) -> Vec<Received> {
    let find = async || Some(webhook.received()).filter(|received| received.len() >= count);
    host.eventually(&format!("{count} requests at the webhook"), find).await
}

fn id(request: &Received) -> &str {
    request.header("ce-id")
}

#[tokio::test]
async fn events_are_posted_in_binary_mode() {
    let webhook = Webhook::listen(|_, _| (204, vec![])).await;
    let host = Setup::new().start().await;
    subscribe(&host, &webhook).await;
    let mut sent = keyed("w", "17", "k", json!({"total": 5}));
    (sent["subject"], sent["shop"], sent["time"]) = ("50 % €".into(), "one".into(), "2026-01-31T12:00:00Z".into());
    (sent["flag"], sent["datacontenttype"]) = (true.into(), "application/json".into());
    host.publish(sent).await;
    let request = received(&host, &webhook, 1).await.remove(0);
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/hook"));
    for (name, value) in [
        ("ce-specversion", "1.0"),
        ("ce-id", "17"),
        ("ce-source", "/tests"),
        ("ce-type", "w"),
        ("ce-time", "2026-01-31T12:00:00Z"),
        ("ce-partitionkey", "k"),
        ("ce-shop", "one"),
        ("ce-flag", "true"),
        ("ce-subject", "50%20%25%20%E2%82%AC"),
        ("content-type", "application/json"),
    ] {
        assert_eq!(request.header(name), value, "{name}");
    }
    assert!(!request.header("ce-correlationid").is_empty());
    assert_eq!(serde_json::from_slice::<Value>(&request.body).unwrap(), json!({"total": 5}));
    host.until_subscription("hook", "done", |shown| shown["processed"] == 1).await;
}

#[tokio::test]
async fn anything_but_success_is_tried_again_and_becomes_a_dead_letter() {
    let webhook = Webhook::listen(|_, request| match id(request) {
        "moved" => (302, vec![("location", "/elsewhere".to_owned())]),
        "fails" => (500, vec![]),
        "refused" => (400, vec![]),
        _ => (202, vec![]),
    })
    .await;
    let host = Setup::new().start().await;
    subscribe(&host, &webhook).await;
    host.publish_all(["fails", "fine", "moved", "refused"].map(|id| event("w", id, json!({})))).await;
    let dead = host.until_dead("subscription=hook", 3).await;
    for dead in &dead {
        assert_eq!(dead["attempts"], 3, "{dead:#}");
    }
    let requests = webhook.received();
    for (name, times) in [("fails", 3), ("moved", 3), ("refused", 3), ("fine", 1)] {
        assert_eq!(requests.iter().filter(|request| id(request) == name).count(), times, "{name}");
    }
    assert!(requests.iter().all(|request| request.path == "/hook"), "redirects are not followed");
}

#[tokio::test]
async fn gone_ends_the_subscription_for_good() {
    let webhook = Webhook::listen(|before, _| if before == 0 { (410, vec![]) } else { (200, vec![]) }).await;
    let host = Setup::new().start().await;
    subscribe(&host, &webhook).await;
    host.publish(keyed("w", "first", "k", json!({}))).await;
    let over = |shown: &Value| shown.is_null() || shown["state"] == "ended";
    host.until_subscription("hook", "ended", over).await;
    let host = host.stop().0.start().await;
    host.publish(keyed("w", "second", "k", json!({}))).await;
    // Whatever is subscribed later gets its event, so one to this would have come by then.
    let witness = Webhook::listen(|_, _| (200, vec![])).await;
    let body = json!({"name": "witness", "topic": "w", "url": witness.url, "start": "first"});
    assert_eq!(host.ask(Method::POST, "/api/v1/subscriptions", &body).await.status, 201);
    received(&host, &witness, 2).await;
    assert_eq!(webhook.received().len(), 1);
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    let wait = || vec![("retry-after", "2".to_owned())];
    let webhook = Webhook::listen(move |before, _| match before {
        0 => (429, wait()),
        1 => (503, wait()),
        _ => (200, vec![]),
    })
    .await;
    let host = Setup::new().start().await;
    subscribe(&host, &webhook).await;
    host.publish(event("w", "patient", json!({}))).await;
    host.until_subscription("hook", "done", |shown| shown["processed"] == 1).await;
    let at: Vec<_> = webhook.received().iter().map(|request| request.at).collect();
    assert_eq!(at.len(), 3);
    for pair in at.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(1_900), "{:?}", pair[1] - pair[0]);
    }
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_tried_again_until_it_is() {
    let gone = Webhook::listen(|_, _| (200, vec![])).await;
    let url = gone.url.clone();
    drop(gone);
    let host = Setup::new().start().await;
    let body = json!({"name": "hook", "topic": "w", "url": url, "start": "first", "backoff": {"linear": "20ms"}});
    assert_eq!(host.ask(Method::POST, "/api/v1/subscriptions", &body).await.status, 201);
    host.publish(event("w", "lost", json!({}))).await;
    let dead = host.until_dead("subscription=hook", 1).await;
    assert_eq!(dead[0]["attempts"], 3, "{dead:#?}");
    for url in ["ftp://127.0.0.1/", "nonsense", "http://"] {
        let body = json!({"name": "other", "topic": "w", "url": url});
        let answer = host.ask(Method::POST, "/api/v1/subscriptions", &body).await;
        assert_eq!(answer.status, 400, "{url}: {}", answer.text());
    }
}
