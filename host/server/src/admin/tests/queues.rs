//! Queues, filled and consumed over HTTP.

use serde_json::json;
use switchyard_delivery::config::Queue;

use super::*;

async fn enqueue(api: &Api, body: &str) -> Answered {
    api.post("/api/v1/queues/emails/messages", body).await
}

/// Leases messages; their members.
async fn lease(api: &Api, body: &str) -> Vec<Value> {
    let mut leased = api.post("/api/v1/queues/emails/lease", body).await.expect(200);
    serde_json::from_value(leased["messages"].take()).expect("a list")
}

/// Ends a lease.
async fn settle(api: &Api, message: &Value, how: &str, token: &Value, more: &str) -> Answered {
    let path = format!("/api/v1/queues/emails/messages/{}/{how}", message["id"].as_str().expect("an id"));
    api.post(&path, &format!(r#"{{"token":{token}{more}}}"#)).await
}

#[tokio::test]
async fn a_message_is_leased_and_acknowledged() {
    let api = Api::new();
    let enqueued = enqueue(&api, r#"{"data":{"to":"ann"},"priority":2}"#).await.expect(201);
    enqueue(&api, r#"{"data":"urgent","priority":9}"#).await.expect(201);
    let leased = lease(&api, r#"{"max":10,"visibilityTimeout":"30s"}"#).await;
    let [urgent, message] = &leased[..] else { panic!("two messages: {leased:?}") };
    assert_eq!(urgent["data"], "urgent");
    assert_eq!((&message["id"], &message["data"]), (&enqueued["id"], &json!({"to": "ann"})));
    assert_eq!((&message["priority"], &message["attempt"]), (&json!(2), &json!(1)));
    assert!(message["enqueuedAt"].is_string(), "{message}");
    assert!(lease(&api, "").await.is_empty(), "both are leased");

    settle(&api, message, "ack", &json!("wrong"), "").await.expect_problem(409, "SY5002", "not leased");
    settle(&api, message, "extend", &message["token"], r#","delay":"1m""#).await.expect(204);
    settle(&api, message, "ack", &message["token"], "").await.expect(204);
    settle(&api, message, "ack", &message["token"], "").await.expect_problem(409, "SY5002", "");
    let queue = api.get("/api/v1/queues/emails").await.expect(200);
    assert_eq!((&queue["enqueued"], &queue["dequeued"], &queue["inFlight"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!(api.get("/api/v1/queues").await.expect(200)["items"][0]["name"], "emails");
}

#[tokio::test]
async fn a_message_that_was_given_back_comes_again_as_another_attempt() {
    let api = Api::new();
    enqueue(&api, r#"{"data":1}"#).await.expect(201);
    let leased = lease(&api, "{}").await;
    settle(&api, &leased[0], "nack", &leased[0]["token"], r#","delay":"0s","reason":"busy""#).await.expect(204);
    let again = lease(&api, "{}").await;
    assert_eq!((&again[0]["id"], &again[0]["attempt"]), (&leased[0]["id"], &json!(2)));
    assert_ne!(again[0]["token"], leased[0]["token"]);
    settle(&api, &leased[0], "ack", &leased[0]["token"], "").await.expect_problem(409, "SY5002", "");
}

#[tokio::test]
async fn a_delayed_message_waits_and_a_duplicate_is_the_first() {
    let api = Api::new();
    let first = enqueue(&api, r#"{"data":1,"delay":"1h","dedupId":"a"}"#).await.expect(201);
    assert_eq!(enqueue(&api, r#"{"data":2,"dedupId":"a"}"#).await.expect(200), first);
    assert!(lease(&api, "{}").await.is_empty());
    let queue = api.get("/api/v1/queues/emails").await.expect(200);
    assert_eq!((&queue["delayed"], &queue["currentSize"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn a_full_queue_says_so_in_the_fixed_text() {
    let mut config = switchyard_delivery::Config::default();
    config.queues.insert("emails".to_owned(), Queue { max_size: 1, ..Queue::default() });
    let api = Api::with(config);
    enqueue(&api, r#"{"data":1,"delay":"1h"}"#).await.expect(201);
    let full = enqueue(&api, r#"{"data":2}"#).await;
    full.expect_problem(429, "SY5001", "raise max-size under [queues.NAME]");
    assert_eq!(full.json()["error"], "Queue emails is full");
    assert!(full.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn what_does_not_hold_is_refused_by_name() {
    let api = Api::new();
    let refused = async |body: &str, detail| enqueue(&api, body).await.expect_problem(400, "SY1003", detail);
    refused("", "missing field `data`").await;
    refused(r#"{"data":1,"prio":2}"#, "unknown field `prio`").await;
    refused(r#"{"data":1,"priority":"high"}"#, "the member 'priority': invalid type").await;
    refused(r#"{"data":1,"priority":10}"#, "priority").await;
    refused(r#"{"data":1,"delay":"soon"}"#, "the member 'delay': 'soon' is not a duration").await;
    refused("data", "it must be a JSON object").await;
    refused("{data", "key must be a string").await;
    api.post("/api/v1/queues/a%20b/messages", r#"{"data":1}"#).await.expect_problem(
        400,
        "SY1003",
        "is not a queue name",
    );
    enqueue(&api, r#"{"data":1}"#).await.expect(201);
    let no_lease = async |body: &str, detail| {
        api.post("/api/v1/queues/emails/lease", body).await.expect_problem(400, "SY1003", detail);
    };
    no_lease(r#"{"max":0}"#, "max").await;
    no_lease(r#"{"visibilityTimeout":"1ms"}"#, "1s").await;
    let leased = lease(&api, "{}").await;
    let path = format!("/api/v1/queues/emails/messages/{}/ack", leased[0]["id"].as_str().expect("an id"));
    api.post(&path, "{}").await.expect_problem(400, "SY1003", "missing field `token`");
}

#[tokio::test]
async fn an_unknown_queue_is_not_found() {
    let api = Api::new();
    for (path, body) in
        [("lease", "{}"), ("messages/1/ack", r#"{"token":"t"}"#), ("messages/1/nack", r#"{"token":"t"}"#)]
    {
        api.post(&format!("/api/v1/queues/none/{path}"), body).await.expect_problem(404, "SY3001", "none");
    }
}
