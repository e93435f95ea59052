//! Sagas on a real store, with participants of the test's own: what is promised of them, through crashes too.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

mod chaos;
mod host;

use std::time::{Duration, Instant};

use host::{Host, Party, Reply, opened};
use serde_json::{Value, json};
use switchyard_core::{event::Draft, handled::Failure, saga::Status};
use switchyard_delivery::{Error, Publisher};
use tokio_util::sync::CancellationToken;

/// Three steps that can all be undone; whatever is slow about the machine is none of their time-outs.
const ORDER: &str = r#"{"name": "order", "steps": [
    {"command": "reserve", "compensation": "release",
     "retry": {"maxAttempts": 2, "backoff": {"linear": "10ms"}},
     "compensationRetry": {"maxAttempts": 2, "backoff": {"linear": "10ms"}}},
    {"command": "charge", "compensation": "refund", "retry": {"maxAttempts": 1},
     "compensationRetry": {"maxAttempts": 2, "backoff": {"linear": "10ms"}}},
    {"command": "ship", "compensation": "recall", "retry": {"maxAttempts": 1}}
]}"#;

#[test]
fn a_saga_completes_and_each_step_is_one_commit_with_what_tells_of_it() {
    let (folder, party) = (tempfile::tempdir().unwrap(), Party::new());
    let host = Host::start(folder.path(), &party, &[ORDER]);
    party.on("charge", |sent| Reply::Done(json!({"receipt": sent.payload["amount"]})));
    host.start_saga("order", "o-1", &json!({"amount": 12}));
    let saga = host.until("o-1", "completed");
    assert_eq!(saga["data"], json!({"amount": 12, "receipt": 12}));
    assert_eq!(saga["steps"][1]["result"], json!({"receipt": 12}));
    assert_eq!((saga["sagaName"].as_str(), saga["currentStep"].as_u64()), (Some("order"), Some(3)));
    assert_eq!(party.keys(), ["o-1/0/forward/1", "o-1/1/forward/1", "o-1/2/forward/1"]);
    let ship = party.got.lock().unwrap()[2].payload.clone();
    assert_eq!((&ship["sagaId"], &ship["stepIndex"], &ship["receipt"]), (&json!("o-1"), &json!(2), &json!(12)));
    let steps = ["saga.step.completed"; 3].map(str::to_owned);
    let expected = ["saga.started".to_owned()].into_iter().chain(steps).chain(["saga.completed".to_owned()]);
    assert_eq!(host.told("o-1"), expected.collect::<Vec<_>>());
    let history = ["started", "intended", "succeeded", "intended", "succeeded", "intended", "succeeded", "completed"];
    assert_eq!(host.history("o-1"), history);
    host.stop();
}

#[test]
fn a_failure_undoes_what_was_done_in_reverse_order() {
    let (folder, party) = (tempfile::tempdir().unwrap(), Party::new());
    let host = Host::start(folder.path(), &party, &[ORDER]);
    party.on("ship", |_| Reply::Failed(Failure::Reject("no such address".to_owned())));
    host.start_saga("order", "o-1", &json!({}));
    let saga = host.until("o-1", "failed");
    assert_eq!(saga["error"], "the step 2 ('ship') failed: no such address");
    assert_eq!(party.names(), ["reserve", "charge", "ship", "refund", "release"]);
    let refund = party.got.lock().unwrap()[3].payload.clone();
    assert_eq!((&refund["originalStepIndex"], &refund["originalResult"]), (&json!(1), &Value::Null));
    let told = ["saga.started", "saga.step.completed", "saga.step.completed", "saga.step.failed", "saga.compensating"];
    assert_eq!(host.told("o-1"), told.into_iter().chain(["saga.failed"]).collect::<Vec<_>>());
    host.stop();
}

#[test]
fn attempts_have_one_key_and_what_may_have_been_done_is_undone() {
    let (folder, party) = (tempfile::tempdir().unwrap(), Party::new());
    let host = Host::start(folder.path(), &party, &[ORDER]);
    party.on("reserve", |sent| match sent.attempt {
        1 => Reply::Failed(Failure::Retry("busy".to_owned())),
        _ => Reply::Done(Value::Null),
    });
    party.on("charge", |_| Reply::Lost);
    host.start_saga("order", "o-1", &json!({}));
    host.until("o-1", "failed");
    assert_eq!(party.names(), ["reserve", "reserve", "charge", "refund", "release"]);
    assert_eq!(party.keys()[..2], ["o-1/0/forward/1", "o-1/0/forward/1"]);
    assert_eq!([0, 1, 2].map(|step| party.net("o-1", step)), [0; 3]);
    host.stop();
}

#[test]
fn silence_and_a_late_answer_are_lost_and_the_late_one_is_counted() {
    const HASTY: &str = r#"{"name": "hasty", "steps": [
        {"command": "reserve", "compensation": "release"},
        {"command": "charge", "compensation": "refund", "timeout": "1s", "retry": {"maxAttempts": 1}}
    ]}"#;
    let (folder, party) = (tempfile::tempdir().unwrap(), Party::new());
    let host = Host::start(folder.path(), &party, &[HASTY]);
    party.on("charge", |sent| match sent.saga_id.as_str() {
        "silent" => Reply::Silent,
        _ => Reply::Late(Duration::from_millis(1_500)),
    });
    host.start_saga("hasty", "silent", &json!({}));
    host.start_saga("hasty", "late", &json!({}));
    for id in ["silent", "late"] {
        let saga = host.until(id, "failed");
        assert!(saga["error"].as_str().unwrap().contains("no answer came in time"), "{saga:#}");
        assert_eq!([0, 1].map(|step| party.net(id, step)), [0; 2]);
    }
    host.eventually(|| host.saga("late")["lateAnswers"] == 1);
    assert_eq!(host.saga("silent")["lateAnswers"], 0);
    host.stop();
}

#[test]
fn starting_again_returns_the_first_and_what_cannot_start_says_why() {
    let (folder, party) = (tempfile::tempdir().unwrap(), Party::new());
    let host = Host::start(folder.path(), &party, &[ORDER]);
    host.start_saga("order", "o-1", &json!({"n": 1}));
    host.until("o-1", "completed");
    assert!(host.try_start_saga("order", "o-1", &json!({"n": 2})).unwrap());
    assert_eq!(host.saga("o-1")["data"]["n"], 1);
    assert_eq!(party.names().len(), 3);
    assert!(matches!(host.try_start_saga("odrer", "o-2", &json!({})), Err(Error::NotFound(_))));
    assert!(matches!(host.try_start_saga("order", "o/2", &json!({})), Err(Error::Invalid(_))));
    assert!(matches!(host.try_start_saga("order", "stats", &json!({})), Err(Error::Invalid(_))));
    assert!(matches!(host.try_start_saga("order", "o-2", &json!([])), Err(Error::Invalid(_))));
    let large = json!({"text": "x".repeat(2 << 20)});
    assert!(matches!(host.try_start_saga("order", "o-2", &large), Err(Error::Invalid(_))));
    assert!(matches!(host.block(host.delivery.saga("o-2")), Err(Error::NotFound(_))));
    let fitting = json!({"text": "x".repeat((1 << 20) - 100)});
    host.start_saga("order", "o-3", &fitting);
    host.until("o-3", "completed");
    host.stop();
}

#[test]
fn a_broken_compensation_is_stuck_until_an_operator_has_it_tried_again() {
    let (folder, party) = (tempfile::tempdir().unwrap(), Party::new());
    let host = Host::start(folder.path(), &party, &[ORDER]);
    party.on("ship", |_| Reply::Failed(Failure::Reject("no".to_owned())));
    party.on("refund", |_| Reply::Failed(Failure::Retry("the bank is closed".to_owned())));
    host.start_saga("order", "o-1", &json!({}));
    let saga = host.until("o-1", "stuck");
    assert!(saga["error"].as_str().unwrap().contains("the bank is closed"), "{saga:#}");
    assert_eq!(host.told("o-1").last().map(String::as_str), Some("saga.stuck"));
    assert_eq!((host.list(Some(Status::Stuck)), host.list(Some(Status::Running))), (vec!["o-1".to_owned()], vec![]));
    assert!(matches!(host.block(host.delivery.cancel_saga("o-1")), Err(Error::Conflict(_))));
    // Stuck ones are stuck after a restart, too.
    host.stop();
    let host = Host::start(folder.path(), &party, &[ORDER]);
    party.on("refund", |sent| Reply::Done(json!({"by": sent.payload["by"]})));
    let retried = host.block(host.delivery.retry_saga("o-1", Some(json!({"by": "hand"})))).unwrap();
    assert_eq!(retried["status"], "compensating");
    let saga = host.until("o-1", "failed");
    assert_eq!((saga["data"].clone(), host.list(None)), (json!({"by": "hand"}), vec!["o-1".to_owned()]));
    assert_eq!([0, 1, 2].map(|step| party.net("o-1", step)), [0; 3]);
    assert!(party.keys().contains(&"o-1/1/compensation/2".to_owned()), "{:?}", party.keys());
    assert!(matches!(host.block(host.delivery.retry_saga("o-1", None)), Err(Error::Conflict(_))));
    host.stop();
}

#[test]
fn waits_end_by_a_signal_also_an_early_one_or_by_time_and_survive_a_restart() {
    const WAITS: &str = r#"{"name": "waits", "steps": [
        {"command": "ask", "compensation": "forget"},
        {"wait": {"signal": "approved", "timeout": "1h"}},
        {"wait": {"timer": "50ms"}},
        {"wait": {"signal": "paid"}},
        {"command": "ship", "irreversible": true}
    ]}"#;
    let (folder, party) = (tempfile::tempdir().unwrap(), Party::new());
    let host = Host::start(folder.path(), &party, &[WAITS]);
    host.start_saga("waits", "w-1", &json!({}));
    host.until("w-1", "waiting");
    let signal = |host: &Host, name: &str, data: Value| host.block(host.delivery.signal_saga("w-1", name, data));
    signal(&host, "paid", json!({"paid": true})).unwrap();
    assert!(matches!(signal(&host, "denied", Value::Null), Err(Error::Conflict(_))));
    host.crash();
    let host = Host::start(folder.path(), &party, &[WAITS]);
    host.eventually(|| host.block(host.delivery.saga_stats()).unwrap().waiting == 1);
    signal(&host, "approved", json!({"by": "ann"})).unwrap();
    let saga = host.until("w-1", "completed");
    assert_eq!(saga["data"], json!({"by": "ann", "paid": true}));
    host.start_saga("waits", "w-2", &json!({}));
    host.until("w-2", "waiting");
    host.block(host.delivery.cancel_saga("w-2")).unwrap();
    let saga = host.until("w-2", "failed");
    assert_eq!(saga["error"], "cancelled");
    assert_eq!(party.net("w-2", 0), 0);
    host.stop();
}

#[test]
fn an_event_starts_a_saga_and_events_carry_commands_and_answers() {
    const MAIL: &str = r#"{"name": "mail", "steps": [
        {"command": "send", "via": "event", "topic": "mails", "compensation": "unsend", "timeout": "5s"},
        {"command": "file", "compensation": "unfile"}
    ]}"#;
    let (folder, party) = (tempfile::tempdir().unwrap(), Party::new());
    let host = Host::start(folder.path(), &party, &[MAIL]);
    let publish = |topic: &str, data: Value, cause: Option<String>| {
        let draft = Draft {
            topic: topic.to_owned(),
            data: Some(data.to_string().into()),
            causationid: cause,
            correlationid: Some("story".to_owned()),
            ..Draft::default()
        };
        host.block(host.delivery.publish(Publisher::operator("/mailer"), vec![draft])).unwrap();
    };
    publish("saga.start", json!({"sagaName": "mail", "sagaId": "m-1", "data": {"to": "ann"}}), None);
    let command = |name: &str| {
        let find = || {
            let topic = Some("mails".parse().unwrap());
            let page = host.block(host.delivery.events(topic, switchyard_delivery::From::First, 10)).unwrap();
            page.items.into_iter().map(|(_, event)| event).find(|event| event.to_json()["sagacommand"] == name)
        };
        host.eventually(|| find().is_some());
        find().unwrap()
    };
    let sent = command("send");
    assert_eq!((sent.id.as_str(), sent.correlationid.as_str()), ("m-1/0/forward/1/1", "story"));
    assert_eq!(sent.to_json()["idempotencykey"], "m-1/0/forward/1");
    assert_eq!(sent.to_json()["data"], json!({"sagaId": "m-1", "stepIndex": 0, "to": "ann"}));
    assert_eq!(host.saga("m-1")["status"], "waiting");
    party.on("file", |_| Reply::Failed(Failure::Reject("full".to_owned())));
    publish("saga.step.completed", json!({"sagaId": "m-1", "stepIndex": 0, "result": {"mail": 7}}), Some(sent.id));
    let undo = command("unsend");
    assert_eq!(undo.to_json()["data"]["originalResult"], json!({"mail": 7}));
    publish("saga.step.completed", json!({"sagaId": "m-1", "originalStepIndex": 0}), None);
    host.until("m-1", "failed");
    // Once more: it is late, and changes nothing.
    publish("saga.step.completed", json!({"sagaId": "m-1", "originalStepIndex": 0}), Some(undo.id));
    host.eventually(|| host.saga("m-1")["lateAnswers"] == 1);
    host.stop();
}

#[test]
fn parallel_steps_are_under_way_together_and_all_undone_when_one_fails() {
    const PARALLEL: &str = r#"{"name": "parallel", "steps": [
        {"parallel": [
            {"command": "a", "compensation": "undo-a"}, {"command": "b", "compensation": "undo-b"},
            {"command": "c", "compensation": "undo-c", "retry": {"maxAttempts": 1}}
        ]},
        {"command": "d", "irreversible": true}
    ]}"#;
    let (folder, party) = (tempfile::tempdir().unwrap(), Party::new());
    let host = Host::start(folder.path(), &party, &[PARALLEL]);
    party.on("c", |sent| match sent.payload.get("fails") {
        Some(_) => Reply::Failed(Failure::Reject("no".to_owned())),
        None => Reply::Done(json!({"c": 1})),
    });
    host.start_saga("parallel", "p-1", &json!({}));
    assert_eq!(host.until("p-1", "completed")["data"], json!({"c": 1}));
    let mut together = party.names();
    assert_eq!(together.pop().as_deref(), Some("d"));
    together.sort();
    assert_eq!(together, ["a", "b", "c"]);
    host.start_saga("parallel", "p-2", &json!({"fails": true}));
    host.until("p-2", "failed");
    assert_eq!([0, 1, 2, 3].map(|step| party.net("p-2", step)), [0; 4]);
    host.stop();
}

#[test]
fn after_a_crash_what_was_under_way_is_sent_again_with_its_key_and_ends() {
    let (folder, party) = (tempfile::tempdir().unwrap(), Party::new());
    let crash = CancellationToken::new();
    let host = Host::start_with_crash(folder.path(), &party, &[ORDER], &crash);
    party.on("charge", |_| Reply::Crash);
    host.start_saga("order", "o-1", &json!({}));
    host.eventually(|| crash.is_cancelled());
    host.crash();
    party.on("charge", |_| Reply::Done(Value::Null));
    let host = Host::start(folder.path(), &party, &[ORDER]);
    host.until("o-1", "completed");
    assert_eq!(party.names(), ["reserve", "charge", "charge", "ship"]);
    assert_eq!(party.keys()[1], party.keys()[2]);
    assert_eq!(host.history("o-1")[4], "resumed");
    host.stop();
}

#[test]
fn a_stop_in_good_order_is_no_crash() {
    let (folder, party) = (tempfile::tempdir().unwrap(), Party::new());
    for _ in 0..12 {
        let host = Host::start(folder.path(), &party, &[ORDER_SLOW]);
        party.on("slow", |_| Reply::Silent);
        host.try_start_saga("slow", "s-1", &json!({})).unwrap();
        let before = party.names().len();
        host.eventually(|| party.names().len() > before || before > 0);
        host.stop();
    }
    let host = Host::start(folder.path(), &party, &[ORDER_SLOW]);
    assert_eq!(host.until("s-1", "running")["status"], "running");
    host.stop();
}

const ORDER_SLOW: &str = r#"{"name": "slow", "steps": [{"command": "slow", "compensation": "undo", "timeout": "1h"}]}"#;

#[test]
fn the_saga_that_takes_the_host_down_is_parked_and_the_innocent_go_on() {
    let (folder, party) = (tempfile::tempdir().unwrap(), Party::new());
    party.on("slow", |sent| match sent.saga_id.as_str() {
        "guilty" => Reply::Crash,
        _ => Reply::Late(Duration::from_millis(20)),
    });
    let ids: Vec<String> = (0..8).map(|n| format!("innocent-{n}")).collect();
    let mut crashes = 0;
    let host = loop {
        let crash = CancellationToken::new();
        let host = Host::start_with_crash(folder.path(), &party, &[ORDER_SLOW], &crash);
        if crashes == 0 {
            ids.iter().for_each(|id| host.start_saga("slow", id, &json!({})));
            host.start_saga("slow", "guilty", &json!({}));
        }
        let until = Instant::now() + Duration::from_secs(20);
        let is_parked = || host.saga("guilty")["status"] == "stuck";
        while !crash.is_cancelled() && !is_parked() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
        if !crash.is_cancelled() {
            break host;
        }
        host.crash();
        crashes += 1;
        assert!(crashes <= 11, "it is never parked");
    };
    let saga = host.until("guilty", "stuck");
    assert!(saga["error"].as_str().unwrap().contains("the host crashed"), "{saga:#}");
    ids.iter().for_each(|id| assert_eq!(host.until(id, "completed")["status"], "completed"));
    host.stop();
}

#[test]
fn of_two_hosts_on_one_store_each_command_is_sent_by_the_owner() {
    let (folder, party) = (tempfile::tempdir().unwrap(), Party::new());
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (one, two) = (runtime(), runtime());
    let store = one.block_on(opened(folder.path()));
    let never = CancellationToken::new();
    party.on("reserve", |_| Reply::Late(Duration::from_millis(100)));
    let first = Host::on(one, std::sync::Arc::clone(&store), &party, &[ORDER], &never);
    for n in 0..20 {
        first.start_saga("order", &format!("o-{n}"), &json!({}));
    }
    // It takes over what the first one has at work.
    let second = Host::on(two, store, &party, &[ORDER], &never);
    for n in 0..20 {
        let id = format!("o-{n}");
        second.until(&id, "completed");
        assert_eq!([0, 1, 2].map(|step| party.net(&id, step)), [1; 3]);
        // What was under way at the take-over was sent again, and nothing else: only one of them could write intents.
        let sent = party.got.lock().unwrap().iter().filter(|sent| sent.saga_id.as_str() == id).count();
        let history = second.history(&id);
        let resumed = history.iter().filter(|word| *word == "resumed").count();
        assert!(resumed <= 1 && sent == 3 + resumed, "{id}: {sent} {history:?}");
    }
    first.crash();
    second.stop();
}

#[test]
fn a_saga_keeps_its_definition_and_a_new_one_gets_the_new() {
    const CHANGED: &str = r#"{"name": "slow", "steps": [
        {"command": "slow", "compensation": "undo", "timeout": "1h"}, {"command": "more", "irreversible": true}
    ]}"#;
    let (folder, party) = (tempfile::tempdir().unwrap(), Party::new());
    let host = Host::start(folder.path(), &party, &[ORDER_SLOW]);
    party.on("slow", |_| Reply::Silent);
    host.start_saga("slow", "before", &json!({}));
    host.eventually(|| !party.names().is_empty());
    host.crash();
    party.on("slow", |_| Reply::Done(Value::Null));
    let host = Host::start(folder.path(), &party, &[CHANGED]);
    host.start_saga("slow", "after", &json!({}));
    assert_eq!(host.until("before", "completed")["steps"].as_array().unwrap().len(), 1);
    assert_eq!(host.until("after", "completed")["steps"].as_array().unwrap().len(), 2);
    assert_eq!(party.names().iter().filter(|name| *name == "more").count(), 1);
    host.stop();
}

#[test]
fn lists_are_read_page_by_page_and_a_wrong_cursor_is_refused() {
    let (folder, party) = (tempfile::tempdir().unwrap(), Party::new());
    let host = Host::start(folder.path(), &party, &[ORDER, ORDER_SLOW]);
    party.on("slow", |_| Reply::Silent);
    for n in 0..5 {
        host.start_saga("order", &format!("o-{n}"), &json!({}));
        host.until(&format!("o-{n}"), "completed");
        host.start_saga("slow", &format!("s-{n}"), &json!({}));
    }
    let names = |letter: char| (0..5).map(|n| format!("{letter}-{n}")).collect::<Vec<_>>();
    assert_eq!(host.list(Some(Status::Completed)), names('o'));
    assert_eq!(host.list(Some(Status::Running)), names('s'));
    assert_eq!(host.list(None), [names('s'), names('o')].concat());
    let list = |after: &str| switchyard_delivery::ListSagas {
        after: Some(after.to_owned()),
        limit: 2,
        status: Some(Status::Stuck),
        ..Default::default()
    };
    for cursor in ["", "x", "open:o-1"] {
        let refused = host.block(host.delivery.sagas(list(cursor)));
        assert!(matches!(refused, Err(Error::Invalid(_))), "{cursor}");
    }
    let stats = host.block(host.delivery.saga_stats()).unwrap();
    assert_eq!((stats.open, stats.owned, stats.running, stats.completed), (5, 5, 5, 5));
    host.stop();
}
