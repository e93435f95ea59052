//! What is not there, or does not hold.

use http::Method;
use serde_json::{Value, json};

use super::{refused, with_probe};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_or_does_not_hold_is_refused() {
    let host = with_probe().start().await;
    let (get, post) = (Method::GET, Method::POST);
    for path in ["", "/history"] {
        refused(&host, get.clone(), &format!("/api/v1/sagas/nobody{path}"), Value::Null, (404, "'nobody'")).await;
    }
    for how in ["cancel", "retry", "compensate", "signal"] {
        let body = if how == "signal" { json!({"name": "go"}) } else { json!({}) };
        refused(&host, post.clone(), &format!("/api/v1/sagas/nobody/{how}"), body, (404, "'nobody'")).await;
    }
    let large = json!({"sagaName": "approved", "data": {"text": "x".repeat(2 << 20)}});
    for (body, status, text) in [
        (json!({"sagaName": "aproved", "data": {}}), 404, "'aproved'"),
        (json!({"sagaName": "approved", "sagaId": "a/b", "data": {}}), 400, "'a/b' is not a saga id"),
        (json!({"sagaName": "approved", "sagaId": "", "data": {}}), 400, "is not a saga id"),
        (json!({"sagaName": "approved", "data": [1]}), 400, "object"),
        (json!({"sagaName": "approved", "data": "text"}), 400, "object"),
        (json!({"data": {}}), 400, "sagaName"),
        (json!({"sagaName": "approved", "date": {}}), 400, "date"),
        (json!("approved"), 400, ""),
        (large, 413, "over the limit"),
    ] {
        refused(&host, post.clone(), "/api/v1/sagas", body, (status, text)).await;
    }
    let broken = host.ask_with(post.clone(), "/api/v1/sagas", &[("content-type", "application/json")], "{").await;
    assert_eq!(broken.status, 400, "{}", broken.text());
    refused(&host, get.clone(), "/api/v1/sagas?status=done", Value::Null, (400, "completed")).await;
    refused(&host, get.clone(), "/api/v1/sagas?cursor=nowhere", Value::Null, (400, "")).await;
    refused(&host, Method::DELETE, "/api/v1/sagas", Value::Null, (405, "")).await;
    refused(&host, get, "/api/v1/sagas/x/cancel", Value::Null, (405, "")).await;
    host.start_saga("approved", "there", json!({})).await;
    refused(&host, post.clone(), "/api/v1/sagas/there/signal", json!({}), (400, "name")).await;
    refused(&host, post, "/api/v1/sagas/there/retry", json!({"dato": {}}), (400, "dato")).await;
    assert_eq!(host.sagas("").await, ["there"], "nothing of that started one");
}
