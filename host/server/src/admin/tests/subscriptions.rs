//! Subscriptions that are asked for over the API.

use serde_json::json;

use super::*;

const PATH: &str = "/api/v1/subscriptions";

#[tokio::test]
async fn a_subscription_is_made_paused_moved_and_ended() {
    let api = Api::new();
    for _ in 0..3 {
        api.publish(r#"{"specversion":"1.0","type":"order.created"}"#).await.expect(201);
    }
    let made = api.post(PATH, r#"{"topic":"order.*","service":"shop"}"#).await.expect(201);
    assert_eq!((&made["name"], &made["origin"]), (&json!("shop/order.*"), &json!("api")));
    assert_eq!((&made["endpoint"], &made["maxAttempts"]), (&json!({"service": "shop"}), &json!(3)));

    // By its id, and by its name with what is no path character escaped.
    let id = made["id"].as_str().expect("an id");
    for path in [format!("{PATH}/{id}"), format!("{PATH}/shop%2Forder.*")] {
        assert_eq!(api.get(&path).await.expect(200)["name"], "shop/order.*");
        assert_eq!(api.post(&format!("{path}/pause"), "").await.expect(200)["state"], "paused");
        assert_ne!(api.post(&format!("{path}/resume"), "").await.expect(200)["state"], "paused");
    }
    // Its service is not there, so that the cursor stays where it is put.
    let seek = async |to: &str| api.post(&format!("{PATH}/{id}/seek"), &format!(r#"{{"to":{to}}}"#)).await;
    for (to, cursor) in [
        (r#""first""#, Some(0)),
        ("2", Some(1)),
        (r#""3""#, Some(2)),
        (r#""latest""#, None),
        (r#""2000-01-01T00:00:00Z""#, Some(0)),
        (r#""2100-01-01T00:00:00Z""#, None),
    ] {
        // Each action leaves an event, so that the end moves.
        let cursor = cursor.unwrap_or(*api.sources.store.log_head().borrow());
        assert_eq!(seek(to).await.expect(200)["cursor"], cursor, "{to}");
    }
    seek(r#""soon""#).await.expect_problem(400, "SY1003", "'to' is \"soon\"");
    seek("[]").await.expect_problem(400, "SY1003", "'to' is []");

    api.delete(&format!("{PATH}/{id}")).await.expect(204);
    api.get(&format!("{PATH}/{id}")).await.expect_problem(404, "SY3001", "there is no subscription");
    for act in ["pause", "resume"] {
        api.post(&format!("{PATH}/{id}/{act}"), "").await.expect_problem(404, "SY3001", "");
    }
    api.delete(&format!("{PATH}/{id}")).await.expect_problem(404, "SY3001", "");
}

#[tokio::test]
async fn what_does_not_hold_is_refused_by_name() {
    let api = Api::new();
    let refused = async |body: &str, detail| api.post(PATH, body).await.expect_problem(400, "SY1003", detail);
    refused("", "missing field `topic`").await;
    refused(r#"{"topic":"a"}"#, "either a service or a url").await;
    refused(r#"{"topic":"a","service":"s","url":"http://x"}"#, "either a service or a url").await;
    refused(r#"{"topic":"a","service":"S"}"#, "the member 'service': 'S' is not a service name").await;
    refused(r#"{"topic":"a.>.b","service":"s"}"#, "'a.>.b' is not a topic pattern").await;
    refused(r#"{"topic":"a","service":"s","filter":"1 +"}"#, "filter").await;
    refused(r#"{"topic":"a","name":"n","url":"ftp://x"}"#, "'ftp://x' is no URL to post to").await;
    refused(r#"{"topic":"a","service":"s","maxAttempts":0}"#, "max-attempts must be").await;
    refused(r#"{"topic":"a","service":"s","max-attempts":1}"#, "unknown field `max-attempts`").await;
}
