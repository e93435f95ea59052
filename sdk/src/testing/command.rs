//! A command that a test brings.

use serde::Serialize;

use crate::bindings::command_handler::exports::switchyard::plugin::command_handler as wit;
use crate::{Command, json};

/// A command for [`carry_out`](super::carry_out), begun by [`command`](super::command).
#[derive(Debug, Clone)]
pub struct CommandDraft {
    name: String,
    saga: String,
    step: u32,
    direction: wit::Direction,
    attempt: u32,
    round: u32,
    payload: Vec<u8>,
}

// === impl CommandDraft ===

impl CommandDraft {
    pub(super) fn new(name: String) -> Self {
        let saga = "saga".to_owned();
        Self { name, saga, step: 0, direction: wit::Direction::Forward, attempt: 1, round: 1, payload: b"{}".to_vec() }
    }

    /// Of this saga.
    pub fn saga(self, id: impl Into<String>) -> Self {
        Self { saga: id.into(), ..self }
    }

    /// Of this step, from 0.
    pub fn step(self, index: u32) -> Self {
        Self { step: index, ..self }
    }

    /// Undoes the step.
    pub fn compensation(self) -> Self {
        Self { direction: wit::Direction::Compensation, ..self }
    }

    /// This attempt, from 1.
    pub fn attempt(self, attempt: u32) -> Self {
        Self { attempt, ..self }
    }

    /// After so many retries by an operator, plus 1; another round is another idempotency key.
    pub fn round(self, round: u32) -> Self {
        Self { round, ..self }
    }

    /// With this value, which is an object, for its payload.
    ///
    /// # Panics
    /// When it cannot be JSON.
    pub fn payload(self, value: &(impl Serialize + ?Sized)) -> Self {
        let payload = json::write(value, || self.name.clone()).expect("the payload is JSON");
        Self { payload, ..self }
    }
}

impl From<CommandDraft> for Command {
    fn from(draft: CommandDraft) -> Self {
        let CommandDraft { name, saga, step, direction, attempt, round, payload } = draft;
        let way = match direction {
            wit::Direction::Forward => "forward",
            wit::Direction::Compensation => "compensation",
        };
        let command = wit::Command {
            idempotency_key: format!("{saga}/{step}/{way}/{round}"),
            name,
            saga_id: saga,
            saga_name: "test".to_owned(),
            step_index: step,
            direction,
            attempt,
            payload,
        };
        command.into()
    }
}
