//! Carries out a command once, however often it comes, and undoes only what was done.
//!
//! All that is known of a step is one record, written in the commit of whatever the command changes, if it is still as
//! it was read; so of two attempts at once, or of a step and its compensation, one goes first and the other one sees it. An undone step leaves its record behind, and so does
//! one that was undone before it was done: what comes late for it is rejected.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::record::{Outcome, Record};
use super::{Command, Direction};
use crate::Failure;
use crate::batch::{self, Batch};

/// How often a command tries to commit: each failure means that another writer got through.
const ATTEMPTS: u32 = 100;

/// What a command comes to, by the record of its step.
enum Next {
    /// It was answered before, or is too late.
    Answered(Outcome),
    /// These writes, and this result.
    Do(Batch, Value),
}

/// Carries out a command that does a step. The closure answers what to write and the result, and both are committed
/// together with the fact; it runs again when a key that its batch insists on was written meanwhile. A rejection is
/// remembered, too, with nothing written; any other failure leaves no trace.
///
/// A command that comes again is answered as the first time, and so is one of another idempotency key when the step is
/// done. A command whose step was undone is rejected.
///
/// What is remembered is one key of the service's own bucket, `commands/SAGA/STEP`, with the result in it. It stays,
/// since nobody can tell when the last command of a step comes: a saga may be stuck for as long as its operator likes.
///
/// # Errors
/// With the closure's failure, or a retry when the commit does not succeed.
pub fn once<T, E>(command: &Command, mut effect: impl FnMut() -> Result<(Batch, T), E>) -> Result<T, Failure>
where
    T: Serialize + DeserializeOwned,
    E: Into<Failure>,
{
    if command.direction() != Direction::Forward {
        return Err(Failure::reject(format_args!("`{}` does a step, and can undo none", command.name())));
    }
    let result = settle(command, |record| {
        if record.outcome(Direction::Compensation).is_some() {
            return Ok(Next::Answered(Outcome::Rejected("already undone".to_owned())));
        }
        if let Some(before) = record.answered(command) {
            return Ok(Next::Answered(before));
        }
        let (batch, result) = effect().map_err(Into::into)?;
        Ok(Next::Do(batch, serde_json::to_value(result).map_err(Failure::reject)?))
    })?;
    serde_json::from_value(result).map_err(Failure::reject)
}

/// Carries out a command that undoes a step, if [`once`] did it: the closure gets the result of then, and answers what
/// to write. It runs again when a key that its batch insists on was written meanwhile. A step that was not done, or that
/// is undone already, needs no undoing; all that is written is that it is not to be done any more.
///
/// # Errors
/// With the closure's failure, or a retry when the commit does not succeed.
pub fn undo<T, E>(command: &Command, mut effect: impl FnMut(T) -> Result<Batch, E>) -> Result<(), Failure>
where
    T: DeserializeOwned,
    E: Into<Failure>,
{
    if command.direction() != Direction::Compensation {
        return Err(Failure::reject(format_args!("`{}` undoes a step, and can do none", command.name())));
    }
    settle(command, |record| {
        if let Some(before) = record.answered(command) {
            return Ok(Next::Answered(before));
        }
        let batch = match record.outcome(Direction::Forward) {
            Some(Outcome::Done(result)) => {
                effect(serde_json::from_value(result).map_err(Failure::reject)?).map_err(Into::into)?
            }
            Some(Outcome::Rejected(_)) | None => Batch::new(),
        };
        Ok(Next::Do(batch, Value::Null))
    })?;
    Ok(())
}

/// Commits what a command comes to, and answers its result.
fn settle(command: &Command, mut next: impl FnMut(&Record) -> Result<Next, Failure>) -> Result<Value, Failure> {
    // Of most commands that do something this is the first one: the commit finds out, and reading is spared.
    let is_likely_new = command.attempt() == 1 && command.direction() == Direction::Forward;
    let mut record = if is_likely_new { Record::assumed_absent(command) } else { Record::read(command)? };
    for _ in 0..ATTEMPTS {
        let (batch, outcome) = match next(&record) {
            Ok(Next::Answered(outcome)) => return outcome.into_result(),
            Ok(Next::Do(batch, result)) => (batch, Outcome::Done(result)),
            Err(Failure::Reject(why)) => (Batch::new(), Outcome::Rejected(why)),
            Err(failure) => return Err(failure),
        };
        match record.remember(command, &outcome, batch)?.commit() {
            Ok(_) => return outcome.into_result(),
            Err(batch::Error::Conflict(key)) if key == *record.key() => record = Record::read(command)?,
            Err(batch::Error::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::retry("other writers were faster each time"))
}

#[cfg(test)]
mod tests;
