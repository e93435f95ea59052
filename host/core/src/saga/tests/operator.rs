use super::*;

fn kept() -> Value {
    let mut value = order();
    value["onFailure"] = "stuck".into();
    value
}

#[test]
fn a_saga_may_be_kept_for_an_operator() {
    let mut play = Play::new(kept(), json!({"amount": 1}));
    play.answer(0, done(json!({})));
    play.answer(1, reject());
    play.ends(Status::Stuck, Some("the step 1 ('payment.charge') failed: no"));
    assert_eq!((play.stuck_for(), play.saga.current_step()), (Some(StuckReason::StepFailed), 1));
    // Tried again from the failed step, with a new key and other data.
    assert!(play.saga.retry(Some(json!([1])), play.now).is_err());
    play.advance(Some(play.saga.retry(Some(json!({"amount": 2})), play.now).unwrap()));
    assert_eq!((play.saga.status(), play.saga.error()), (Status::Running, None));
    assert_eq!(play.sends(), ["payment.charge s/1/forward/2 1"]);
    assert_eq!(play.payload(1), json!({"sagaId": "s", "stepIndex": 1, "amount": 2}));
    play.exhaust(1, &later());
    play.advance(Some(play.saga.force_compensation(play.now).unwrap()));
    assert_eq!(play.sends(), ["inventory.release s/0/compensation/1 1"]);
    play.answer(0, done(Value::Null));
    play.ends(Status::Failed, Some("the step 1 ('payment.charge') failed: later"));
}

#[test]
fn what_may_have_been_done_is_asked_for_again_with_the_same_key() {
    let mut play = Play::new(kept(), json!({}));
    play.exhaust(0, &lost());
    play.advance(Some(play.saga.retry(None, play.now).unwrap()));
    assert_eq!(play.sends(), ["inventory.reserve s/0/forward/1 1"]);
    // New attempts were granted.
    play.exhaust(0, &lost());
    assert_eq!(play.saga.status(), Status::Stuck);

    let mut play = Play::new(order(), json!({}));
    play.answer(0, done(json!({})));
    play.answer(1, reject());
    play.exhaust(0, &lost());
    play.advance(Some(play.saga.retry(None, play.now).unwrap()));
    assert_eq!(play.sends(), ["inventory.release s/0/compensation/1 1"]);
    play.answer(0, reject());
    play.advance(Some(play.saga.force_compensation(play.now).unwrap()));
    assert_eq!(play.sends(), ["inventory.release s/0/compensation/2 1"]);
    play.answer(0, done(Value::Null));
    play.ends(Status::Failed, Some("the step 1 ('payment.charge') failed: no"));
}

#[test]
fn only_what_failed_of_a_group_is_tried_again() {
    let step = |name: &str| json!({"command": name, "irreversible": true});
    let group = json!({"name": "g", "onFailure": "stuck", "steps": [{"parallel": [step("a"), step("b"), step("c")]}]});
    let mut play = Play::new(group, json!({}));
    play.answer(0, reject());
    play.answer(1, done(json!({"b": 1})));
    assert_eq!(play.saga.status(), Status::Running);
    play.answer(2, lost());
    assert_eq!(play.saga.status(), Status::Stuck);
    play.advance(Some(play.saga.retry(None, play.now).unwrap()));
    assert_eq!(play.sends(), ["a s/0/forward/2 1", "c s/2/forward/1 1"]);
    play.answer(0, done(json!({})));
    play.answer(2, done(json!({"b": 2})));
    play.ends(Status::Completed, None);
    assert_eq!(play.saga.data()["b"], 2);
}

#[test]
fn cancelling_waits_for_what_is_under_way_and_undoes_everything() {
    let mut play = Play::new(order(), json!({}));
    play.answer(0, done(json!({})));
    let charge = play.open(1);
    play.advance(Some(play.saga.cancel(play.now).unwrap()));
    assert_eq!(play.saga.status(), Status::Compensating);
    assert!(play.saga.is_open(&charge));
    assert!(play.saga.cancel(play.now).is_err());
    play.answer(1, done(json!({"charged": 5})));
    assert_eq!(play.sends(), ["payment.refund s/1/compensation/1 1"]);
    assert_eq!(play.payload(1)["originalResult"], json!({"charged": 5}));
    play.answer(1, done(Value::Null));
    play.answer(0, done(Value::Null));
    play.ends(Status::Failed, Some("cancelled"));
    assert_eq!(play.saga.view().steps[2].forward.status, view::StepStatus::Skipped);
    let refused = play.saga.cancel(play.now).unwrap_err();
    assert_eq!(refused.to_string(), "the saga is failed: it turns back already, or has ended");
}

#[test]
fn cancelling_during_a_pause_is_immediate() {
    let mut play = Play::new(order(), json!({}));
    play.answer(0, later());
    play.advance(Some(play.saga.cancel(play.now).unwrap()));
    play.ends(Status::Failed, Some("cancelled"));
}

#[test]
fn the_last_step_done_does_not_complete_a_saga_that_was_cancelled() {
    let mut play = Play::new(json!({"name": "o", "steps": [{"command": "a", "compensation": "b"}]}), json!({}));
    play.advance(Some(play.saga.cancel(play.now).unwrap()));
    play.answer(0, done(json!({})));
    assert_eq!(play.sends(), ["b s/0/compensation/1 1"]);
    play.answer(0, done(Value::Null));
    play.ends(Status::Failed, Some("cancelled"));
}

#[test]
fn nobody_can_turn_a_saga_back_while_its_pivot_is_under_way() {
    let mut play = Play::new(with_pivot(), json!({}));
    assert!(play.saga.cancel(play.now).is_ok());
    play.answer(0, done(json!({})));
    let why = |play: &Play| (play.saga.cancel(play.now).unwrap_err(), play.saga.force_compensation(play.now).is_err());
    assert!(matches!(why(&play), (Refused::Conflict { why: "its pivot may have been done already", .. }, true)));
    play.answer(1, lost());
    assert!(matches!(why(&play), (Refused::Conflict { why: "its pivot may have been done already", .. }, true)));
    play.pass(1_000);
    play.answer(1, done(json!({})));
    assert!(matches!(why(&play), (Refused::Conflict { .. }, true)));
}

#[test]
fn only_a_stuck_saga_can_be_retried() {
    let mut play = Play::new(order(), json!({}));
    assert!(matches!(play.saga.retry(None, play.now), Err(Refused::Conflict { status: Status::Running, .. })));
    play.answer(0, reject());
    assert!(matches!(play.saga.retry(None, play.now), Err(Refused::Conflict { status: Status::Failed, .. })));
}
