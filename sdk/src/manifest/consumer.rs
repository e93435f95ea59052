//! The queues that a plugin consumes.

use std::time::Duration;

use crate::bindings::manifest::exports::switchyard::plugin::manifest as wit;
use crate::clock::milliseconds;

/// A wish to be called for the messages of a queue.
///
/// ```
/// use std::time::Duration;
/// use switchyard_sdk::{Consumer, Manifest};
///
/// fn manifest() -> Manifest {
///     switchyard_sdk::manifest!()
///         .queue(Consumer::new("emails").concurrency(8).visibility_timeout(Duration::from_secs(60)))
/// }
/// # manifest();
/// ```
#[derive(Debug, Clone)]
pub struct Consumer {
    inner: wit::QueueConsumer,
}

// === impl Consumer ===

impl Consumer {
    /// The messages of this queue.
    pub fn new(queue: impl Into<String>) -> Self {
        let inner = wit::QueueConsumer {
            queue: queue.into(),
            concurrency: None,
            max_attempts: None,
            visibility_timeout: None,
            ack: wit::AckMode::Auto,
        };
        Self { inner }
    }

    /// Messages handled at once, in instances of their own; 1 unless this says otherwise.
    pub fn concurrency(mut self, messages: u32) -> Self {
        self.inner.concurrency = Some(messages);
        self
    }

    /// Failures before the dead letter; the queue's, else 3, unless this says otherwise.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.inner.max_attempts = Some(attempts);
        self
    }

    /// How long a lease lasts when the host that holds it dies; the queue's, else 30 s, unless this says otherwise.
    /// While a handler runs, the host extends it.
    pub fn visibility_timeout(mut self, timeout: Duration) -> Self {
        self.inner.visibility_timeout = Some(milliseconds(timeout));
        self
    }

    /// Success leaves a message leased until [`Message::ack`](crate::Message::ack), also from another call, or the
    /// end of the lease. A failure is obeyed all the same.
    pub fn manual_ack(mut self) -> Self {
        self.inner.ack = wit::AckMode::Manual;
        self
    }
}

impl From<Consumer> for wit::QueueConsumer {
    fn from(consumer: Consumer) -> Self {
        consumer.inner
    }
}
