//! What operators do with sagas through the admin API, and what is refused.

mod moving;
mod refused;
mod stuck;

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{Host, Setup};

/// Checks that something is refused as a problem, with a text of this content.
async fn refused(host: &Host, method: Method, path: &str, body: Value, expected: (u16, &str)) {
    let answer = host.ask(method, path, &body).await;
    let told = (answer.status.as_u16(), answer.header("content-type"));
    assert_eq!(told, (expected.0, "application/problem+json"), "{path} {body}: {}", answer.text());
    let problem = answer.json();
    assert!(problem["detail"].as_str().unwrap_or_default().contains(expected.1), "{path} {body}: {problem:#}");
    assert!(problem["code"].as_str().unwrap().starts_with("SY"), "{problem:#}");
}

/// Checks that nothing can be done to a saga but this.
async fn only(host: &Host, id: &str, allowed: &[&str]) {
    for how in ["cancel", "retry", "compensate", "signal"] {
        if !allowed.contains(&how) {
            let body = if how == "signal" { json!({"name": "go"}) } else { json!({}) };
            refused(host, Method::POST, &format!("/api/v1/sagas/{id}/{how}"), body, (409, "the saga is")).await;
        }
    }
}

/// Waits for a word of two people, the second of which comes in time or not at all.
fn approved() -> Value {
    json!({"name": "approved", "steps": [
        {"command": "ask", "compensation": "forget"},
        {"wait": {"signal": "approved"}},
        {"name": "countersigned", "wait": {"signal": "signed", "timeout": "300ms"}},
        {"command": "tell", "irreversible": true},
    ]})
}

fn with_probe() -> Setup {
    let side = "commands = ['ask', 'forget', 'tell']";
    Setup::new().sagas("probe", &[approved()], side).plugin("probe", "probe")
}
