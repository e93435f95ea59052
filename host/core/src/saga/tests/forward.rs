use super::*;

#[test]
fn steps_go_one_after_the_other_and_results_flow_into_the_data() {
    let mut play = Play::new(order(), json!({"orderId": "123", "amount": 99.99}));
    assert_eq!(play.sends(), ["inventory.reserve s/0/forward/1 1"]);
    assert_eq!(
        play.payload(0),
        json!({"sagaId": "s", "stepIndex": 0, "orderId": "123", "amount": 99.99, "timeout": 30000})
    );
    play.answer(0, done(json!({"reservation": "r1", "amount": 100})));
    assert_eq!(play.sends(), ["payment.charge s/1/forward/1 1"]);
    assert_eq!(
        play.payload(1),
        json!({"sagaId": "s", "stepIndex": 1, "orderId": "123", "amount": 100, "reservation": "r1"})
    );
    // Only objects are merged.
    play.answer(1, done(json!(["paid"])));
    play.answer(2, done(Value::Null));
    play.ends(Status::Completed, None);
    assert_eq!(Value::from(play.saga.data().clone()), json!({"orderId": "123", "amount": 100, "reservation": "r1"}));
    let step = "saga.step.completed";
    assert_eq!(play.topics(), ["saga.started", step, step, step, "saga.completed"]);
}

#[test]
fn an_outcome_and_the_next_intent_are_one_commit() {
    let mut play = Play::new(order(), json!({}));
    let event = play.saga.record(play.open(0), done(json!({})), play.now, 0.5);
    let events = play.saga.advance(event, play.now, 0.5).unwrap().events;
    assert_eq!(events.iter().map(|event| event.what.name()).collect::<Vec<_>>(), ["succeeded", "intended"]);
}

#[test]
fn a_step_is_tried_again_with_the_same_key_and_payload() {
    let mut play = Play::new(order(), json!({"x": 1}));
    let payload = play.payload(0);
    play.answer(0, later());
    assert_eq!(play.sends(), [""; 0]);
    assert_eq!(play.saga.deadline(), Some(play.now.plus(Duration::from_secs(1))));
    play.pass(999);
    assert_eq!(play.sends(), [""; 0]);
    play.pass(1);
    assert_eq!(play.sends(), ["inventory.reserve s/0/forward/1 2"]);
    assert_eq!(play.payload(0), payload);
    // The time-out of an attempt is one more.
    play.pass(30_000);
    play.pass(2_000);
    assert_eq!(play.sends(), ["inventory.reserve s/0/forward/1 3"]);
}

#[test]
fn a_pause_counts_no_attempt() {
    let mut play = Play::new(order(), json!({}));
    for _ in 0..10 {
        play.answer(0, Outcome::Failed(Failure::Defer(Duration::from_secs(5))));
        assert_eq!(play.sends(), [""; 0]);
        play.pass(5_000);
        assert_eq!(play.sends(), ["inventory.reserve s/0/forward/1 1"]);
    }
}

#[test]
fn a_group_runs_together_and_merges_in_the_order_of_its_steps() {
    let group = json!({"name": "g", "steps": [
        {"parallel": [{"command": "a", "irreversible": true}, {"command": "b", "irreversible": true}]},
        {"command": "c", "irreversible": true},
    ]});
    let mut play = Play::new(group, json!({"who": "nobody"}));
    assert_eq!(play.sends(), ["a s/0/forward/1 1", "b s/1/forward/1 1"]);
    play.answer(1, done(json!({"who": "b"})));
    // Nothing is merged before the group is done: its payloads stay the same on every attempt.
    play.answer(0, later());
    play.pass(1_000);
    assert_eq!(play.payload(0), json!({"sagaId": "s", "stepIndex": 0, "who": "nobody"}));
    play.answer(0, done(json!({"who": "a", "a": 1})));
    assert_eq!(play.payload(2), json!({"sagaId": "s", "stepIndex": 2, "who": "b", "a": 1}));
}

#[test]
fn after_a_crash_an_intent_without_outcome_is_sent_again_as_the_same_attempt() {
    let mut play = Play::new(order(), json!({}));
    let before = play.saga.decide(play.now, 0.5);
    play.now = play.now.plus(Duration::from_secs(10));
    play.crash();
    // The deadline is the one of the intent.
    assert_eq!(play.saga.decide(play.now, 0.5), before);
    play.pass(20_000);
    assert_eq!(play.sends(), [""; 0]);
    play.pass(1_000);
    assert_eq!(play.sends(), ["inventory.reserve s/0/forward/1 2"]);
}

#[test]
fn a_saga_that_takes_the_host_down_again_and_again_is_parked() {
    let mut play = Play::new(order(), json!({}));
    for _ in 1..CRASHES_MAX {
        play.crash();
        assert_eq!(play.sends(), ["inventory.reserve s/0/forward/1 1"]);
    }
    play.crash();
    assert_eq!((play.saga.status(), play.stuck_for()), (Status::Stuck, Some(StuckReason::Crashes)));
    // Mended, it goes on; it may have been done, so the key stays.
    play.advance(Some(play.saga.retry(None, play.now).unwrap()));
    assert_eq!(play.sends(), ["inventory.reserve s/0/forward/1 1"]);
    play.crash();
    play.answer(0, done(json!({})));
    assert_eq!(play.saga.crashes(), 0);
}

#[test]
fn late_answers_are_counted_and_change_nothing() {
    let mut play = Play::new(order(), json!({}));
    let first = play.open(0);
    play.pass(30_000);
    play.answer_to(first, done(json!({"a": 1})));
    play.pass(1_000);
    play.answer_to(first, reject());
    assert_eq!(play.sends(), ["inventory.reserve s/0/forward/1 2"]);
    let second = play.open(0);
    play.answer_to(second, done(json!({"a": 2})));
    play.answer_to(second, done(json!({"a": 3})));
    assert_eq!(play.saga.view().late_answers, 3);
    assert_eq!(play.saga.data()["a"], 2);
    // What was never asked for is no answer.
    let never = CommandId { attempt: 9, ..second };
    assert_eq!(play.saga.record(never, done(json!({})), play.now, 0.5), None);
    for _ in 0..2 * LATE_ANSWERS_MAX {
        play.answer_to(first, reject());
    }
    assert_eq!(play.saga.view().late_answers, LATE_ANSWERS_MAX);
}
