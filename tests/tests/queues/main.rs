//! Queues, over HTTP and by guests that consume.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

mod consumers;
mod leases;
mod sending;

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{Answer, Host};

/// POST below `/api/v1/queues`.
pub(crate) async fn post(host: &Host, path: &str, body: Value) -> Answer {
    host.ask(Method::POST, &format!("/api/v1/queues/{path}"), &body).await
}

/// Leases one message, waiting until there is one.
pub(crate) async fn lease_one(host: &Host, queue: &str) -> Value {
    let lease = async || host.lease(queue, json!({"max": 1})).await.into_iter().next();
    host.eventually(&format!("a message of {queue}"), lease).await
}

/// Asserts that this is refused as a problem with this status, which names this.
#[track_caller]
pub(crate) fn problem(answer: &Answer, status: u16, named: &str) {
    let problem = answer.json();
    assert_eq!(answer.status.as_u16(), status, "{named}: {problem:#}");
    assert_eq!(answer.header("content-type"), "application/problem+json", "{named}");
    assert!(problem.to_string().contains(named), "'{named}' is not named: {problem:#}");
}
