//! What holds as a definition, what does not, and what is said then.

use serde_json::{Value, json};

use super::*;

fn read(value: Value) -> Result<Definition, String> {
    let definition: Definition = serde_json::from_value(value).map_err(|error| error.to_string())?;
    definition.check().map_err(|error| error.to_string())?;
    Ok(definition)
}

#[track_caller]
fn wrong(steps: Value, expected: &str) {
    let error = read(json!({"name": "s", "steps": steps})).unwrap_err();
    assert!(error.contains(expected), "{error}");
}

fn order() -> Value {
    json!({
        "name": "process-order",
        "steps": [
            {"command": "inventory.reserve", "data": {"timeout": 30000}, "compensation": "inventory.release", "timeout": "45s"},
            {"wait": {"signal": "approved", "timeout": "1d"}, "name": "approval"},
            {"parallel": [
                {"command": "payment.charge", "compensation": "payment.refund",
                 "retry": {"maxAttempts": 5, "backoff": {"exponential": "2s"}}},
                {"command": "mail.send", "irreversible": true, "via": "event", "topic": "mails"},
                {"wait": {"timer": "5m"}},
            ]},
            {"command": "shipping.create", "pivot": true, "via": "http", "service": "shipping", "path": "/create"},
            {"parallel": [{"command": "label.print", "service": "labels"}]},
        ],
    })
}

#[test]
fn steps_are_numbered_through_and_have_defaults() {
    let definition = read(order()).unwrap();
    let labels: Vec<_> = definition.steps().iter().map(Step::label).collect();
    let expected =
        ["inventory.reserve", "approval", "payment.charge", "mail.send", "timer 5m", "shipping.create", "label.print"];
    assert_eq!(labels, expected);
    assert_eq!(
        (0..5).map(|stage| definition.stage(stage)).collect::<Vec<_>>(),
        [Some(0..1), Some(1..2), Some(2..5), Some(5..6), Some(6..7)]
    );
    assert_eq!((definition.pivot(), definition.on_failure()), (Some(5), OnFailure::Compensate));
    let last = definition.command_step(6).unwrap();
    assert_eq!((last.timeout, last.retry), (DEFAULT_TIMEOUT, Retry::default()));
    assert_eq!(last.via, Via::Component { service: Some("labels".parse().unwrap()) });
}

#[test]
fn what_is_written_reads_back_the_same() {
    let definition = read(order()).unwrap();
    let written = serde_json::to_value(&definition).unwrap();
    assert_eq!(read(written).unwrap(), definition);
    let mut other = order();
    other["steps"][0]["timeout"] = "46s".into();
    assert_ne!(read(other).unwrap().digest(), definition.digest());
    // What says the default says nothing.
    let mut same = order();
    same["onFailure"] = "compensate".into();
    assert_eq!(read(same).unwrap().digest(), definition.digest());
}

#[test]
fn members_may_be_kebab_case_as_in_side_files() {
    let definition = read(json!({"name": "s", "on-failure": "stuck", "steps": [
        {"command": "a", "compensation": "b", "retry": {"max-attempts": 1}, "compensation-retry": {"max-attempts": 9}},
    ]}))
    .unwrap();
    assert_eq!(definition.on_failure(), OnFailure::Stuck);
    assert_eq!(definition.command_step(0).unwrap().compensation_retry.max_attempts, 9);
}

#[test]
fn a_step_that_does_not_hold_is_named_with_the_remedy() {
    let ok = json!({"command": "a", "compensation": "b"});
    wrong(json!([]), "give it at least one");
    wrong(json!([ok, {}]), "the step 1 (''): say exactly one of command, parallel and wait");
    wrong(json!([{"command": "a", "wait": {"timer": "1s"}}]), "say exactly one of");
    wrong(json!([{"command": "a"}]), "the step 0 ('a'): it comes before the pivot; give it a compensation");
    wrong(json!([{"command": "a", "compensation": "b", "irreversible": true}]), "leave one out");
    wrong(json!([{"command": "a b", "irreversible": true}]), "'a b' is not a name");
    wrong(json!([{"name": "n", "wait": {"timer": "1s"}}, {"name": "n", "wait": {"timer": "1s"}}]), "the step 1 ('n')");
    wrong(json!([{"parallel": [ok], "timeout": "1s"}]), "a parallel group has no other members");
    wrong(json!([{"parallel": [{"parallel": [ok]}]}]), "cannot stand in another one");
    wrong(json!([{"parallel": []}]), "1 to 16 steps, not 0");
    wrong(json!([{"parallel": vec![ok.clone(); 17]}]), "1 to 16 steps, not 17");
    wrong(Value::Array(vec![ok.clone(); 101]), "101 steps, over the limit of 100");
    wrong(json!([{"wait": {"timer": "1s"}, "irreversible": true}]), "no members but wait and name");
    wrong(json!([{"wait": {"timer": "1s", "timeout": "1s"}}]), "wait for either");
    wrong(json!([{"wait": {}}]), "wait for either");
    wrong(json!([{"wait": {"timer": "0s"}}]), "the time to wait must be");
    wrong(json!([{"wait": {"signal": "a/b"}}]), "'a/b' is not a name");
    wrong(json!([{"command": "a", "irreversible": true, "via": "http", "service": "x"}]), "\"http\" needs service");
    wrong(json!([{"command": "a", "irreversible": true, "topic": "t"}]), "\"event\" takes topic");
    wrong(json!([{"command": "a", "irreversible": true, "via": "event", "topic": "t..u"}]), "not a topic");
    wrong(json!([{"command": "a..b", "irreversible": true, "via": "event"}]), "not a topic");
    wrong(json!([{"command": "a", "irreversible": true, "via": "http", "service": "x", "path": "a"}]), "not a path");
    wrong(json!([{"command": "a", "irreversible": true, "timeout": "0s"}]), "the timeout must be");
    wrong(json!([{"command": "a", "irreversible": true, "timeout": "31d"}]), "the timeout must be");
    wrong(json!([{"command": "a", "irreversible": true, "retry": {"maxAttempts": 0}}]), "maxAttempts must be");
    wrong(json!([{"command": "a", "irreversible": true, "retry": {"backoff": {"linear": "0s"}}}]), "the backoff must");
    wrong(json!([{"command": "a", "irreversible": true, "compensat": "b"}]), "unknown field `compensat`");
    let large = json!({"x": "y".repeat(1 << 20)});
    wrong(json!([{"command": "a", "irreversible": true, "data": large}]), "over the limit of 1048576");
    let error = read(json!({"name": "a/b", "steps": [ok]})).unwrap_err();
    assert!(error.contains("'a/b' is not the name of a saga"), "{error}");
}

#[test]
fn one_pivot_stands_alone_and_parts_what_is_undone_from_what_is_not() {
    let pivot = json!({"command": "p", "pivot": true});
    wrong(json!([pivot, pivot]), "the step 1 ('p'): the step 0 is the pivot already");
    wrong(json!([{"parallel": [pivot]}]), "let it stand alone");
    wrong(json!([{"command": "a"}, pivot]), "the step 0 ('a'): it comes before the pivot");
    // A compensation after the pivot is of no use, and does no harm.
    let steps = json!([pivot, {"command": "b"}, {"command": "c", "compensation": "d"}]);
    assert!(read(json!({"name": "s", "steps": steps})).is_ok());
}
