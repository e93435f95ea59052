//! A message that was leased.

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::{Draft, Error};
use crate::bindings::switchyard::plugin::queue_types as wit;
use crate::clock::milliseconds;
use crate::{JsonError, host, json};

/// A leased message. A handler needs none of [`ack`](Self::ack), [`nack`](Self::nack) and [`reject`](Self::reject):
/// its answer says the same. They are for messages that the plugin leased itself, and for `ack = manual`.
#[derive(Debug, Clone)]
pub struct Message {
    inner: wit::Message,
}

// === impl Message ===

impl Message {
    /// Begins a message for this queue that is to be enqueued.
    #[expect(clippy::new_ret_no_self, reason = "a message is new only until it is enqueued, and till then a draft")]
    pub fn new(queue: impl Into<String>) -> Draft {
        Draft::new(queue.into())
    }

    /// Its id, a UUIDv7. The same message may come twice, so the id is what to know it by.
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// The queue it came from.
    pub fn queue(&self) -> &str {
        &self.inner.queue
    }

    /// Proves the lease; every lease has another.
    pub fn token(&self) -> &str {
        &self.inner.token
    }

    /// 0 to 9, 9 first.
    pub fn priority(&self) -> u8 {
        self.inner.priority
    }

    /// 1 the first time; grows with failures.
    pub fn attempt(&self) -> u32 {
        self.inner.attempt
    }

    /// When it was enqueued, RFC 3339.
    pub fn enqueued_at(&self) -> &str {
        &self.inner.enqueued_at
    }

    /// The payload.
    pub fn data(&self) -> &[u8] {
        &self.inner.data
    }

    /// The payload read as JSON.
    ///
    /// # Errors
    /// When it is none, or of another shape; in a handler `?` makes a dead letter of the message.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        json::read(self.data(), || format!("message `{}` of `{}`", self.id(), self.queue()))
    }

    /// It is done.
    ///
    /// # Errors
    /// [`Error::NotLeased`] when the lease ran out; so for the others.
    pub fn ack(&self) -> Result<(), Error> {
        host::ack(&self.inner)
    }

    /// It failed; counts as an attempt. It is ready again after this delay, or after the queue's back-off.
    ///
    /// # Errors
    /// As [`ack`](Self::ack).
    pub fn nack(&self, why: &str, delay: Option<Duration>) -> Result<(), Error> {
        host::nack(&self.inner, why, delay.map(milliseconds))
    }

    /// It is a dead letter now.
    ///
    /// # Errors
    /// As [`ack`](Self::ack).
    pub fn reject(&self, why: &str) -> Result<(), Error> {
        host::reject(&self.inner, why)
    }

    /// It stays leased for this long from now. The host does so by itself while a handler runs.
    ///
    /// # Errors
    /// As [`ack`](Self::ack).
    pub fn extend(&self, visibility_timeout: Duration) -> Result<(), Error> {
        host::extend(&self.inner, milliseconds(visibility_timeout))
    }

    /// As it goes over the boundary.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn raw(&self) -> &wit::Message {
        &self.inner
    }
}

impl From<wit::Message> for Message {
    fn from(inner: wit::Message) -> Self {
        Self { inner }
    }
}
