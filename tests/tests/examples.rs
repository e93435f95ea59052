//! The example services together: what happens to users and orders is told, audited and notified of.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{Host, Setup, bus::event};

const SERVICES: [&str; 3] = ["user-service", "notification-service", "audit"];

async fn host() -> Host {
    let setup = SERVICES.into_iter().fold(Setup::new(), |setup, name| setup.plugin(name, name));
    let host = setup.config("[events]\nmiddleware = ['audit']\n").start().await;
    for name in ["notification-service/user.created", "notification-service/order.*"] {
        host.subscribed(name).await;
    }
    host
}

/// Waits until so many notifications were sent.
async fn notifications(host: &Host, count: usize) -> Vec<Value> {
    let sent = async || {
        let sent = host.get("/api/notifications").await.json().as_array().cloned().unwrap_or_default();
        (sent.len() >= count).then_some(sent)
    };
    host.eventually(&format!("{count} notifications"), sent).await
}

#[tokio::test]
async fn a_new_user_is_told_of_audited_and_notified_once() {
    let host = host().await;
    let user = host.send(Method::POST, "/api/users", r#"{"name":"Ann","email":"ann@example.com"}"#).await.json();
    let sent = notifications(&host, 1).await;
    assert_eq!((&sent[0]["to"], &sent[0]["topic"]), (&json!("ann@example.com"), &json!("user.created")), "{sent:#?}");
    let created = host.events("user.*").await.remove(0);
    assert_eq!(created["source"], "/services/user-service", "{created:#}");
    assert_eq!((&created["data"]["id"], &created["data"]["name"]), (&user["id"], &json!("Ann")), "{created:#}");
    assert_eq!(created["auditedby"], "audit", "the middleware has seen it: {created:#}");
    assert_eq!(sent[0]["eventId"], created["id"]);
    let path = format!("/api/users/{}", user["id"].as_str().unwrap());
    assert_eq!(host.send(Method::PUT, &path, r#"{"name":"Anna"}"#).await.status, 200);
    assert_eq!(host.send(Method::DELETE, &path, "").await.status, 204);
    let topics: Vec<Value> = host.events("user.*").await.iter().map(|event| event["type"].clone()).collect();
    assert_eq!(topics, ["user.created", "user.updated", "user.deleted"]);
    let audited = async || {
        let audited = host.get("/api/audit?limit=1000").await.text();
        topics.iter().all(|topic| audited.contains(topic.as_str().unwrap())).then_some(())
    };
    host.eventually("all of it is in the audit", audited).await;
}

#[tokio::test]
async fn a_notification_that_cannot_be_sent_is_a_dead_letter_and_holds_nobody_up() {
    let host = host().await;
    host.publish(event("order.created", "1", json!({"orderId": "1", "simulate": "fail"}))).await;
    host.publish(event("order.created", "2", json!({"orderId": "2"}))).await;
    let sent = notifications(&host, 1).await;
    assert_eq!(sent[0]["eventId"], "2", "{sent:#?}");
    let dead = host.until_dead("queue=notifications", 1).await;
    assert_eq!(dead[0]["originalMessage"]["data"]["eventId"], "1", "{dead:#?}");
    assert_eq!(dead[0]["attempts"], 3, "{dead:#?}");
    assert_eq!(notifications(&host, 1).await.len(), 1);
}
