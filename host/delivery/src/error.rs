//! Why events and queues refuse, one enum for each family of operations.

use switchyard_core::{event::InvalidEvent, problem::Code};
use switchyard_store::StoreError;

/// Why an event or message was not taken, read, moved or settled. Nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// An event's envelope or payload.
    #[error(transparent)]
    InvalidEvent(#[from] InvalidEvent),
    /// Something else that was said; the text names it and the remedy.
    #[error("{0}")]
    Invalid(String),
    /// An event middleware said no.
    #[error("{0}")]
    Rejected(String),
    /// The service has no grant.
    #[error("{0}")]
    Denied(String),
    /// There is no such topic, queue, message, subscription or dead letter.
    #[error("{0}")]
    NotFound(String),
    /// It is there already, or in a state that does not allow this.
    #[error("{0}")]
    Conflict(String),
    /// `Queue NAME is full`.
    #[error("Queue {0} is full")]
    QueueFull(String),
    /// The token does not hold the message.
    #[error("{0}")]
    NotLeased(String),
    /// A payload is over its limit.
    #[error("{0}")]
    TooLarge(String),
    /// The host has as much at work as it may; later it may work.
    #[error("{0}")]
    Busy(String),
    /// Too much waits, the disk is full, or the store has failed; later it may work.
    #[error("{0}")]
    Unavailable(String),
}

// === impl Error ===

impl Error {
    /// The kind of problem that clients are told.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::InvalidEvent(_) => Code::InvalidEvent,
            Self::Invalid(_) => Code::BadRequest,
            Self::Rejected(_) => Code::EventRejected,
            Self::Denied(_) => Code::NotGranted,
            Self::NotFound(_) => Code::NotFound,
            Self::Conflict(_) => Code::Conflict,
            Self::QueueFull(_) => Code::QueueFull,
            Self::NotLeased(_) => Code::NotLeased,
            Self::TooLarge(_) => Code::PayloadTooLarge,
            Self::Busy(_) => Code::ServiceBusy,
            Self::Unavailable(_) => Code::StoreUnavailable,
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::QueueFull { queue, .. } => Self::QueueFull(queue.as_ref().to_owned()),
            StoreError::UnknownQueue { .. } => Self::NotFound(text),
            StoreError::NotLeased { .. } => Self::NotLeased(text),
            StoreError::Conflict { .. } | StoreError::Owned { .. } | StoreError::TooMany { .. } => Self::Conflict(text),
            StoreError::TooLarge { .. } => Self::TooLarge(text),
            StoreError::NotANumber { .. } | StoreError::Overflow { .. } | StoreError::BucketFull { .. } => {
                Self::Invalid(text)
            }
            _ => Self::Unavailable(text),
        }
    }
}
