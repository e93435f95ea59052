//! Sagas as they are asked for, and what is answered. All of it is as somebody wrote it: whether an id, a name or data
//! hold is for whoever starts the saga to say.

use bytes::Bytes;

use super::{id::SagaId, status::Status};

/// A saga to be started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartDraft {
    /// The name of its definition.
    pub name: String,
    /// Its id; none means a new UUIDv7.
    pub id: Option<String>,
    /// What it is about: a JSON object of at most [`DATA_MAX`](super::DATA_MAX).
    pub data: Bytes,
}

/// What starting answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The saga.
    pub id: SagaId,
    /// Whether a saga of this id was there already, of whatever definition; then nothing was started.
    pub existing: bool,
}

/// A saga, looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id.
    pub id: SagaId,
    /// The name of its definition.
    pub name: String,
    /// Where it stands.
    pub status: Status,
    /// The step it is at, from 0.
    pub current_step: u32,
    /// Its data, a JSON object.
    pub data: Bytes,
    /// What turned it back or stopped it.
    pub error: Option<String>,
}
