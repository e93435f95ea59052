//! Timers: something is due at a moment, and survives until it is taken.

use std::sync::Arc;

use bytes::Bytes;
use switchyard_core::timestamp::Timestamp;

/// An operation on timers.
#[derive(Debug, Clone)]
pub enum TimerOp {
    /// Set a timer, instead of one of this key.
    Set(Timer),
    /// Remove a timer. With a moment, refused with [`Conflict`](crate::StoreError::Conflict) unless it is due exactly
    /// then: whoever takes it first has it. Without, fine when there is none.
    Clear {
        /// Which.
        key: Arc<str>,
        /// When it has to be due.
        due: Option<Timestamp>,
    },
}

/// Something that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// Its key.
    pub key: Arc<str>,
    /// When.
    pub due: Timestamp,
    /// What; the store does not look into it.
    pub payload: Bytes,
}

// === impl TimerOp ===

impl TimerOp {
    pub(crate) fn bytes(&self) -> usize {
        match self {
            TimerOp::Set(timer) => timer.key.len() + timer.payload.len(),
            TimerOp::Clear { key, .. } => key.len(),
        }
    }
}
