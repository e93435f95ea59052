//! The operations on keys: put, delete, increment, check.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{OptionalExtension, Result};

use super::{Effects, Fault, Work, conflict};
use crate::{
    Entry, Expect, KvOp, KvOutcome, StoreError,
    embedded::{
        cache::{CacheKey, Slot},
        query,
        record::checksum,
        rows::bucket::{Bucket, record_bytes},
    },
    host_bucket,
};

/// What a precondition and the bucket's usage need to know of a record.
#[derive(Debug, Clone, Copy)]
struct Head {
    revision: u64,
    value_bytes: u64,
}

/// A record about to be written.
struct Record<'a> {
    bucket: &'a Arc<str>,
    key: &'a Arc<str>,
    value: Bytes,
}

impl Work<'_> {
    pub(super) fn apply_kv(&mut self, index: usize, op: &KvOp, effects: &mut Effects) -> Result<KvOutcome, Fault> {
        let (outcome, slot) = match op {
            KvOp::Put { bucket, key, value, expect } => {
                self.put(index, Record { bucket, key, value: value.clone() }, *expect)?
            }
            KvOp::Delete { bucket, key, expect } => self.delete(index, bucket, key, *expect)?,
            KvOp::Increment { bucket, key, delta } => self.increment(bucket, key, *delta)?,
            KvOp::Check { bucket, key, expect } => {
                let found = self.state.buckets.find(self.conn, bucket)?;
                check(index, *expect, self.head(found, key)?)?;
                return Ok(KvOutcome::Checked);
            }
        };
        let (bucket, key) = op.target();
        effects.keys.push((CacheKey { bucket: Arc::clone(bucket), key: Arc::clone(key) }, slot));
        Ok(outcome)
    }

    fn put(&mut self, index: usize, record: Record<'_>, expect: Expect) -> Result<(KvOutcome, Slot), Fault> {
        let found = self.state.buckets.find(self.conn, record.bucket)?;
        let head = self.head(found, record.key)?;
        check(index, expect, head)?;
        let entry = self.write(record, head)?;
        Ok((KvOutcome::Put { revision: entry.revision }, Some(entry)))
    }

    fn delete(
        &mut self,
        index: usize,
        bucket: &Arc<str>,
        key: &Arc<str>,
        expect: Expect,
    ) -> Result<(KvOutcome, Slot), Fault> {
        let found = self.state.buckets.find(self.conn, bucket)?;
        let head = self.head(found, key)?;
        check(index, expect, head)?;
        if let (Some(row), Some(head)) = (found, head) {
            self.conn.prepare_cached("DELETE FROM kv WHERE bucket = ?1 AND key = ?2")?.execute((row.id, key))?;
            // A checked subtraction would turn one wrong count into a store that cannot be emptied.
            let bytes = row.bytes.saturating_sub(record_bytes(key, head.value_bytes));
            self.state.buckets.set(bucket, Bucket { entries: row.entries.saturating_sub(1), bytes, ..row });
        }
        Ok((KvOutcome::Deleted { existed: head.is_some() }, None))
    }

    fn increment(&mut self, bucket: &Arc<str>, key: &Arc<str>, delta: i64) -> Result<(KvOutcome, Slot), Fault> {
        let entry = query::kv::entry(self.conn, bucket, key)?.map(|row| row.check(bucket, key));
        let entry = entry.transpose().map_err(Fault::Refused)?;
        let number = entry
            .as_ref()
            .map_or(Some(0), |entry| parse(&entry.value))
            .ok_or_else(|| Fault::Refused(StoreError::NotANumber { bucket: bucket.clone(), key: key.clone() }))?;
        let value = number
            .checked_add(delta)
            .ok_or_else(|| Fault::Refused(StoreError::Overflow { bucket: bucket.clone(), key: key.clone() }))?;
        let head = entry.map(|entry| Head { revision: entry.revision, value_bytes: entry.value.len() as u64 });
        let entry = self.write(Record { bucket, key, value: value.to_string().into() }, head)?;
        Ok((KvOutcome::Incremented { value, revision: entry.revision }, Some(entry)))
    }

    /// Writes a record over the one that `head` tells of, within the bucket's limit.
    fn write(&mut self, record: Record<'_>, head: Option<Head>) -> Result<Entry, Fault> {
        let Record { bucket, key, value } = record;
        let row = self.state.buckets.find_or_make(self.conn, bucket)?;
        let old_bytes = head.map_or(0, |head| record_bytes(key, head.value_bytes));
        let bytes = row.bytes.saturating_sub(old_bytes) + record_bytes(key, value.len() as u64);
        // A bucket over a limit that was lowered may still shrink.
        let max = match self.buckets.of(bucket) {
            Some(limits) => limits.bytes,
            None if host_bucket(bucket) => u64::MAX,
            None => self.limits.bucket_bytes,
        };
        if bytes > max && bytes > row.bytes {
            return Err(Fault::Refused(StoreError::BucketFull { bucket: bucket.clone(), max }));
        }
        let revision = self.state.numbers.next_revision();
        let crc = checksum(bucket, key, revision, &value);
        self.conn
            .prepare_cached("INSERT OR REPLACE INTO kv(bucket, key, revision, crc, value) VALUES(?1, ?2, ?3, ?4, ?5)")?
            .execute((row.id, key, revision.cast_signed(), crc, &value[..]))?;
        let entries = row.entries + u64::from(head.is_none());
        self.state.buckets.set(bucket, Bucket { entries, bytes, ..row });
        Ok(Entry { value, revision })
    }

    fn head(&self, bucket: Option<Bucket>, key: &str) -> Result<Option<Head>> {
        let Some(bucket) = bucket else { return Ok(None) };
        self.conn
            .prepare_cached("SELECT revision, length(value) FROM kv WHERE bucket = ?1 AND key = ?2")?
            .query_row((bucket.id, key), |row| {
                let (revision, value_bytes): (i64, i64) = (row.get(0)?, row.get(1)?);
                Ok(Head { revision: revision.cast_unsigned(), value_bytes: value_bytes.cast_unsigned() })
            })
            .optional()
    }
}

fn check(op: usize, expect: Expect, head: Option<Head>) -> Result<(), Fault> {
    let current = head.map(|head| head.revision);
    if expect.holds(current) { Ok(()) } else { Err(conflict(op, current)) }
}

fn parse(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}
