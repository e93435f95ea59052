//! A command as its handler gets it.

use serde::de::DeserializeOwned;

use crate::bindings::command_handler::exports::switchyard::plugin::command_handler as wit;
use crate::{Failure, json};

/// One command of a saga.
#[derive(Debug, Clone)]
pub struct Command {
    inner: wit::Command,
}

/// Which way a saga goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Does the step.
    Forward,
    /// Undoes a step that was done, or that may have been done.
    Compensation,
}

// === impl Command ===

impl Command {
    /// Its name, as in the definition's step or that step's compensation.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The saga.
    pub fn saga_id(&self) -> &str {
        &self.inner.saga_id
    }

    /// The name of the saga's definition.
    pub fn saga_name(&self) -> &str {
        &self.inner.saga_name
    }

    /// The step, from 0.
    pub fn step_index(&self) -> u32 {
        self.inner.step_index
    }

    /// Does or undoes.
    pub fn direction(&self) -> Direction {
        match self.inner.direction {
            wit::Direction::Forward => Direction::Forward,
            wit::Direction::Compensation => Direction::Compensation,
        }
    }

    /// 1 the first time.
    pub fn attempt(&self) -> u32 {
        self.inner.attempt
    }

    /// `saga/step/direction/round`: what to know the command by when it comes again. An operator's retry of a command
    /// that was not done has another.
    pub fn idempotency_key(&self) -> &str {
        &self.inner.idempotency_key
    }

    /// The payload as it came: a JSON object.
    pub fn data(&self) -> &[u8] {
        &self.inner.payload
    }

    /// The payload read as JSON. Of a command that does: `{sagaId, stepIndex, ...data, ...step data}`; of one that
    /// undoes: `{sagaId, originalStepIndex, originalResult, ...data}`.
    ///
    /// # Errors
    /// A rejection when it is of another shape: it would fail in the same way the next time.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        Ok(json::read(self.data(), || format!("command `{}` of `{}`", self.name(), self.saga_id()))?)
    }
}

impl From<wit::Command> for Command {
    fn from(inner: wit::Command) -> Self {
        Self { inner }
    }
}
