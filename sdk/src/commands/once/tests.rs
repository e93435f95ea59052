//! Commands that come twice, late, at once, or the wrong way round, on a host in memory.

use serde_json::json;

use super::*;
use crate::testing::{self, CommandDraft, carry_out};
use crate::{Participant, kv};

/// A service that adds to one number, and takes it away again.
fn participant() -> Participant {
    Participant::new().on("add", add).on("take", take)
}

fn add(command: &Command) -> Result<i64, Failure> {
    let by: i64 = command.payload()?;
    once(command, || {
        let (sum, unchanged) = sum()?;
        if by > 100 {
            return Err(Failure::reject("too much"));
        }
        Ok((Batch::new().put_if("sum", (sum + by).to_string(), unchanged), by))
    })
}

fn take(command: &Command) -> Result<(), Failure> {
    undo(command, |by: i64| {
        let (sum, unchanged) = sum()?;
        Ok::<_, Failure>(Batch::new().put_if("sum", (sum - by).to_string(), unchanged))
    })
}

fn sum() -> Result<(i64, batch::Condition), Failure> {
    let Some(entry) = batch::read("sum")? else { return Ok((0, batch::Condition::Absent)) };
    let sum = String::from_utf8_lossy(&entry.value).parse().expect("a number");
    Ok((sum, batch::Condition::Revision(entry.revision)))
}

fn add_of(saga: &str, by: i64) -> CommandDraft {
    testing::command("add").saga(saga).payload(&by)
}

fn take_of(saga: &str) -> CommandDraft {
    testing::command("take").saga(saga).compensation()
}

#[track_caller]
fn check(command: CommandDraft, answer: Result<Value, Failure>, expected: i64) {
    assert_eq!(carry_out(&participant(), command.clone()), answer, "{command:?}");
    assert_eq!(sum().expect("read").0, expected, "after {command:?}");
}

#[test]
fn a_command_that_comes_again_is_answered_as_then() {
    for attempt in [1, 1, 2] {
        check(add_of("s", 5).attempt(attempt), Ok(json!(5)), 5);
    }
    // Done is done, also in an operator's round.
    check(add_of("s", 5).round(2), Ok(json!(5)), 5);
    check(add_of("s", 5).step(1), Ok(json!(5)), 10);
    check(add_of("t", 5), Ok(json!(5)), 15);
}

#[test]
fn a_rejection_is_remembered_until_an_operator_asks_again() {
    check(add_of("s", 101), Err(Failure::reject("too much")), 0);
    check(add_of("s", 5).attempt(2), Err(Failure::reject("too much")), 0);
    check(add_of("s", 5).round(2), Ok(json!(5)), 5);
    check(add_of("s", 5).round(2).attempt(2), Ok(json!(5)), 5);
}

#[test]
fn what_was_done_is_undone_once_and_not_done_again() {
    check(add_of("s", 5), Ok(json!(5)), 5);
    check(add_of("t", 7), Ok(json!(7)), 12);
    for attempt in [1, 1, 2] {
        check(take_of("s").attempt(attempt), Ok(Value::Null), 7);
    }
    check(take_of("s").round(2), Ok(Value::Null), 7);
    for late in [add_of("s", 5), add_of("s", 5).attempt(2), add_of("s", 5).round(2)] {
        check(late, Err(Failure::reject("already undone")), 7);
    }
}

#[test]
fn what_was_never_done_is_undone_before_it_comes() {
    check(take_of("s"), Ok(Value::Null), 0);
    check(add_of("s", 5), Err(Failure::reject("already undone")), 0);
    check(add_of("r", 101), Err(Failure::reject("too much")), 0);
    check(take_of("r"), Ok(Value::Null), 0);
}

#[test]
fn of_a_step_and_its_compensation_at_once_the_second_sees_the_first() {
    let overtaken: Command = add_of("s", 5).into();
    let answer = once(&overtaken, || {
        check(take_of("s"), Ok(Value::Null), 0);
        Ok::<_, Failure>((Batch::new().put("sum", "5"), 5))
    });
    assert_eq!(answer, Err(Failure::reject("already undone")));
    assert_eq!(sum().expect("read").0, 0);
}

#[test]
fn of_two_attempts_at_once_one_has_an_effect() {
    let mut runs = 0;
    let slow: Command = add_of("s", 5).into();
    let answer = once(&slow, || {
        runs += 1;
        check(add_of("s", 5).attempt(2), Ok(json!(5)), 5);
        let (sum, unchanged) = sum()?;
        Ok::<_, Failure>((Batch::new().put_if("sum", (sum + 5).to_string(), unchanged), 5))
    });
    assert_eq!((answer, runs, sum().expect("read").0), (Ok(5), 1, 5));
}

#[test]
fn another_writer_of_a_key_makes_the_closure_run_again() {
    let mut runs = 0;
    let answer = once(&add_of("s", 5).into(), || {
        let (sum, unchanged) = sum()?;
        runs += 1;
        if runs < 3 {
            check(add_of(&format!("other-{runs}"), 1), Ok(json!(1)), sum + 1);
        }
        Ok::<_, Failure>((Batch::new().put_if("sum", (sum + 5).to_string(), unchanged), 5))
    });
    assert_eq!((answer, runs, sum().expect("read").0), (Ok(5), 3, 7));
    let never = once(&add_of("t", 5).into(), || {
        let (_, unchanged) = sum()?;
        kv::own()?.increment("sum", 1)?;
        Ok::<_, Failure>((Batch::new().put_if("sum", "0", unchanged), 5))
    });
    assert!(matches!(never, Err(Failure::Retry(_))), "{never:?}");
    check(add_of("t", 5), Ok(json!(5)), 7 + i64::from(ATTEMPTS) + 5);
}

#[test]
fn a_failure_that_is_no_rejection_leaves_no_trace() {
    let busy = once(&add_of("s", 5).into(), || Err::<(Batch, i64), _>(Failure::retry("busy")));
    assert_eq!(busy, Err(Failure::retry("busy")));
    check(add_of("s", 5).attempt(2), Ok(json!(5)), 5);
    let busy = undo(&take_of("s").into(), |_: i64| Err(Failure::retry("busy")));
    assert_eq!(busy, Err(Failure::retry("busy")));
    check(take_of("s").attempt(2), Ok(Value::Null), 0);
}

#[test]
fn a_command_that_goes_the_wrong_way_is_rejected() {
    check(add_of("s", 5).compensation(), Err(Failure::reject("`add` does a step, and can undo none")), 0);
    let forward = testing::command("take").saga("s");
    check(forward, Err(Failure::reject("`take` undoes a step, and can do none")), 0);
}
