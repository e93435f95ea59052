//! Batches: behind `switchyard:plugin/batch`.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use switchyard_core::{
    event, message,
    saga::{StartDraft, Started},
};

use super::{Expect, Origin};

/// One commit for state, events, messages, sagas and an acknowledgement: behind `switchyard:plugin/batch`.
#[async_trait]
pub trait Batches: Send + Sync + 'static {
    /// Commits all operations, or none. [`BatchOp::Ack`] acknowledges the origin's
    /// [`handled`](crate::context::CallContext::handled).
    async fn commit(&self, origin: Origin, ops: Vec<BatchOp>) -> Result<BatchCommitted, BatchError>;
}

/// One operation of a guest's batch. Buckets are names in the store; the guest's own is already filled in.
#[allow(clippy::large_enum_variant, reason = "a batch has few of them, and most publish")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchOp {
    /// Writes a value.
    Put {
        /// The bucket.
        bucket: Arc<str>,
        /// The key.
        key: String,
        /// The value.
        value: Bytes,
        /// The precondition.
        expect: Expect,
    },
    /// Removes a key.
    Delete {
        /// The bucket.
        bucket: Arc<str>,
        /// The key.
        key: String,
        /// The precondition.
        expect: Expect,
    },
    /// Writes nothing, but insists.
    Check {
        /// The bucket.
        bucket: Arc<str>,
        /// The key.
        key: String,
        /// The precondition.
        expect: Expect,
    },
    /// Publishes an event.
    Publish(event::Draft),
    /// Enqueues a message.
    Enqueue(message::Draft),
    /// Starts a saga; one of the same id that is there already stays as it is.
    StartSaga(StartDraft),
    /// Acknowledges what is being handled.
    Ack,
}

/// What a commit answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchCommitted {
    /// For each event, in order.
    pub receipts: Vec<event::Receipt>,
    /// The id of each message, in order.
    pub message_ids: Vec<String>,
    /// What each start of a saga led to, in order.
    pub sagas: Vec<Started>,
}

/// Why nothing was committed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The operation at this place did not find what it expected.
    #[error("operation {0} of the batch did not find what it expected")]
    Conflict(usize),
    /// An operation is wrong or too large.
    #[error("{0}")]
    Invalid(String),
    /// `Queue NAME is full`.
    #[error("{0}")]
    Full(String),
    /// An event middleware said no: its text.
    #[error("{0}")]
    Rejected(String),
    /// The lease of what is being handled is lost.
    #[error("the lease of what is being handled is lost; another one has it")]
    NotLeased,
    /// The service has no grant.
    #[error("{0}")]
    Denied(String),
    /// Later it may work.
    #[error("{0}")]
    Unavailable(String),
}
