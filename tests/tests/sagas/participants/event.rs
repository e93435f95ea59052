//! Whoever subscribes to an event that carries a command.

use serde_json::{Value, json};
use switchyard_tests::{
    Host, Setup,
    bus::{event, texts},
};

use super::quickly;

/// What a participant says of a command that reached it as an event.
fn said(topic: &str, id: &str, cause: &str, data: Value) -> Value {
    let mut event = event(topic, id, data);
    event["causationid"] = cause.into();
    event
}

/// The event that carries this command of a saga.
async fn carried(host: &Host, saga: &str, command: &str, attempt: usize) -> Value {
    let find = async || {
        let events = host.events("mail.*").await.into_iter();
        let mut found = events.filter(|event| event["subject"] == saga && event["sagacommand"] == command);
        found.nth(attempt - 1)
    };
    host.eventually(&format!("the attempt {attempt} of {command}"), find).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_carries_a_command_and_whoever_subscribes_answers_by_another() {
    let send = json!({"command": "send", "compensation": "unsend", "via": "event", "topic": "mail.commands",
        "retry": quickly(2), "compensationRetry": quickly(2)});
    let mut hasty = send.clone();
    hasty["timeout"] = "300ms".into();
    let last = json!({"command": "last", "irreversible": true, "retry": quickly(1)});
    let mail = json!({"name": "mail", "steps": [send, last]});
    let hasty = json!({"name": "hasty", "steps": [hasty]});
    let host =
        Setup::new().sagas("probe", &[mail, hasty], "commands = ['last']").plugin("probe", "probe").start().await;

    host.start_saga("mail", "m-1", json!({"to": "ann"})).await;
    let sent = carried(&host, "m-1", "send", 1).await;
    for (name, value) in [
        ("id", "m-1/0/forward/1/1"),
        ("source", "/switchyard"),
        ("subject", "m-1"),
        ("partitionkey", "m-1"),
        ("idempotencykey", "m-1/0/forward/1"),
    ] {
        assert_eq!(sent[name], value, "{name}: {sent:#}");
    }
    assert_eq!(sent["data"], json!({"sagaId": "m-1", "stepIndex": 0, "to": "ann"}));
    assert_eq!(host.until_saga("m-1", "waiting").await["currentStep"], 0);
    // Later, then done; and once more, which changes nothing.
    let failed = json!({"sagaId": "m-1", "stepIndex": 0, "error": "busy", "retry": true});
    host.publish(said("saga.step.failed", "a-1", sent["id"].as_str().unwrap(), failed)).await;
    let again = carried(&host, "m-1", "send", 2).await;
    assert_eq!((&again["id"], &again["idempotencykey"]), (&json!("m-1/0/forward/1/2"), &sent["idempotencykey"]));
    let done = json!({"sagaId": "m-1", "stepIndex": 0, "result": {"mail": 7}});
    host.publish(said("saga.step.completed", "a-2", again["id"].as_str().unwrap(), done.clone())).await;
    assert_eq!(host.until_saga("m-1", "completed").await["data"], json!({"to": "ann", "mail": 7}));
    host.publish(said("saga.step.completed", "a-3", again["id"].as_str().unwrap(), done)).await;
    let late = host.until_saga_is("m-1", "told twice", |saga| saga["lateAnswers"] == 1).await;
    assert_eq!((&late["status"], &late["data"]["mail"]), (&json!("completed"), &json!(7)));

    // Undone by the same topic, and answered without a cause.
    host.start_saga("mail", "m-2", json!({"do": "reject"})).await;
    carried(&host, "m-2", "send", 1).await;
    host.publish(event("saga.step.completed", "b-1", json!({"sagaId": "m-2", "stepIndex": 0, "result": "sent"}))).await;
    let undo = carried(&host, "m-2", "unsend", 1).await;
    let data = json!({"sagaId": "m-2", "originalStepIndex": 0, "originalResult": "sent", "do": "reject"});
    assert_eq!((&undo["data"], &undo["idempotencykey"]), (&data, &json!("m-2/0/compensation/1")));
    // An answer to the way there is none to the way back.
    host.publish(event("saga.step.completed", "b-2", json!({"sagaId": "m-2", "stepIndex": 0}))).await;
    host.publish(event("saga.step.completed", "b-3", json!({"sagaId": "m-2", "originalStepIndex": 0}))).await;
    host.until_saga("m-2", "failed").await;

    host.start_saga("mail", "m-3", json!({})).await;
    carried(&host, "m-3", "send", 1).await;
    host.publish(event("saga.step.failed", "c-1", json!({"sagaId": "m-3", "stepIndex": 0, "error": "no such box"})))
        .await;
    let saga = host.until_saga("m-3", "failed").await;
    assert!(saga["error"].as_str().unwrap().contains("no such box"), "{saga:#}");
    assert_eq!(saga["steps"][0]["status"], "failed", "a rejection did nothing: {saga:#}");

    // Nobody answers: it may have been done, so it is undone, which nobody answers either.
    host.start_saga("hasty", "m-4", json!({})).await;
    let saga = host.until_saga("m-4", "stuck").await;
    assert!(saga["error"].as_str().unwrap().contains("no answer came in time"), "{saga:#}");
    let sent: Vec<Value> = host.events("mail.*").await.into_iter().filter(|event| event["subject"] == "m-4").collect();
    assert_eq!(texts(&sent, "sagacommand"), ["send", "send", "unsend", "unsend"]);

    // Answers that fit nothing are dead letters, or nothing at all.
    host.publish(event("saga.step.completed", "e-1", json!({"sagaId": "m-1"}))).await;
    host.publish(event("saga.step.completed", "e-2", json!({"stepIndex": 0}))).await;
    host.publish(event("saga.step.completed", "e-3", json!({"sagaId": "nobody", "stepIndex": 0}))).await;
    let dead = host.until_dead("topic=saga.step.completed", 3).await;
    let mut ids: Vec<String> =
        dead.iter().map(|dead| dead["originalEvent"]["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    assert_eq!(ids, ["e-1", "e-2", "e-3"], "{dead:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_handles_the_event_answers_it_by_publishing() {
    let send = json!({"command": "send", "compensation": "unsend", "via": "event", "topic": "mail.commands"});
    let definition = json!({"name": "mail", "steps": [send, {"command": "last", "irreversible": true}]});
    let side = "commands = ['last']\nsubscriptions = [{ topic = 'mail.commands', start = 'first' }]";
    let host = Setup::new().sagas("probe", &[definition], side).plugin("probe", "probe").start().await;
    // The answer names no step: it is what the command led to.
    let answer = json!({"topic": "saga.step.completed", "data": {"sagaId": "g-1", "result": {"mail": 7}}});
    host.start_saga("mail", "g-1", json!({"do": "publish", "draft": answer, "deeds": {"last": {}}})).await;
    assert_eq!(host.until_saga("g-1", "completed").await["data"]["mail"], 7);
    let delivery = host.until_delivered("probe", 1).await.remove(0);
    assert_eq!(delivery["extensions"]["idempotencykey"], "g-1/0/forward/1", "{delivery:#}");
    let answer =
        host.events("saga.step.completed").await.into_iter().find(|event| event["source"] == "/services/probe");
    assert_eq!(answer.unwrap()["causationid"], "g-1/0/forward/1/1");
}
