//! A message that is to be enqueued.

use std::time::Duration;

use serde::Serialize;

use crate::bindings::switchyard::plugin::queue_types as wit;
use crate::clock::milliseconds;
use crate::{JsonError, json};

/// A message to be enqueued, begun by [`Message::new`](crate::Message::new).
#[derive(Debug, Clone)]
#[must_use = "a draft is enqueued by `queues::enqueue` or a batch"]
pub struct Draft {
    inner: wit::Draft,
}

// === impl Draft ===

impl Draft {
    pub(super) fn new(queue: String) -> Self {
        Self { inner: wit::Draft { queue, data: Vec::new(), priority: 0, delay: None, dedup_id: None } }
    }

    /// With this value as JSON for its payload; at most 1 MiB.
    ///
    /// # Errors
    /// When the value cannot be JSON, as a map with keys that are no strings.
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Result<Self, JsonError> {
        self.inner.data = json::write(value, || format!("a message for `{}`", self.inner.queue))?;
        Ok(self)
    }

    /// With these bytes for its payload; at most 1 MiB.
    pub fn data(mut self, data: impl Into<Vec<u8>>) -> Self {
        self.inner.data = data.into();
        self
    }

    /// In this lane, 0 to 9: 9 is first, 0 the default. Equal priority is first in, first out.
    pub fn priority(mut self, priority: u8) -> Self {
        self.inner.priority = priority;
        self
    }

    /// Not to be leased before this time has passed.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.inner.delay = Some(milliseconds(delay));
        self
    }

    /// Enqueued once: a second message of this id within a day is the first one.
    pub fn dedup_id(mut self, id: impl Into<String>) -> Self {
        self.inner.dedup_id = Some(id.into());
        self
    }
}

impl From<Draft> for wit::Draft {
    fn from(draft: Draft) -> Self {
        draft.inner
    }
}
