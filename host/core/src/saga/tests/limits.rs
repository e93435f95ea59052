use super::*;

fn large(bytes: usize) -> Value {
    json!({"x": "y".repeat(bytes)})
}

#[test]
fn data_has_a_bound_at_the_start() {
    let start = |data| Saga::start("s".parse().unwrap(), definition(order()), data, Timestamp(0));
    let bytes = DATA_MAX - r#"{"x":""}"#.len();
    assert!(start(large(bytes)).is_ok());
    assert!(matches!(start(large(bytes + 1)), Err(Refused::Data(_))));
    assert!(matches!(start(json!([])), Err(Refused::Data(_))));
}

#[test]
fn a_result_without_room_is_an_error_of_a_step_that_was_done() {
    let mut play = Play::new(order(), json!({"big": "y".repeat(DATA_MAX - 1_000)}));
    play.answer(0, done(json!({"small": 1})));
    play.answer(1, done(large(2_000)));
    assert_eq!(play.sends(), ["payment.refund s/1/compensation/1 1"]);
    assert_eq!(play.payload(1)["originalResult"], Value::Null);
    let error = play.saga.error().unwrap();
    assert!(error.contains("over the limit of 1048576"), "{error}");
}

#[test]
fn a_result_that_replaces_a_member_needs_no_room_for_both() {
    let mut play = Play::new(order(), large(DATA_MAX - 1_000));
    play.answer(0, done(large(DATA_MAX - 1_000)));
    assert_eq!(play.sends(), ["payment.charge s/1/forward/1 1"]);
    // All results together have a bound too, since they are kept for compensations.
    play.answer(1, done(json!("y".repeat(2_000))));
    assert_eq!(play.saga.status(), Status::Compensating);
}

#[test]
fn a_pivot_that_was_done_is_not_turned_back_for_its_result() {
    let mut play = Play::new(with_pivot(), json!({"big": "y".repeat(DATA_MAX - 1_000)}));
    play.answer(0, done(json!({})));
    play.answer(1, done(large(2_000)));
    assert_eq!((play.saga.status(), play.stuck_for()), (Status::Stuck, Some(StuckReason::StepFailed)));
    assert!(play.saga.force_compensation(play.now).is_err());
    play.advance(Some(play.saga.retry(Some(json!({})), play.now).unwrap()));
    assert_eq!(play.sends(), ["p s/1/forward/1 1"]);
}

#[test]
fn signals_without_room_are_refused_or_fail_their_step() {
    let wait = json!({"name": "w", "steps": [{"command": "a", "irreversible": true}, {"wait": {"signal": "go"}}]});
    let mut play = Play::new(wait, json!({}));
    assert!(matches!(play.saga.signal("go", large(DATA_MAX), play.now), Err(Refused::Data(_))));
    let event = play.saga.signal("go", json!({"y": "y".repeat(DATA_MAX / 2)}), play.now).unwrap();
    play.advance(Some(event));
    // The step before it has made the data large meanwhile.
    play.answer(0, done(large(DATA_MAX / 2)));
    play.pass(0);
    assert_eq!(play.saga.status(), Status::Failed);
}

#[test]
fn pauses_have_a_bound() {
    let mut play = Play::new(order(), json!({}));
    for _ in 0..DEFERRALS_MAX {
        play.answer(0, Outcome::Failed(Failure::Defer(Duration::from_secs(u64::MAX))));
        assert_eq!(play.saga.deadline(), Some(play.now.plus(Duration::from_secs(24 * 3600))));
        play.pass(24 * 3600 * 1_000);
    }
    // What the host does not get sent is none of them.
    play.answer(0, Outcome::Unsent(Duration::from_secs(1)));
    play.pass(1_000);
    play.answer(0, Outcome::Failed(Failure::Defer(Duration::ZERO)));
    play.pass(1_000);
    assert_eq!(play.sends(), ["inventory.reserve s/0/forward/1 2"]);
}

#[test]
fn long_errors_are_cut_at_a_character() {
    let mut play = Play::new(order(), json!({}));
    play.answer(0, Outcome::Failed(Failure::Reject("ä".repeat(ERROR_MAX))));
    assert!(play.saga.error().unwrap().len() < ERROR_MAX + 100);
}
