//! Queues of messages that are leased one to one.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use switchyard_core::timestamp::Timestamp;

/// An operation on a queue.
#[derive(Debug, Clone)]
pub enum QueueOp {
    /// Add a message; a queue comes into being with its first. Refused with
    /// [`QueueFull`](crate::StoreError::QueueFull), and with [`Conflict`](crate::StoreError::Conflict) when there is
    /// a message of this id.
    Enqueue(Enqueue),
    /// Lease messages that are ready: the best lane first, and in it the one that was ready first. Leases that ran
    /// out by `now` give theirs their old places again first. Refused with
    /// [`UnknownQueue`](crate::StoreError::UnknownQueue). A message that does not match its checksum is passed over
    /// and kept for an operator.
    Lease(Lease),
    /// Remove a leased message: it is done. This and the next three are refused with
    /// [`NotLeased`](crate::StoreError::NotLeased) unless the token holds the message and has not run out by `now`;
    /// with [`UnknownQueue`](crate::StoreError::UnknownQueue) when there is no such queue.
    Ack {
        /// Which lease.
        lease: LeaseRef,
    },
    /// Remove a leased message that failed for good (put among dead letters, or enqueued elsewhere, in the same
    /// batch); counts as failed.
    Fail {
        /// Which lease.
        lease: LeaseRef,
    },
    /// Give a leased message back.
    Return {
        /// Which lease.
        lease: LeaseRef,
        /// When it is ready again: now or earlier in its old place, later behind those that were ready before.
        ready_at: Timestamp,
        /// How many attempts have failed now.
        failures: u32,
        /// Why; cut to [`Limits::reason_bytes`](crate::Limits::reason_bytes).
        reason: Arc<str>,
    },
    /// Make a lease end at another moment.
    Extend {
        /// Which lease.
        lease: LeaseRef,
        /// When it ends.
        until: Timestamp,
    },
    /// Forget deduplication ids that ended before this moment, at most `max` of them.
    ExpireDedup {
        /// The moment.
        before: Timestamp,
        /// How many at most.
        max: usize,
    },
}

/// A message to be added.
#[derive(Debug, Clone)]
pub struct Enqueue {
    /// The queue.
    pub queue: Arc<str>,
    /// The message's id, unique in the store.
    pub id: Arc<str>,
    /// The payload.
    pub data: Bytes,
    /// 0 to 9, 9 first.
    pub priority: u8,
    /// Now.
    pub enqueued_at: Timestamp,
    /// When it can first be leased; `enqueued_at` for at once.
    pub ready_at: Timestamp,
    /// An id under which enqueueing it again, until the moment beside it, answers this message's id.
    pub dedup: Option<(Arc<str>, Timestamp)>,
    /// The most messages, waiting and delayed ones and not those leased, that the queue may hold with this one.
    pub size_max: u64,
}

/// A question for messages.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The queue.
    pub queue: Arc<str>,
    /// At most so many; cut to [`Limits::list_page`](crate::Limits::list_page), and to what is needed to reach
    /// [`Limits::read_bytes`](crate::Limits::read_bytes).
    pub max: usize,
    /// The beginning of the tokens, unguessable and never used before; each lease adds its own number.
    pub token: Arc<str>,
    /// Now.
    pub now: Timestamp,
    /// When the leases end.
    pub until: Timestamp,
    /// How long a lane waits behind busier ones at most, before one of its messages goes first.
    pub lane_wait_max: Duration,
}

/// A leased message, addressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRef {
    /// The queue.
    pub queue: Arc<str>,
    /// The message's id.
    pub id: Arc<str>,
    /// The lease's token.
    pub token: Arc<str>,
    /// Now.
    pub now: Timestamp,
}

/// A message, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMessage {
    /// Its id.
    pub id: Arc<str>,
    /// The lease's token; `None` while it is not leased.
    pub token: Option<Arc<str>>,
    /// The payload.
    pub data: Bytes,
    /// 0 to 9.
    pub priority: u8,
    /// How many attempts have failed.
    pub failures: u32,
    /// How many leases ran out.
    pub expiries: u32,
    /// When it was enqueued.
    pub enqueued_at: Timestamp,
    /// When it is ready, or its lease ends.
    pub due: Timestamp,
    /// Why the last attempt failed; empty when none did.
    pub reason: Arc<str>,
}

/// A queue, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueUsage {
    /// Its name.
    pub queue: Arc<str>,
    /// Messages that can be leased now.
    pub waiting: u64,
    /// Messages that can be leased later.
    pub delayed: u64,
    /// Messages that are leased.
    pub in_flight: u64,
    /// Messages ever enqueued.
    pub enqueued: u64,
    /// Messages ever acknowledged.
    pub dequeued: u64,
    /// Messages ever failed for good.
    pub failed: u64,
    /// When the oldest message that waits now became ready.
    pub oldest_ready_at: Option<Timestamp>,
    /// First leases ever, and the sum of the milliseconds from ready to leased; the average is a quotient.
    pub first_leases: u64,
    /// See `first_leases`.
    pub waited_ms: u64,
}

/// What an operation on a queue did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueOutcome {
    /// Of `Enqueue`.
    Enqueued {
        /// The message's id, or that of the first with the same deduplication id.
        id: Arc<str>,
        /// Whether it was there already.
        duplicate: bool,
    },
    /// Of `Lease`, best first.
    Leased(Vec<StoredMessage>),
    /// Of `ExpireDedup`: how many are forgotten.
    Expired {
        /// Their number.
        removed: usize,
    },
    /// Of all others.
    Done,
}

// === impl QueueOp ===

impl QueueOp {
    pub(crate) fn bytes(&self) -> usize {
        match self {
            QueueOp::Enqueue(enqueue) => {
                let dedup = enqueue.dedup.as_ref().map_or(0, |(id, _)| id.len());
                enqueue.queue.len() + enqueue.id.len() + enqueue.data.len() + dedup
            }
            QueueOp::Lease(lease) => lease.queue.len() + lease.token.len(),
            QueueOp::Ack { lease } | QueueOp::Fail { lease } | QueueOp::Extend { lease, .. } => lease.bytes(),
            QueueOp::Return { lease, reason, .. } => lease.bytes() + reason.len(),
            QueueOp::ExpireDedup { .. } => 0,
        }
    }
}

// === impl LeaseRef ===

impl LeaseRef {
    fn bytes(&self) -> usize {
        self.queue.len() + self.id.len() + self.token.len()
    }
}
