//! The steps by which a blob is kept and removed.
//!
//! A large blob in one transaction would stall every other commit, so its parts come one by one, under a number that
//! nobody reads. The last step puts that number under the name, in one durable commit; what stood there before is
//! removed in steps as well. Parts that a crash left without a name are removed when the store is opened.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::Result;

use super::{Fault, Work};
use crate::embedded::{
    query::blob::{Link, link, link_sum, part_sum},
    record::sql,
};

/// Parts that one step removes.
const SWEEP_STEP: i64 = 16;

#[derive(Debug)]
pub(in crate::embedded) enum BlobStep {
    /// Keep a part; the first one makes the blob's number.
    Part { blob: Option<i64>, part: i64, bytes: Bytes },
    /// Put what was kept under a name. Answers what was there.
    Link { name: Arc<str>, link: Link },
    /// Take a name away. Answers what was there.
    Unlink { name: Arc<str> },
    /// Remove a few parts of what has no name any more. Answers whether there may be more.
    Sweep { blob: i64 },
}

// === impl BlobStep ===

impl BlobStep {
    pub(super) fn is_durable(&self) -> bool {
        matches!(self, BlobStep::Link { .. } | BlobStep::Unlink { .. })
    }

    /// What it occupies while it waits, in bytes.
    pub(in crate::embedded) fn bytes(&self) -> usize {
        match self {
            BlobStep::Part { bytes, .. } => bytes.len(),
            BlobStep::Link { name, .. } | BlobStep::Unlink { name } => name.len(),
            BlobStep::Sweep { .. } => 0,
        }
    }
}

// === impl Work ===

impl Work<'_> {
    /// Takes one step, and answers the number of the blob that it was about.
    pub(super) fn apply_blob(&mut self, step: &BlobStep) -> Result<Option<i64>, Fault> {
        match step {
            BlobStep::Part { blob, part, bytes } => {
                let blob = blob.unwrap_or_else(|| sql(self.state.numbers.next_revision()));
                self.conn
                    .prepare_cached("INSERT INTO blob_part(blob, part, crc, bytes) VALUES(?1, ?2, ?3, ?4)")?
                    .execute((blob, part, part_sum(blob, *part, bytes), &bytes[..]))?;
                Ok(Some(blob))
            }
            BlobStep::Link { name, link: new } => {
                let old = self.linked(name)?;
                self.conn
                    .prepare_cached(
                        "INSERT OR REPLACE INTO blob(name, id, bytes, parts, crc) VALUES(?1, ?2, ?3, ?4, ?5)",
                    )?
                    .execute((name, new.id, new.bytes, new.parts, link_sum(name, *new)))?;
                Ok(old)
            }
            BlobStep::Unlink { name } => {
                let old = self.linked(name)?;
                self.conn.prepare_cached("DELETE FROM blob WHERE name = ?1")?.execute([name])?;
                Ok(old)
            }
            BlobStep::Sweep { blob } => {
                let removed = self
                    .conn
                    .prepare_cached(
                        "DELETE FROM blob_part WHERE blob = ?1 AND part IN
                         (SELECT part FROM blob_part WHERE blob = ?1 ORDER BY part LIMIT ?2)",
                    )?
                    .execute((blob, SWEEP_STEP))?;
                Ok((removed > 0).then_some(*blob))
            }
        }
    }

    fn linked(&self, name: &str) -> Result<Option<i64>, Fault> {
        match link(self.conn, name) {
            Ok(old) => Ok(old.map(|old| old.id)),
            // A name that has rotted can be given away; which parts were its own cannot be known, and opening finds
            // them.
            Err(fault) if fault.is_of_a_record() => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}
