//! What participants get, and what becomes of the ways in which they answer.

mod component;
mod event;
mod http;

use serde_json::{Value, json};
use switchyard_tests::bus::texts;

/// Retries that take no time.
fn quickly(attempts: u32) -> Value {
    json!({"maxAttempts": attempts, "backoff": {"linear": "10ms"}})
}

/// One member of all of these, as texts.
fn of(items: &[Value], saga: &str, member: &str) -> Vec<String> {
    let items: Vec<Value> = items.iter().filter(|item| item["sagaId"] == saga).cloned().collect();
    texts(&items, member)
}
