//! Applying one batch inside the writer's transaction.
//!
//! Each family of operations has a file below this one. A batch runs in a savepoint of its own, so that one that
//! is refused leaves the rest of its group alone.

mod kv;

use std::sync::Arc;

use rusqlite::{Connection, Result};

use super::{
    cache::{CacheKey, Slot},
    failure::Verdict,
    usage::Usage,
};
use crate::{Batch, Committed, Limits, Op, Outcome, StoreError};

/// What the operations of a transaction work on.
#[derive(Debug)]
pub(super) struct Work<'a> {
    pub(super) conn: &'a Connection,
    pub(super) usage: &'a mut Usage,
    /// The revision given out last. It never goes back, not even when a batch is refused: a revision that was
    /// seen nowhere harms nobody, one that is used twice does.
    pub(super) revision: &'a mut u64,
    pub(super) limits: &'a Limits,
}

/// A batch that was applied but not committed yet.
#[derive(Debug)]
pub(super) struct Applied {
    pub(super) committed: Committed,
    /// What the cache has to learn after COMMIT, in order.
    pub(super) changes: Vec<(CacheKey, Slot)>,
}

/// Why an operation was not applied.
#[derive(Debug)]
enum Fault {
    /// Its batch is at fault, and the transaction is whole.
    Refused(StoreError),
    /// SQLite is.
    Sqlite(rusqlite::Error),
}

// === impl Work ===

impl Work<'_> {
    /// Applies one batch or leaves no trace of it.
    ///
    /// # Errors
    /// The outer one means that the whole transaction is lost; the inner one, that this batch was refused.
    pub(super) fn apply(&mut self, batch: &Batch) -> Result<Result<Applied, StoreError>> {
        self.run("SAVEPOINT batch")?;
        let refused = match self.apply_all(batch) {
            Ok(applied) => {
                self.run("RELEASE batch")?;
                self.usage.keep();
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
        self.usage.undo();
        Ok(Err(refused))
    }

    fn apply_all(&mut self, batch: &Batch) -> Result<Applied, Fault> {
        let mut outcomes = Vec::with_capacity(batch.ops().len());
        let mut changes = Vec::with_capacity(batch.ops().len());
        for (index, op) in batch.ops().iter().enumerate() {
            match op {
                Op::Kv(op) => {
                    let (outcome, slot) = self.apply_kv(index, op)?;
                    let (bucket, key) = op.target();
                    changes.push((CacheKey { bucket: Arc::clone(bucket), key: Arc::clone(key) }, slot));
                    outcomes.push(Outcome::Kv(outcome));
                }
            }
        }
        Ok(Applied { committed: Committed { outcomes }, changes })
    }

    fn next_revision(&mut self) -> u64 {
        *self.revision += 1;
        *self.revision
    }

    fn run(&self, sql: &str) -> Result<()> {
        self.conn.prepare_cached(sql)?.execute([]).map(drop)
    }
}

// === impl Fault ===

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Fault::Sqlite(error)
    }
}
