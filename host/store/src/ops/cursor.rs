//! Cursors: how far a subscription has come in the log, and what it still owes.
//!
//! Everything up to the *floor* is settled, except for what has a *retry*. Above the floor single records may be
//! settled already, since keys go on independently. So a reader that comes back begins after the floor, skips what is
//! settled, and takes up the retries.

use std::sync::Arc;

use bytes::Bytes;
use switchyard_core::timestamp::Timestamp;

/// An operation on a cursor.
#[derive(Debug, Clone)]
pub enum CursorOp {
    /// Make a cursor, unless there is one of this name already.
    Open {
        /// The subscription's name.
        name: Arc<str>,
        /// Where a new one begins.
        start: CursorStart,
    },
    /// Record what became of one event. Refused with [`Conflict`](crate::StoreError::Conflict) when the cursor is
    /// gone or has another epoch.
    Settle {
        /// The subscription's name.
        name: Arc<str>,
        /// The cursor's epoch as it was read: a late result never touches a cursor that was moved since.
        epoch: u64,
        /// The record.
        sequence: u64,
        /// Everything up to here is settled or has a retry; a value below the present floor changes nothing.
        floor: u64,
        /// What became of it.
        settled: Settled,
    },
    /// Move the floor on over records that are of no concern. Conditions as for `Settle`.
    Advance {
        /// The subscription's name.
        name: Arc<str>,
        /// The cursor's epoch.
        epoch: u64,
        /// The new floor; a value below the present one changes nothing.
        floor: u64,
    },
    /// Move a cursor anywhere, forgetting what was settled and owed, and raise its epoch. Refused with `Conflict`
    /// when there is none.
    Seek {
        /// The subscription's name.
        name: Arc<str>,
        /// Where to.
        to: CursorStart,
    },
    /// Put a retry into a cursor in whatever epoch, for a record that was settled: how a dead letter is redriven.
    /// Refused with `Conflict` when there is no such cursor.
    Redeliver {
        /// The subscription's name.
        name: Arc<str>,
        /// What to deliver again.
        retry: Retry,
    },
    /// Remove a cursor with all that it owes; fine when there is none.
    Remove {
        /// The subscription's name.
        name: Arc<str>,
    },
}

/// Where a cursor begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorStart {
    /// After the newest record of that moment.
    Latest,
    /// At the first record that is kept.
    First,
    /// After this sequence.
    After(u64),
    /// At the first record published at this moment or later.
    Time(Timestamp),
}

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Nothing more is owed: it was handled, filtered out, or is a dead letter (put in the same batch).
    Done,
    /// It is owed again later.
    Retry {
        /// How many attempts have failed.
        attempts: u32,
        /// When it is due.
        due: Timestamp,
        /// Why the last one failed; cut to [`Limits::reason_bytes`](crate::Limits::reason_bytes).
        reason: Arc<str>,
    },
}

/// Something that a subscription still owes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// The record.
    pub sequence: u64,
    /// How many attempts have failed.
    pub attempts: u32,
    /// When it is due.
    pub due: Timestamp,
    /// Why the last attempt failed.
    pub reason: Arc<str>,
    /// The event, when the log may not have it any more: a redriven dead letter brings its own.
    pub record: Option<Bytes>,
}

/// A cursor, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The subscription's name.
    pub name: Arc<str>,
    /// Grows with every seek.
    pub epoch: u64,
    /// Everything up to here is settled or has a retry.
    pub floor: u64,
    /// Settled records above the floor, rising.
    pub settled: Vec<u64>,
    /// What is owed, in the order of sequences; these may stand below the floor too.
    pub retries: Vec<Retry>,
}

/// What an operation on a cursor did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CursorOutcome {
    /// Of `Open` and `Seek`.
    At {
        /// The cursor's epoch.
        epoch: u64,
        /// Its floor.
        floor: u64,
    },
    /// Of all others.
    Done,
}

// === impl CursorOp ===

impl CursorOp {
    /// The cursor that the operation is about.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        match self {
            CursorOp::Open { name, .. }
            | CursorOp::Settle { name, .. }
            | CursorOp::Advance { name, .. }
            | CursorOp::Seek { name, .. }
            | CursorOp::Redeliver { name, .. }
            | CursorOp::Remove { name } => name,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let more = match self {
            CursorOp::Settle { settled: Settled::Retry { reason, .. }, .. } => reason.len(),
            CursorOp::Redeliver { retry, .. } => retry.reason.len() + retry.record.as_ref().map_or(0, Bytes::len),
            _ => 0,
        };
        self.name().len() + more
    }
}
