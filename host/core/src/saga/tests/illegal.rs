use super::{event::FailureKind, *};

#[track_caller]
fn refused(play: &Play, what: What, why: &str) {
    let mut saga = play.saga.clone();
    let illegal = saga.apply(&Event { at: play.now, what }).unwrap_err();
    assert_eq!(illegal.why, why);
    assert_eq!(saga, play.saga);
}

fn intent(command: CommandId) -> What {
    What::Intended { command, deadline: Timestamp(u64::MAX) }
}

fn failed(command: CommandId, kind: FailureKind, again: bool) -> What {
    What::Failed { command, kind, error: String::new(), again: again.then_some(Timestamp(u64::MAX)) }
}

#[test]
fn what_the_way_forward_does_not_allow() {
    let mut play = Play::new(order(), json!({}));
    let first = play.open(0);
    let back = CommandId { direction: Direction::Compensation, ..first };
    refused(&play, play.journal[0].what.clone(), "it has begun already");
    refused(&play, intent(first), "it has begun already, or has ended");
    refused(&play, intent(CommandId { step: 1, ..first }), "it is not this step's turn");
    refused(&play, intent(CommandId { step: 9, ..first }), "the step has no such command");
    refused(&play, intent(back), "it does not compensate");
    refused(&play, What::Succeeded { command: back, result: Value::Null }, "the attempt is not under way");
    refused(&play, failed(first, FailureKind::Retry, false), "whether it is tried again is another matter");
    refused(&play, failed(first, FailureKind::Reject, true), "whether it is tried again is another matter");
    refused(&play, What::AnsweredLate { command: first, done: true }, "it is not late");
    refused(&play, What::TimerFired { step: 0 }, "the step has no timer");
    refused(&play, What::WaitStarted { step: 0, until: None }, "the step has a command");
    refused(&play, What::Retried { data: None }, "it is not stuck");
    refused(&play, What::CompensationStarted { error: String::new() }, "nothing turned it back");
    refused(&play, What::Completed, "steps are left");
    refused(&play, What::FailedCleanly, "something is left to undo");
    for reason in [StuckReason::StepFailed, StuckReason::CompensationFailed, StuckReason::Crashes] {
        refused(&play, What::Stuck { reason, error: String::new() }, "it can go on");
    }
    play.answer(0, later());
    refused(&play, What::Resumed { crash: true }, "nothing is under way");
    refused(&play, intent(CommandId { attempt: 3, ..first }), "it is not the next attempt");
    refused(&play, intent(CommandId { attempt: 2, round: 2, ..first }), "it is not the next attempt");
}

#[test]
fn what_the_way_back_does_not_allow() {
    let step = |name: &str| json!({"command": name, "compensation": format!("undo-{name}")});
    let group = json!({"name": "g", "steps": [{"parallel": [step("a"), step("b"), step("c")]}]});
    let mut play = Play::new(group, json!({}));
    let (a, b) = (play.open(0), play.open(1));
    play.answer(2, reject());
    refused(&play, What::CompensationStarted { error: String::new() }, "commands are under way");
    refused(&play, What::Cancelled, "it turns back already, or has ended");
    play.answer(0, done(Value::Null));
    play.answer(1, done(Value::Null));
    refused(&play, intent(CommandId { attempt: 2, ..a }), "no further step may begin");
    let back = |command: CommandId| CommandId { direction: Direction::Compensation, ..command };
    refused(&play, intent(back(a)), "another step was done later");
    refused(&play, What::FailedCleanly, "something is left to undo");
    play.answer(1, done(Value::Null));
    refused(&play, intent(back(b)), "another step was done later");
}

#[test]
fn a_journal_fits_one_definition_and_has_a_beginning() {
    let play = Play::new(order(), json!({}));
    let other = Saga::replay(definition(with_pivot()), &play.journal).unwrap_err();
    assert_eq!(other.why, "it began with another definition");
    let headless = Saga::replay(Arc::clone(play.saga.definition()), &play.journal[1..]).unwrap_err();
    assert_eq!(headless.to_string(), "a saga that is running cannot take the event 'intended': it has not begun");
    assert!(Saga::replay(Arc::clone(play.saga.definition()), &[]).is_err());
}
