//! How much each bucket holds, kept in memory by the writer and in the database by the same transaction.
//!
//! Counting in memory saves a row update for each operation: a transaction writes each bucket it touched once.
//! What a batch changed is undone when the batch is refused, and everything is forgotten when the transaction is.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, OptionalExtension, Result};

use crate::RECORD_OVERHEAD_BYTES;

/// Buckets remembered between transactions; forgetting one costs a read.
const BUCKETS_MAX: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Usage {
    buckets: HashMap<Arc<str>, Bucket>,
    /// What the present batch changed: the state before, `None` when the bucket is new.
    before: Vec<(Arc<str>, Option<Bucket>)>,
}

/// A bucket's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bucket {
    pub(super) id: i64,
    pub(super) entries: u64,
    pub(super) bytes: u64,
    /// Differs from the row.
    dirty: bool,
}

// === impl Usage ===

impl Usage {
    /// The bucket, if there is one.
    pub(super) fn find(&mut self, conn: &Connection, name: &Arc<str>) -> Result<Option<Bucket>> {
        if let Some(bucket) = self.buckets.get(name) {
            return Ok(Some(*bucket));
        }
        let found = conn
            .prepare_cached("SELECT id, entries, bytes FROM bucket WHERE name = ?1")?
            .query_row([name], |row| {
                let (entries, bytes): (i64, i64) = (row.get(1)?, row.get(2)?);
                Ok(Bucket {
                    id: row.get(0)?,
                    entries: entries.cast_unsigned(),
                    bytes: bytes.cast_unsigned(),
                    dirty: false,
                })
            })
            .optional()?;
        if let Some(bucket) = found {
            self.buckets.insert(name.clone(), bucket);
        }
        Ok(found)
    }

    /// The bucket, made if need be.
    pub(super) fn find_or_make(&mut self, conn: &Connection, name: &Arc<str>) -> Result<Bucket> {
        if let Some(bucket) = self.find(conn, name)? {
            return Ok(bucket);
        }
        conn.prepare_cached("INSERT INTO bucket(name, entries, bytes) VALUES(?1, 0, 0)")?.execute([name])?;
        let bucket = Bucket { id: conn.last_insert_rowid(), entries: 0, bytes: 0, dirty: false };
        self.before.push((name.clone(), None));
        self.buckets.insert(name.clone(), bucket);
        Ok(bucket)
    }

    /// Records the new usage of a bucket that was found before.
    pub(super) fn set(&mut self, name: &Arc<str>, entries: u64, bytes: u64) {
        let bucket = self.buckets.get_mut(name).expect("a bucket is found before it is changed");
        self.before.push((name.clone(), Some(*bucket)));
        *bucket = Bucket { entries, bytes, dirty: true, ..*bucket };
    }

    /// The present batch stays.
    pub(super) fn keep(&mut self) {
        self.before.clear();
    }

    /// The present batch was refused.
    pub(super) fn undo(&mut self) {
        while let Some((name, before)) = self.before.pop() {
            match before {
                Some(bucket) => self.buckets.insert(name, bucket),
                None => self.buckets.remove(&name),
            };
        }
    }

    /// Writes what changed, before COMMIT.
    pub(super) fn flush(&mut self, conn: &Connection) -> Result<()> {
        for bucket in self.buckets.values_mut().filter(|bucket| bucket.dirty) {
            conn.prepare_cached("UPDATE bucket SET entries = ?2, bytes = ?3 WHERE id = ?1")?.execute((
                bucket.id,
                bucket.entries.cast_signed(),
                bucket.bytes.cast_signed(),
            ))?;
            bucket.dirty = false;
        }
        if self.buckets.len() > BUCKETS_MAX {
            self.buckets.clear();
        }
        Ok(())
    }

    /// The transaction was rolled back: the rows are the truth.
    pub(super) fn forget(&mut self) {
        self.before.clear();
        self.buckets.clear();
    }
}

/// What a record counts for.
pub(super) fn record_bytes(key: &str, value_bytes: u64) -> u64 {
    key.len() as u64 + value_bytes + RECORD_OVERHEAD_BYTES
}
