//! Dead letters: what could not be delivered, kept until somebody redrives or discards it.

use std::sync::Arc;

use bytes::Bytes;
use switchyard_core::timestamp::Timestamp;

/// An operation on the dead letters.
#[derive(Debug, Clone)]
pub enum DeadOp {
    /// Keep one. Refused with [`Conflict`](crate::StoreError::Conflict) when there is one of this id.
    Put(DeadLetter),
    /// Remove one. Refused with [`Conflict`](crate::StoreError::Conflict) when it is not there, so that two who
    /// redrive it at once do it once.
    Remove {
        /// Its id.
        id: Arc<str>,
    },
}

/// What could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its id, a UUIDv7: the order of the list.
    pub id: Arc<str>,
    /// What it was.
    pub origin: DeadOrigin,
    /// How many attempts failed.
    pub attempts: u32,
    /// Why the last one did; cut to [`Limits::reason_bytes`](crate::Limits::reason_bytes).
    pub error: Arc<str>,
    /// When.
    pub failed_at: Timestamp,
    /// The event, encoded; or the message's payload.
    pub record: Bytes,
}

/// What a dead letter was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadOrigin {
    /// An event of a subscription.
    Event {
        /// The subscription.
        subscription: Arc<str>,
        /// The event's topic.
        topic: Arc<str>,
        /// Its place in the log.
        sequence: u64,
    },
    /// A message of a queue.
    Message {
        /// The queue.
        queue: Arc<str>,
        /// The message's id.
        id: Arc<str>,
        /// Its priority.
        priority: u8,
        /// When it was enqueued.
        enqueued_at: Timestamp,
    },
}

/// A question for dead letters, oldest first.
#[derive(Debug, Clone, Default)]
pub struct ListDead {
    /// Only those after this id.
    pub after: Option<Arc<str>>,
    /// Only those of this subscription.
    pub subscription: Option<Arc<str>>,
    /// Only those of this topic.
    pub topic: Option<Arc<str>>,
    /// Only those of this queue.
    pub queue: Option<Arc<str>>,
    /// At most so many; cut to [`Limits::list_page`](crate::Limits::list_page).
    pub limit: usize,
}

// === impl DeadOp ===

impl DeadOp {
    pub(crate) fn bytes(&self) -> usize {
        match self {
            DeadOp::Put(letter) => letter.id.len() + letter.origin.bytes() + letter.error.len() + letter.record.len(),
            DeadOp::Remove { id } => id.len(),
        }
    }
}

// === impl DeadOrigin ===

impl DeadOrigin {
    fn bytes(&self) -> usize {
        match self {
            DeadOrigin::Event { subscription, topic, .. } => subscription.len() + topic.len(),
            DeadOrigin::Message { queue, id, .. } => queue.len() + id.len(),
        }
    }
}
