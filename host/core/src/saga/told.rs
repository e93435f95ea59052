//! A command as the component that carries it out gets it.

use bytes::Bytes;

use super::id::{Direction, SagaId};

/// What a participant is told: all that it needs, so that it looks nothing up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The command's name, as in the definition's step, or its compensation's.
    pub name: String,
    /// The saga.
    pub saga_id: SagaId,
    /// The name of its definition.
    pub saga_name: String,
    /// The step, from 0.
    pub step_index: u32,
    /// Does or undoes.
    pub direction: Direction,
    /// 1 the first time.
    pub attempt: u32,
    /// `saga/step/direction/round`: the same on every attempt.
    pub idempotency_key: String,
    /// A JSON object.
    pub payload: Bytes,
}
