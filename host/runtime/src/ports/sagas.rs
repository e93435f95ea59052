//! Sagas: behind `switchyard:plugin/sagas`.

use async_trait::async_trait;
use bytes::Bytes;
use switchyard_core::saga::{Snapshot, StartDraft, Started};

use super::Origin;

/// The sagas of the host: behind `switchyard:plugin/sagas`. Ids are as the guest wrote them.
#[async_trait]
pub trait Sagas: Send + Sync + 'static {
    /// Starts a saga; one of the same id that is there already stays as it is.
    async fn start(&self, origin: Origin, draft: StartDraft) -> Result<Started, SagasError>;

    /// Looks at a saga.
    async fn get(&self, origin: Origin, id: &str) -> Result<Snapshot, SagasError>;

    /// Wakes the step that waits for the signal of this name. The data is JSON; empty means null.
    async fn signal(&self, origin: Origin, id: &str, name: &str, data: Bytes) -> Result<(), SagasError>;

    /// Compensates what was done, and ends the saga as failed.
    async fn cancel(&self, origin: Origin, id: &str) -> Result<(), SagasError>;
}

/// Why a saga refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SagasError {
    /// There is no such definition, or no such saga.
    #[error("{0}")]
    NotFound(String),
    /// An id, a name or data that does not hold.
    #[error("{0}")]
    Invalid(String),
    /// Its status does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// The service has no grant.
    #[error("{0}")]
    Denied(String),
    /// Later it may work.
    #[error("{0}")]
    Unavailable(String),
}
