//! A saga, looked at.

use serde::de::DeserializeOwned;

use super::Draft;
use crate::bindings::switchyard::plugin::sagas as wit;
use crate::{JsonError, json};

/// A saga as it stood when it was looked at.
#[derive(Debug, Clone)]
pub struct Saga {
    inner: wit::Snapshot,
}

/// Where a saga stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// A step is under way.
    Running,
    /// A step waits for an event, a signal or a timer.
    Waiting,
    /// Steps are being undone.
    Compensating,
    /// Done.
    Completed,
    /// Undone.
    Failed,
    /// Neither way goes on by itself; an operator decides.
    Stuck,
}

// === impl Saga ===

impl Saga {
    /// Begins a saga of this definition that is to be started.
    #[expect(clippy::new_ret_no_self, reason = "a saga is new only until it is started, and till then a draft")]
    pub fn new(definition: impl Into<String>) -> Draft {
        Draft::new(definition.into())
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// The name of its definition.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        match self.inner.status {
            wit::Status::Running => Status::Running,
            wit::Status::Waiting => Status::Waiting,
            wit::Status::Compensating => Status::Compensating,
            wit::Status::Completed => Status::Completed,
            wit::Status::Failed => Status::Failed,
            wit::Status::Stuck => Status::Stuck,
        }
    }

    /// The step it is at, from 0.
    pub fn current_step(&self) -> u32 {
        self.inner.current_step
    }

    /// Its data, a JSON object.
    pub fn data(&self) -> &[u8] {
        &self.inner.data
    }

    /// Its data, read as JSON.
    ///
    /// # Errors
    /// When it is of another shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        json::read(self.data(), || format!("saga `{}`", self.id()))
    }

    /// What turned it back or stopped it.
    pub fn error(&self) -> Option<&str> {
        self.inner.error.as_deref()
    }
}

impl From<wit::Snapshot> for Saga {
    fn from(inner: wit::Snapshot) -> Self {
        Self { inner }
    }
}
