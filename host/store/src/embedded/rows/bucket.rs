//! How much a bucket holds.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Result};

use crate::{
    RECORD_OVERHEAD_BYTES,
    embedded::{
        fault::Fault,
        mirror::{Mirror, Row},
    },
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::embedded) struct Bucket {
    pub(in crate::embedded) id: i64,
    pub(in crate::embedded) entries: u64,
    pub(in crate::embedded) bytes: u64,
}

// === impl Bucket ===

impl Row for Bucket {
    fn load(conn: &Connection, name: &str) -> Result<Option<Self>, Fault> {
        let found = conn
            .prepare_cached("SELECT id, entries, bytes FROM bucket WHERE name = ?1")?
            .query_row([name], |row| {
                let (entries, bytes): (i64, i64) = (row.get(1)?, row.get(2)?);
                Ok(Self { id: row.get(0)?, entries: entries.cast_unsigned(), bytes: bytes.cast_unsigned() })
            })
            .optional()?;
        Ok(found)
    }

    fn save(&self, conn: &Connection, _: &str) -> Result<()> {
        conn.prepare_cached("UPDATE bucket SET entries = ?2, bytes = ?3 WHERE id = ?1")?
            .execute((self.id, self.entries.cast_signed(), self.bytes.cast_signed()))
            .map(drop)
    }
}

// === impl Mirror<Bucket> ===

impl Mirror<Bucket> {
    /// The bucket, made if need be.
    pub(in crate::embedded) fn find_or_make(&mut self, conn: &Connection, name: &Arc<str>) -> Result<Bucket, Fault> {
        if let Some(bucket) = self.find(conn, name)? {
            return Ok(bucket);
        }
        conn.prepare_cached("INSERT INTO bucket(name, entries, bytes) VALUES(?1, 0, 0)")?.execute([name])?;
        let bucket = Bucket { id: conn.last_insert_rowid(), entries: 0, bytes: 0 };
        self.add(name, bucket);
        Ok(bucket)
    }
}

/// What a record counts for.
pub(in crate::embedded) fn record_bytes(key: &str, value_bytes: u64) -> u64 {
    key.len() as u64 + value_bytes + RECORD_OVERHEAD_BYTES
}
