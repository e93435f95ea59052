//! Queues: behind `switchyard:plugin/queues`.

use std::time::Duration;

use async_trait::async_trait;
use switchyard_core::message;

use super::Origin;

/// The queues of the host: behind `switchyard:plugin/queues`.
#[async_trait]
pub trait Queues: Send + Sync + 'static {
    /// Enqueues a message and answers its id.
    async fn enqueue(&self, origin: Origin, draft: message::Draft) -> Result<String, QueuesError>;

    /// Leases up to `max` messages.
    async fn lease(
        &self,
        origin: Origin,
        queue: &str,
        max: u32,
        visibility_timeout: Option<Duration>,
    ) -> Result<Vec<message::Leased>, QueuesError>;

    /// Ends a lease in one of the ways that there are.
    async fn settle(
        &self,
        origin: Origin,
        queue: &str,
        id: &str,
        token: &str,
        how: Settlement,
    ) -> Result<(), QueuesError>;
}

/// What becomes of a leased message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It is done.
    Ack,
    /// It failed; counts as an attempt.
    Nack {
        /// Why.
        reason: String,
        /// When it is ready again; none means the queue's back-off.
        delay: Option<Duration>,
    },
    /// It is a dead letter.
    Reject {
        /// Why.
        reason: String,
    },
    /// It stays leased for this long from now.
    Extend(Duration),
}

/// Why a queue refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueuesError {
    /// `Queue NAME is full`.
    #[error("{0}")]
    Full(String),
    /// There is no such queue.
    #[error("{0}")]
    NotFound(String),
    /// The token does not hold the message.
    #[error("{0}")]
    NotLeased(String),
    /// A name, priority or payload that does not hold.
    #[error("{0}")]
    Invalid(String),
    /// The service has no grant.
    #[error("{0}")]
    Denied(String),
    /// Later it may work.
    #[error("{0}")]
    Unavailable(String),
}
