//! What is remembered of a step: one key, so that doing and undoing never pass each other unseen.

use serde_json::{Map, Value, json};

use super::{Command, Direction};
use crate::batch::{self, Batch, Condition, Key};
use crate::{Failure, JsonError, json as payload};

/// The record of a step as it was read, and what writing it insists on.
pub(super) struct Record {
    key: Key,
    unchanged: Condition,
    members: Map<String, Value>,
}

/// What was answered.
pub(super) enum Outcome {
    /// It was done, with this result.
    Done(Value),
    /// It was rejected, because of this.
    Rejected(String),
}

// === impl Record ===

impl Record {
    /// The record of a step that nothing is remembered of. If that is wrong, writing it will tell.
    pub(super) fn assumed_absent(command: &Command) -> Self {
        let key = Key::new(format!("commands/{}/{}", command.saga_id(), command.step_index()));
        Self { key, unchanged: Condition::Absent, members: Map::new() }
    }

    /// Reads the record of a command's step.
    pub(super) fn read(command: &Command) -> Result<Self, Failure> {
        let absent = Self::assumed_absent(command);
        let Some(entry) = batch::read(absent.key.clone())? else { return Ok(absent) };
        let members = payload::read(&entry.value, || absent.key.to_string()).map_err(Failure::retry)?;
        Ok(Self { unchanged: Condition::Revision(entry.revision), members, ..absent })
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// What was answered in a direction; none when nothing was.
    pub(super) fn outcome(&self, direction: Direction) -> Option<Outcome> {
        let answer = self.members.get(name(direction))?;
        Some(match answer["rejected"].as_str() {
            Some(why) => Outcome::Rejected(why.to_owned()),
            None => Outcome::Done(answer["result"].clone()),
        })
    }

    /// What this command was answered when it came before. What is done stays so for every idempotency key; what was
    /// rejected may be tried again with another one.
    pub(super) fn answered(&self, command: &Command) -> Option<Outcome> {
        let outcome = self.outcome(command.direction())?;
        let same_key = self.members[name(command.direction())]["key"] == command.idempotency_key();
        (same_key || matches!(outcome, Outcome::Done(_))).then_some(outcome)
    }

    /// Adds to a batch that this command was carried out and what is answered, if the record is as it was read.
    pub(super) fn remember(&self, command: &Command, outcome: &Outcome, batch: Batch) -> Result<Batch, JsonError> {
        let answer = match outcome {
            Outcome::Done(result) => json!({ "key": command.idempotency_key(), "result": result }),
            Outcome::Rejected(why) => json!({ "key": command.idempotency_key(), "rejected": why }),
        };
        let mut members = self.members.clone();
        members.insert(name(command.direction()).to_owned(), answer);
        let value = payload::write(&members, || self.key.to_string())?;
        Ok(batch.put_if(self.key.clone(), value, self.unchanged))
    }
}

// === impl Outcome ===

impl Outcome {
    pub(super) fn into_result(self) -> Result<Value, Failure> {
        match self {
            Self::Done(result) => Ok(result),
            Self::Rejected(why) => Err(Failure::Reject(why)),
        }
    }
}

fn name(direction: Direction) -> &'static str {
    match direction {
        Direction::Forward => "forward",
        Direction::Compensation => "compensation",
    }
}
