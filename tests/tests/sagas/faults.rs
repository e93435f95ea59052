//! Each service of the example business misbehaves in each way: the saga ends, and the books are as before.

use serde_json::{Value, json};
use switchyard_tests::Host;

use crate::shop::{self, check_reserved, check_undone};

/// The commands of the forward steps, each with its place.
const COMMANDS: [&str; 3] = ["inventory.reserve", "payment.charge", "shipping.create"];

/// What the error tells of a service that did not answer in time, by whose clock was first.
const SILENCE: [&str; 2] = ["no answer came in time", "gave no response within"];

/// A way to misbehave, what the error may tell of it, how many attempts it takes, and where the step ends.
type Fault = (&'static str, &'static [&'static str], u64, &'static str);

const FAULTS: [Fault; 4] = [
    ("fail", &["simulated failure"], 1, "failed"),
    ("hang", &SILENCE, 2, "compensated"),
    ("trap", &["it panicked"], 2, "compensated"),
    ("late", &SILENCE, 2, "compensated"),
];

/// `process-order` with little patience for this step and much for the others.
fn impatient(special: &str) -> Value {
    let members = json!({
        "timeout": "500ms",
        "retry": {"maxAttempts": 2, "backoff": {"linear": "10ms"}},
        // Its compensation has the same time-out, and this machine may be busy.
        "compensationRetry": {"maxAttempts": 20, "backoff": {"linear": "50ms"}},
    });
    json!({"name": format!("impatient-{special}"), "steps": shop::steps(special, &members)})
}

/// Checks the end of the saga in which this step misbehaved like this.
async fn check(host: &Host, step: usize, fault: Fault) {
    let (how, errors, attempts, status) = fault;
    let id = format!("{how}-{step}");
    let saga = host.until_saga(&id, "failed").await;
    let told = saga["error"].as_str().unwrap();
    assert!(told.contains(COMMANDS[step]) && errors.iter().any(|error| told.contains(error)), "{id}: {saga:#}");
    let shown = saga["steps"].as_array().unwrap();
    assert_eq!(
        (&shown[step]["status"], &shown[step]["attempts"]),
        (&json!(status), &json!(attempts)),
        "{id}: {saga:#}"
    );
    for before in &shown[..step] {
        assert_eq!(
            (&before["status"], &before["compensation"]["status"]),
            (&json!("compensated"), &json!("completed"))
        );
    }
    for after in &shown[step + 1..] {
        assert!(after["startedAt"].is_null() && after["compensation"].is_null(), "{id}: {saga:#}");
    }
    check_undone(host, &id).await;
    let told = host.told_of(&id).await;
    let topics: Vec<&str> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let done = vec!["saga.step.completed"; step];
    let expected = [&["saga.started"], &done[..], &["saga.step.failed", "saga.compensating", "saga.failed"]].concat();
    assert_eq!(topics, expected, "{id}");
    let failed = &told[step + 1]["data"];
    assert_eq!((&failed["stepIndex"], &failed["command"]), (&json!(step), &json!(COMMANDS[step])), "{failed:#}");
    assert_eq!(told.last().unwrap()["data"]["error"], saga["error"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_service_does_wrong_its_saga_ends_with_everything_undone() {
    let definitions = COMMANDS.map(impatient);
    let host = shop::setup(&definitions).start().await;
    // An order that nothing happens to has all plugins under way first, so that time-outs tell of faults only.
    host.start_saga("impatient-payment.charge", "first", shop::order("first")).await;
    host.until_saga("first", "completed").await;
    for (how, ..) in FAULTS {
        for (step, command) in COMMANDS.into_iter().enumerate() {
            let id = format!("{how}-{step}");
            let data = shop::misbehaving(&id, json!({command: how}));
            host.start_saga(&format!("impatient-{command}"), &id, data).await;
        }
    }
    for fault in FAULTS {
        for step in 0..COMMANDS.len() {
            check(&host, step, fault).await;
        }
    }
    // What a trap leaves behind was done, and is undone without its result.
    assert_eq!(host.books("payments", "trap-1").await, json!({"charged": 99.99, "refunded": 99.99}));
    assert_eq!(host.books("shipments", "trap-2").await, json!({"status": "cancelled"}));
    for nothing in ["fail-1", "hang-1", "trap-0"] {
        assert_eq!(host.books("payments", nothing).await, Value::Null, "{nothing}");
    }
    check_reserved(&host, 2).await;
    shop::check_fulfilled(&host, "first").await;
    let stats = host.saga_stats().await;
    let counts = ["open", "stuck", "completed", "failed"].map(|name| stats[name].clone());
    assert_eq!(counts, [0, 0, 1, 12].map(Value::from), "{stats:#}");
    // None of this is the other services' business.
    host.start_saga("impatient-shipping.create", "last", shop::order("last")).await;
    host.until_saga("last", "completed").await;
}
