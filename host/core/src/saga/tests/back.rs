use super::*;

#[test]
fn what_was_done_is_undone_in_reverse_order() {
    let mut play = Play::new(order(), json!({"orderId": "1"}));
    play.answer(0, done(json!({"reservation": "r1"})));
    play.answer(1, done(json!("charged")));
    play.answer(2, reject());
    assert_eq!(play.saga.status(), Status::Compensating);
    assert_eq!(play.sends(), ["payment.refund s/1/compensation/1 1"]);
    assert_eq!(
        play.payload(1),
        json!({"sagaId": "s", "originalStepIndex": 1, "originalResult": "charged", "orderId": "1", "reservation": "r1"})
    );
    play.answer(1, later());
    play.pass(1_000);
    assert_eq!(play.sends(), ["payment.refund s/1/compensation/1 2"]);
    // Its result goes nowhere.
    play.answer(1, done(json!({"orderId": "2"})));
    assert_eq!(play.sends(), ["inventory.release s/0/compensation/1 1"]);
    play.answer(0, done(Value::Null));
    play.ends(Status::Failed, Some("the step 2 ('shipping.create') failed: no"));
    assert_eq!(play.saga.data()["orderId"], "1");
    let step = "saga.step.completed";
    assert_eq!(play.topics(), ["saga.started", step, step, "saga.step.failed", "saga.compensating", "saga.failed"]);
}

#[test]
fn a_step_whose_outcome_is_lost_is_undone_too() {
    let mut play = Play::new(order(), json!({}));
    play.answer(0, done(json!({"r": 1})));
    play.answer(1, lost());
    play.pass(1_000);
    // One attempt is lost, the next is refused: the first may have been done.
    play.answer(1, reject());
    assert_eq!(play.sends(), ["payment.refund s/1/compensation/1 1"]);
    assert_eq!(play.payload(1)["originalResult"], Value::Null);
    play.answer(1, done(Value::Null));
    play.answer(0, done(Value::Null));
    play.ends(Status::Failed, Some("the step 1 ('payment.charge') failed: no"));
}

#[test]
fn a_step_that_was_refused_is_not_undone() {
    let mut play = Play::new(order(), json!({}));
    play.exhaust(0, &later());
    play.ends(Status::Failed, Some("the step 0 ('inventory.reserve') failed: later"));
}

#[test]
fn a_group_is_undone_in_reverse_order_of_completion_once_nothing_is_under_way() {
    let step = |name: &str| json!({"command": name, "compensation": format!("undo-{name}")});
    let group = json!({"name": "g", "steps": [{"parallel": [step("a"), step("b"), step("c"), step("d")]}]});
    let mut play = Play::new(group, json!({}));
    play.answer(1, done(json!({})));
    play.answer(0, done(json!({})));
    play.answer(2, later());
    play.answer(3, reject());
    // 2 rests, and is not tried again.
    assert_eq!(play.sends(), ["undo-a s/0/compensation/1 1"]);
    play.answer(0, done(json!({})));
    assert_eq!(play.sends(), ["undo-b s/1/compensation/1 1"]);
    play.answer(1, done(json!({})));
    play.ends(Status::Failed, Some("the step 3 ('d') failed: no"));
}

#[test]
fn no_command_runs_beside_its_compensation() {
    let step = |name: &str| json!({"command": name, "compensation": format!("undo-{name}")});
    let mut play =
        Play::new(json!({"name": "g", "steps": [{"parallel": [step("a"), step("b"), step("c")]}]}), json!({}));
    let (first, second) = (play.open(0), play.open(1));
    play.answer(2, reject());
    assert_eq!(play.saga.status(), Status::Compensating);
    assert_eq!(play.sends(), ["a s/0/forward/1 1", "b s/1/forward/1 1"]);
    // Its failure now is the last one.
    play.answer(1, later());
    play.pass(60_000);
    // The outcome of 0 was lost.
    assert_eq!(play.sends(), ["undo-a s/0/compensation/1 1"]);
    assert_eq!((play.saga.command(&first), play.saga.command(&second)), (None, None));
    play.answer_to(first, done(json!({"late": true})));
    assert_eq!(play.saga.view().late_answers, 1);
    // Whoever carried it gives it up, too: that is no answer.
    assert_eq!(play.saga.record(first, lost(), play.now, 0.5), None);
    let again = Event { at: play.now, what: What::Intended { command: first, deadline: play.now } };
    assert!(play.saga.apply(&again).is_err());
    play.answer(0, done(Value::Null));
    play.ends(Status::Failed, Some("the step 2 ('c') failed: no"));
}

#[test]
fn nothing_is_sent_forward_by_a_new_owner_of_a_saga_that_turns_back() {
    let step = |name: &str| json!({"command": name, "compensation": format!("undo-{name}")});
    let mut play = Play::new(json!({"name": "g", "steps": [{"parallel": [step("a"), step("b")]}]}), json!({}));
    play.answer(1, reject());
    play.crash();
    assert_eq!(play.sends(), ["undo-a s/0/compensation/1 1"]);
}

#[test]
fn what_is_irreversible_stays() {
    let mut play = Play::new(
        json!({"name": "m", "steps": [
            {"command": "a", "compensation": "undo-a"},
            {"command": "mail", "irreversible": true},
            {"command": "b", "compensation": "undo-b"},
        ]}),
        json!({}),
    );
    play.answer(0, done(json!({})));
    play.exhaust(1, &lost());
    assert_eq!(play.sends(), ["undo-a s/0/compensation/1 1"]);
    play.answer(0, done(Value::Null));
    play.ends(Status::Failed, Some("the step 1 ('mail') failed: nobody knows"));
}

#[test]
fn a_compensation_that_cannot_be_done_makes_the_saga_stuck() {
    for outcome in [reject(), later(), lost()] {
        let mut play = Play::new(order(), json!({}));
        play.answer(0, done(json!({})));
        play.answer(1, reject());
        if outcome == reject() {
            play.answer(0, reject());
        } else {
            play.exhaust(0, &outcome);
        }
        assert_eq!((play.saga.status(), play.stuck_for()), (Status::Stuck, Some(StuckReason::CompensationFailed)));
        let error = play.saga.error().unwrap();
        assert!(error.starts_with("the compensation of the step 0 ('inventory.reserve') failed: "), "{error}");
        assert_eq!(play.saga.decide(play.now, 0.5), []);
    }
}

#[test]
fn before_the_pivot_back_and_after_it_forward() {
    let mut play = Play::new(with_pivot(), json!({}));
    play.answer(0, done(json!({})));
    play.answer(1, reject());
    assert_eq!(play.sends(), ["undo-a s/0/compensation/1 1"]);

    let mut play = Play::new(with_pivot(), json!({}));
    play.answer(0, done(json!({})));
    play.answer(1, done(json!({})));
    play.exhaust(2, &later());
    assert_eq!((play.saga.status(), play.stuck_for()), (Status::Stuck, Some(StuckReason::StepFailed)));
    let forced = play.saga.force_compensation(play.now).unwrap_err();
    assert!(forced.to_string().contains("can only go forward"), "{forced}");
    play.advance(Some(play.saga.retry(None, play.now).unwrap()));
    assert_eq!(play.sends(), ["c s/2/forward/2 1"]);
    play.answer(2, done(json!({})));
    play.ends(Status::Completed, None);
}

#[test]
fn a_pivot_that_may_have_been_done_makes_the_saga_stuck() {
    let mut play = Play::new(with_pivot(), json!({}));
    play.answer(0, done(json!({})));
    play.exhaust(1, &lost());
    assert_eq!((play.saga.status(), play.stuck_for()), (Status::Stuck, Some(StuckReason::PivotUnknown)));
    assert!(play.saga.cancel(play.now).is_err());
    // Asked again with the same key, the participant says what became of it.
    let mut retried =
        Play { saga: play.saga.clone(), journal: play.journal.clone(), notices: Vec::new(), now: play.now };
    retried.advance(Some(retried.saga.retry(None, play.now).unwrap()));
    assert_eq!(retried.sends(), ["p s/1/forward/1 1"]);
    retried.answer(1, reject());
    assert_eq!(retried.sends(), ["undo-a s/0/compensation/1 1"]);
    // Or the operator knows that it was not done.
    play.advance(Some(play.saga.force_compensation(play.now).unwrap()));
    play.answer(0, done(Value::Null));
    play.ends(Status::Failed, Some("the step 1 ('p') failed: nobody knows"));
}

#[test]
fn a_pivot_that_may_have_been_done_is_undone_if_it_can_be() {
    let mut value = with_pivot();
    value["steps"][1]["compensation"] = "undo-p".into();
    let mut play = Play::new(value, json!({}));
    play.answer(0, done(json!({})));
    play.exhaust(1, &lost());
    assert_eq!(play.sends(), ["undo-p s/1/compensation/1 1"]);
}

#[test]
fn what_was_sent_before_a_crash_may_have_been_done_whatever_is_answered_now() {
    let mut play = Play::new(order(), json!({}));
    play.crash();
    play.exhaust(0, &later());
    assert_eq!(play.sends(), ["inventory.release s/0/compensation/1 1"]);
}

#[test]
fn a_pause_that_was_asked_for_twice_is_one() {
    let mut play = Play::new(order(), json!({}));
    let first = play.open(0);
    let pause = Outcome::Failed(Failure::Defer(Duration::from_secs(1)));
    play.answer_to(first, pause.clone());
    play.pass(1_000);
    // The second answer to what was sent first says nothing of what is under way now.
    play.answer_to(first, pause);
    assert_eq!(play.sends(), ["inventory.reserve s/0/forward/1 1"]);
    assert_eq!(play.saga.view().late_answers, 1);
}
