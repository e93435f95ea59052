//! What operators do leaves an event each; what clients and workers do leaves none.

use http::Request;

use super::*;

/// The events on `audit.action`; the topic comes with the first.
async fn told(api: &Api) -> Vec<Value> {
    let events = api.get("/api/v1/events?topic=audit.*&from=first").await.expect(200);
    events["items"].as_array().expect("items").iter().map(|item| item["data"].clone()).collect()
}

#[tokio::test]
async fn an_action_is_told_with_who_did_what_and_how_it_ended() {
    let api = Api::new();
    let request = Request::put("/api/v1/kv/users/ann?token=of-a-query").header("user-agent", "a browser");
    api.ask_with(request, "of-a-body").await.expect(200);
    api.delete("/api/v1/dead-letters/none").await.expect(404);
    let told = told(&api).await;
    let expected = serde_json::json!({
        "action": "putValue", "target": "users", "method": "PUT", "path": "/api/v1/kv/users/ann", "status": 200,
        "who": "loopback", "address": null, "userAgent": "a browser", "via": "api",
    });
    assert_eq!((told.len(), &told[0]), (2, &expected), "{told:#?}");
    assert_eq!((&told[1]["action"], &told[1]["status"]), (&"discard".into(), &404.into()));
    assert!(!format!("{told:?}").contains("of-a-"), "{told:?}");
}

#[tokio::test]
async fn traffic_and_reading_leave_none() {
    let api = Api::new();
    api.publish(r#"{"specversion":"1.0","id":"1","source":"/t","type":"shop.sold","data":{}}"#).await;
    api.post("/api/v1/queues/mails/messages", r#"{"data": 1}"#).await.expect(201);
    api.post("/api/v1/queues/mails/lease", "").await.expect(200);
    api.get("/api/v1/overview").await.expect(200);
    assert_eq!(told(&api).await, Vec::<Value>::new());
}

#[tokio::test]
async fn nobody_but_the_host_says_what_operators_did() {
    let forged = r#"{"specversion":"1.0","id":"1","source":"/switchyard","type":"audit.action","data":{}}"#;
    Api::new().publish(forged).await.expect_problem(403, "SY4004", "only the host says it");
}
