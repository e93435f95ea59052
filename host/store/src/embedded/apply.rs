//! Applying one batch inside the writer's transaction.
//!
//! Each family of operations has a file below this one. A batch runs in a savepoint of its own, so that one that
//! is refused leaves the rest of its group alone.

mod blob;
mod cursor;
mod dead;
mod kv;
mod log;
mod owner;
mod queue;
mod timer;

use std::sync::Arc;

use rusqlite::{Connection, Result};

pub(super) use blob::BlobStep;
pub(super) use log::forgotten_sum;
pub(super) use queue::dedup_sum;

use super::{
    cache::{CacheKey, Slot},
    failure::Verdict,
    fault::Fault,
    state::State,
};
use crate::{Batch, Committed, DeadOp, Durability, Limits, Op, Outcome, StoreError, TimerOp, limits::NamedLimits};

/// What the writer is asked for.
#[derive(Debug)]
pub(super) enum Ask {
    /// A commit.
    Batch(Batch),
    /// A step of keeping a blob, which takes several commits.
    Blob(BlobStep),
}

/// What the operations of a transaction work on.
#[derive(Debug)]
pub(super) struct Work<'a> {
    pub(super) conn: &'a Connection,
    pub(super) state: &'a mut State,
    pub(super) limits: &'a Limits,
    pub(super) buckets: &'a NamedLimits,
}

/// Something that was applied but not committed yet.
#[derive(Debug, Default)]
pub(super) struct Applied {
    pub(super) committed: Committed,
    /// The blob that a step was about.
    pub(super) blob: Option<i64>,
    pub(super) effects: Effects,
}

/// What others have to learn after COMMIT, in order.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Keys, and what they hold now.
    pub(super) keys: Vec<(CacheKey, Slot)>,
    /// Queues in which something may have become ready.
    pub(super) queues: Vec<Arc<str>>,
}

// === impl Ask ===

impl Ask {
    /// Whether it is answered only once it is on the disk.
    pub(super) fn is_durable(&self) -> bool {
        match self {
            Ask::Batch(batch) => batch.durability() == Durability::Durable,
            Ask::Blob(step) => step.is_durable(),
        }
    }
}

// === impl Work ===

impl Work<'_> {
    /// Applies what was asked or leaves no trace of it.
    ///
    /// # Errors
    /// The outer one means that the whole transaction is lost; the inner one, that this was refused.
    pub(super) fn apply(&mut self, ask: &Ask) -> Result<Result<Applied, StoreError>> {
        self.run("SAVEPOINT batch")?;
        let mut applied = Applied::default();
        let result = match ask {
            Ask::Batch(batch) => self.apply_batch(batch, &mut applied),
            Ask::Blob(step) => self.apply_blob(step).map(|blob| applied.blob = blob),
        };
        let refused = match result {
            Ok(()) => {
                self.run("RELEASE batch")?;
                self.state.keep();
                return Ok(Ok(applied));
            }
            Err(Fault::Refused(error)) => error,
            // SQLite may have given up the whole transaction for want of room, or only this statement.
            Err(Fault::Sqlite(error)) if Verdict::of(&error) == Verdict::Full && !self.conn.is_autocommit() => {
                StoreError::Full
            }
            Err(Fault::Sqlite(error)) => return Err(error),
        };
        self.run("ROLLBACK TO batch")?;
        self.run("RELEASE batch")?;
        self.state.undo();
        Ok(Err(refused))
    }

    fn apply_batch(&mut self, batch: &Batch, applied: &mut Applied) -> Result<(), Fault> {
        applied.committed.outcomes.reserve_exact(batch.ops().len());
        for (index, op) in batch.ops().iter().enumerate() {
            let outcome = self.apply_op(index, op, &mut applied.effects)?;
            applied.committed.outcomes.push(outcome);
        }
        Ok(())
    }

    fn apply_op(&mut self, index: usize, op: &Op, effects: &mut Effects) -> Result<Outcome, Fault> {
        match op {
            Op::Kv(op) => self.apply_kv(index, op, effects).map(Outcome::Kv),
            Op::Log(op) => self.apply_log(op).map(Outcome::Log),
            Op::Cursor(op) => self.apply_cursor(index, op).map(Outcome::Cursor),
            Op::Queue(op) => self.apply_queue(index, op, effects).map(Outcome::Queue),
            Op::Owner(op) => self.apply_owner(index, op).map(Outcome::Owner),
            Op::Dead(DeadOp::Put(letter)) => self.put_dead(index, letter),
            Op::Dead(DeadOp::Remove { id }) => self.remove_dead(index, id),
            Op::Timer(TimerOp::Set(timer)) => self.set_timer(timer),
            Op::Timer(TimerOp::Clear { key, due }) => self.clear_timer(index, key, *due),
        }
    }

    fn run(&self, sql: &str) -> Result<()> {
        self.conn.prepare_cached(sql)?.execute([]).map(drop)
    }
}

/// The refusal of the operation with this index; `current` is what it found instead.
fn conflict(op: usize, current: Option<u64>) -> Fault {
    Fault::Refused(StoreError::Conflict { op, current })
}
