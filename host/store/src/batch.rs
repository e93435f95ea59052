//! What a commit asks for, and what it answers: operations as data.
//!
//! Operations come in families, one enum each, so that a family can grow (and a backend can hand it to its own
//! file) without touching the others. The outcome of an operation has the same index as the operation.

use std::sync::Arc;

use bytes::Bytes;

use crate::ops::{
    cursor::{CursorOp, CursorOutcome},
    dead::DeadOp,
    log::{LogOp, LogOutcome},
    ownership::{OwnerOp, OwnerOutcome},
    queue::{QueueOp, QueueOutcome},
    timer::TimerOp,
};

/// Operations that are applied together or not at all, in their order.
///
/// ```
/// use switchyard_store::{Batch, Expect};
/// let batch = Batch::new()
///     .put("users", "ann", "{}", Expect::Absent)
///     .increment("users", "count", 1);
/// assert_eq!(batch.ops().len(), 2);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Batch {
    ops: Vec<Op>,
    durability: Durability,
}

/// When a commit is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Once it would survive the loss of power.
    #[default]
    Durable,
    /// Once it is applied; a crash may lose what was answered in the last moments, whole batches of it.
    Relaxed,
}

/// One operation of a batch.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Op {
    /// An operation on a key.
    Kv(KvOp),
    /// An operation on the log of events.
    Log(LogOp),
    /// An operation on a subscription's cursor.
    Cursor(CursorOp),
    /// An operation on a queue.
    Queue(QueueOp),
    /// An operation on the dead letters.
    Dead(DeadOp),
    /// An operation on timers.
    Timer(TimerOp),
    /// An operation on ownership.
    Owner(OwnerOp),
}

/// An operation on one key of one bucket. A bucket comes into being with its first key.
#[derive(Debug, Clone)]
pub enum KvOp {
    /// Write a value.
    Put {
        /// The bucket's name.
        bucket: Arc<str>,
        /// The key.
        key: Arc<str>,
        /// The value.
        value: Bytes,
        /// What must hold before.
        expect: Expect,
    },
    /// Remove a key; one that is absent already stays so, and that is no error.
    Delete {
        /// The bucket's name.
        bucket: Arc<str>,
        /// The key.
        key: Arc<str>,
        /// What must hold before.
        expect: Expect,
    },
    /// Add to a number. The value is decimal ASCII text of an `i64` (`-12`), so that a guest reads and writes
    /// the same key with get and set; an absent key counts as 0.
    Increment {
        /// The bucket's name.
        bucket: Arc<str>,
        /// The key.
        key: Arc<str>,
        /// What to add; negative to subtract.
        delta: i64,
    },
    /// Change nothing, but insist.
    Check {
        /// The bucket's name.
        bucket: Arc<str>,
        /// The key.
        key: Arc<str>,
        /// What must hold.
        expect: Expect,
    },
}

/// What must hold of a key before an operation, else the batch ends in
/// [`Conflict`](crate::StoreError::Conflict).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expect {
    /// Nothing: last write wins.
    #[default]
    Any,
    /// The key is absent.
    Absent,
    /// The key is there and was last written by this revision.
    Revision(u64),
}

/// The answer to a commit; it exists only once the batch is durable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// One outcome for each operation, in the batch's order.
    pub outcomes: Vec<Outcome>,
}

/// What one operation did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Of an operation on a key.
    Kv(KvOutcome),
    /// Of an operation on the log.
    Log(LogOutcome),
    /// Of an operation on a cursor.
    Cursor(CursorOutcome),
    /// Of an operation on a queue.
    Queue(QueueOutcome),
    /// Of an operation on ownership.
    Owner(OwnerOutcome),
    /// Of an operation that answers nothing: on dead letters and timers.
    Done,
}

/// What an operation on a key did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KvOutcome {
    /// The value was written.
    Put {
        /// The entry's new revision.
        revision: u64,
    },
    /// The key is absent now.
    Deleted {
        /// Whether it was there before.
        existed: bool,
    },
    /// The number was changed.
    Incremented {
        /// The sum.
        value: i64,
        /// The entry's new revision.
        revision: u64,
    },
    /// What was insisted on holds.
    Checked,
}

// === impl Batch ===

impl Batch {
    /// An empty batch; committing it does nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a write.
    #[must_use]
    pub fn put(
        mut self,
        bucket: impl Into<Arc<str>>,
        key: impl Into<Arc<str>>,
        value: impl Into<Bytes>,
        expect: Expect,
    ) -> Self {
        self.push(Op::Kv(KvOp::Put { bucket: bucket.into(), key: key.into(), value: value.into(), expect }));
        self
    }

    /// Adds a removal.
    #[must_use]
    pub fn delete(mut self, bucket: impl Into<Arc<str>>, key: impl Into<Arc<str>>, expect: Expect) -> Self {
        self.push(Op::Kv(KvOp::Delete { bucket: bucket.into(), key: key.into(), expect }));
        self
    }

    /// Adds an increment.
    #[must_use]
    pub fn increment(mut self, bucket: impl Into<Arc<str>>, key: impl Into<Arc<str>>, delta: i64) -> Self {
        self.push(Op::Kv(KvOp::Increment { bucket: bucket.into(), key: key.into(), delta }));
        self
    }

    /// Adds any operation.
    pub fn push(&mut self, op: Op) {
        self.ops.push(op);
    }

    /// Adds any operation, as a builder does.
    #[must_use]
    pub fn with(mut self, op: impl Into<Op>) -> Self {
        self.push(op.into());
        self
    }

    /// Asks to be answered early; see [`Durability`].
    #[must_use]
    pub fn relaxed(mut self) -> Self {
        self.durability = Durability::Relaxed;
        self
    }

    /// When it is answered.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// The operations, in order.
    #[must_use]
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// Bytes of names, keys and values: what the batch occupies while it waits.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.ops.iter().map(Op::bytes).sum()
    }
}

// === impl Op ===

impl Op {
    fn bytes(&self) -> usize {
        match self {
            Op::Kv(op) => op.bytes(),
            Op::Log(op) => op.bytes(),
            Op::Cursor(op) => op.bytes(),
            Op::Queue(op) => op.bytes(),
            Op::Dead(op) => op.bytes(),
            Op::Timer(op) => op.bytes(),
            Op::Owner(op) => op.bytes(),
        }
    }
}

impl From<KvOp> for Op {
    fn from(op: KvOp) -> Self {
        Op::Kv(op)
    }
}

impl From<LogOp> for Op {
    fn from(op: LogOp) -> Self {
        Op::Log(op)
    }
}

impl From<CursorOp> for Op {
    fn from(op: CursorOp) -> Self {
        Op::Cursor(op)
    }
}

impl From<QueueOp> for Op {
    fn from(op: QueueOp) -> Self {
        Op::Queue(op)
    }
}

impl From<DeadOp> for Op {
    fn from(op: DeadOp) -> Self {
        Op::Dead(op)
    }
}

impl From<TimerOp> for Op {
    fn from(op: TimerOp) -> Self {
        Op::Timer(op)
    }
}

impl From<OwnerOp> for Op {
    fn from(op: OwnerOp) -> Self {
        Op::Owner(op)
    }
}

// === impl KvOp ===

impl KvOp {
    /// The bucket and the key that the operation is about.
    #[must_use]
    pub fn target(&self) -> (&Arc<str>, &Arc<str>) {
        match self {
            KvOp::Put { bucket, key, .. }
            | KvOp::Delete { bucket, key, .. }
            | KvOp::Increment { bucket, key, .. }
            | KvOp::Check { bucket, key, .. } => (bucket, key),
        }
    }

    fn bytes(&self) -> usize {
        let (bucket, key) = self.target();
        let value = if let KvOp::Put { value, .. } = self { value.len() } else { 0 };
        bucket.len() + key.len() + value
    }
}

// === impl Expect ===

impl Expect {
    /// Whether a key whose revision is `current` (`None` when absent) is as expected.
    #[must_use]
    pub fn holds(self, current: Option<u64>) -> bool {
        match self {
            Expect::Any => true,
            Expect::Absent => current.is_none(),
            Expect::Revision(revision) => current == Some(revision),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expect: Expect, current: Option<u64>, holds: bool) {
        assert_eq!(expect.holds(current), holds, "{expect:?} of {current:?}");
    }

    #[test]
    fn expect_holds_only_of_the_stated_state() {
        check(Expect::Any, None, true);
        check(Expect::Any, Some(1), true);
        check(Expect::Absent, None, true);
        check(Expect::Absent, Some(1), false);
        check(Expect::Revision(1), None, false);
        check(Expect::Revision(1), Some(1), true);
        check(Expect::Revision(1), Some(2), false);
    }

    #[test]
    fn bytes_counts_names_keys_and_values() {
        let batch = Batch::new().put("bb", "k", "123", Expect::Any).delete("b", "k", Expect::Any);
        assert_eq!(batch.bytes(), 6 + 2);
    }
}
