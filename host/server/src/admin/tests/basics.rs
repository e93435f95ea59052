//! What there is on every host, and what is not there.

use super::*;

#[tokio::test]
async fn lists_without_items_have_their_shape() {
    let api = Api::new();
    for path in [
        "/api/v1/plugins",
        "/api/v1/services?tag=a",
        "/api/v1/routes?limit=5",
        "/api/v1/breakers",
        "/api/v1/topics",
        "/api/v1/events",
        "/api/v1/subscriptions",
        "/api/v1/dead-letters",
        "/api/v1/queues",
    ] {
        let answered = api.get(path).await;
        assert_eq!((answered.status, answered.text().as_str()), (200, r#"{"items":[],"next":null}"#), "{path}");
        assert_eq!(api.ask(Method::HEAD, path, "", "").await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_host_that_starts_is_alive_and_not_ready() {
    let api = Api::new();
    assert_eq!(api.get("/livez").await.status, 200);
    assert_eq!(api.get("/readyz").await.status, 503);
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let api = Api::new();
    for (method, path, status, code) in [
        (Method::GET, "/nothing", 404, "SY3001"),
        (Method::GET, "/api/v1/services/none", 404, "SY3001"),
        (Method::GET, "/api/v1/plugins/none", 404, "SY3001"),
        (Method::GET, "/api/v1/topics/none", 404, "SY3001"),
        (Method::GET, "/api/v1/queues/none", 404, "SY3001"),
        (Method::GET, "/api/v1/subscriptions/none", 404, "SY3001"),
        (Method::GET, "/api/v1/dead-letters/none", 404, "SY3001"),
        (Method::GET, "/api/v1/queues/none/messages/x/y", 404, "SY3001"),
        (Method::PUT, "/api/v1/routes", 405, "SY1002"),
        (Method::POST, "/api/v1/topics", 405, "SY1002"),
        (Method::DELETE, "/api/v1/events", 405, "SY1002"),
        (Method::PUT, "/api/v1/subscriptions/a", 405, "SY1002"),
        (Method::GET, "/api/v1/subscriptions/a/pause", 405, "SY1002"),
        (Method::GET, "/api/v1/dead-letters/a/redrive", 405, "SY1002"),
        (Method::GET, "/api/v1/queues/a/lease", 405, "SY1002"),
        (Method::GET, "/api/v1/queues/a/messages/x/ack", 405, "SY1002"),
        (Method::GET, "/api/v1/plugins?limit=x", 400, "SY1003"),
    ] {
        let answered = api.ask(method.clone(), path, "", "").await;
        answered.expect_problem(status, code, "");
        assert_eq!(answered.headers.contains_key("allow"), status == 405, "{method} {path}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let api = Api::new();
    let long = format!(r#"{{"data":"{}"}}"#, "x".repeat(BODY_MAX));
    api.post("/api/v1/queues/a/messages", &long).await.expect_problem(413, "SY1004", "the body is longer than");
    let long = format!(r#"{{"data":"{}"}}"#, "x".repeat(1 << 20));
    api.post("/api/v1/queues/a/messages", &long).await.expect_problem(413, "SY1004", "the data has 1048578 bytes");
    let long = format!(r#"{{"specversion":"1.0","type":"a","data":"{}"}}"#, "x".repeat(1 << 20));
    api.publish(&long).await.expect_problem(413, "SY1004", "the data has 1048578 bytes");
}
