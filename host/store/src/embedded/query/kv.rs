//! Keys, values and buckets.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Result};

use crate::{BucketUsage, Entry, KeyPage, StoreError, embedded::record::checksum};

/// A record as it is on disk, not yet trusted.
#[derive(Debug)]
pub(in crate::embedded) struct Row {
    revision: u64,
    crc: u32,
    value: Bytes,
}

// === impl Row ===

impl Row {
    /// The record, if it is what was written under this key.
    pub(in crate::embedded) fn check(self, bucket: &str, key: &str) -> Result<Entry, StoreError> {
        let Row { revision, crc, value } = self;
        if checksum(bucket, key, revision, &value) == crc {
            return Ok(Entry { value, revision });
        }
        tracing::error!(bucket, key, "record does not match its checksum");
        Err(StoreError::Corrupt { bucket: bucket.into(), key: key.into() })
    }

    pub(in crate::embedded) fn value_bytes(&self) -> usize {
        self.value.len()
    }
}

pub(in crate::embedded) fn entry(conn: &Connection, bucket: &str, key: &str) -> Result<Option<Row>> {
    conn.prepare_cached(
        "SELECT revision, crc, value FROM kv
         WHERE bucket = (SELECT id FROM bucket WHERE name = ?1) AND key = ?2",
    )?
    .query_row((bucket, key), |row| {
        let revision: i64 = row.get(0)?;
        let value: Vec<u8> = row.get(2)?;
        Ok(Row { revision: revision.cast_unsigned(), crc: row.get(1)?, value: value.into() })
    })
    .optional()
}

pub(in crate::embedded) fn exists(conn: &Connection, bucket: &str, key: &str) -> Result<bool> {
    conn.prepare_cached("SELECT 1 FROM kv WHERE bucket = (SELECT id FROM bucket WHERE name = ?1) AND key = ?2")?
        .exists((bucket, key))
}

/// At most `limit` keys that begin with `prefix` and come after `after`.
pub(in crate::embedded) fn keys(
    conn: &Connection,
    bucket: &str,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<KeyPage> {
    // The prefix has no end that is valid UTF-8, so the scan stops at the first key without it instead.
    let after = after.filter(|after| *after >= prefix);
    let mut statement = conn.prepare_cached(if after.is_some() {
        "SELECT key FROM kv WHERE bucket = (SELECT id FROM bucket WHERE name = ?1) AND key > ?2 ORDER BY key"
    } else {
        "SELECT key FROM kv WHERE bucket = (SELECT id FROM bucket WHERE name = ?1) AND key >= ?2 ORDER BY key"
    })?;
    let mut rows = statement.query((bucket, after.unwrap_or(prefix)))?;
    let mut page = KeyPage::default();
    while let Some(row) = rows.next()? {
        let key: Arc<str> = row.get(0)?;
        if !key.starts_with(prefix) {
            break;
        }
        if page.keys.len() == limit {
            page.next = page.keys.last().cloned();
            break;
        }
        page.keys.push(key);
    }
    Ok(page)
}

pub(in crate::embedded) fn usage(conn: &Connection, bucket: &str) -> Result<Option<BucketUsage>> {
    conn.prepare_cached("SELECT name, entries, bytes FROM bucket WHERE name = ?1")?
        .query_row([bucket], usage_of)
        .optional()
}

/// In the order of their names.
pub(in crate::embedded) fn usages(conn: &Connection) -> Result<Vec<BucketUsage>> {
    conn.prepare_cached("SELECT name, entries, bytes FROM bucket ORDER BY name")?.query_map([], usage_of)?.collect()
}

fn usage_of(row: &rusqlite::Row<'_>) -> Result<BucketUsage> {
    let (entries, bytes): (i64, i64) = (row.get(1)?, row.get(2)?);
    Ok(BucketUsage { bucket: row.get(0)?, entries: entries.cast_unsigned(), bytes: bytes.cast_unsigned() })
}
