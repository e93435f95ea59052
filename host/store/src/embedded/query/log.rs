//! The log: single records, moments, duplicates; pages below.

mod names;
mod page;

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Result, Row};
use switchyard_core::timestamp::Timestamp;

pub(in crate::embedded) use names::TopicNames;
pub(in crate::embedded) use page::{PageMax, read};

use crate::{
    Record,
    embedded::{
        fault::Fault,
        record::{Sum, corrupt, sql},
    },
};

/// The columns that [`check`] reads, from `log`.
pub(in crate::embedded) const COLUMNS: &str = "sequence, topic, published_at, volatile, source, id, crc, record";

/// A record as it is on disk, not yet trusted.
struct Stored {
    sequence: u64,
    published_at: i64,
    volatile: bool,
    source: String,
    id: String,
    crc: u32,
    record: Vec<u8>,
}

/// The parts of a record that its checksum covers.
#[derive(Debug, Clone, Copy)]
pub(in crate::embedded) struct Summed<'a> {
    pub(in crate::embedded) sequence: u64,
    pub(in crate::embedded) topic: &'a str,
    pub(in crate::embedded) published_at: i64,
    pub(in crate::embedded) volatile: bool,
    pub(in crate::embedded) source: &'a str,
    pub(in crate::embedded) id: &'a str,
    pub(in crate::embedded) record: &'a [u8],
}

/// The record of a row, if it is what was appended.
pub(in crate::embedded) fn check(row: &Row<'_>, topic: &Arc<str>) -> Result<Record, Fault> {
    Stored::read(row, row.get(0)?)?.check(topic)
}

/// One record.
pub(in crate::embedded) fn get(conn: &Connection, names: &TopicNames, sequence: u64) -> Result<Option<Record>, Fault> {
    let query = format!("SELECT {COLUMNS} FROM log WHERE sequence = ?1");
    let mut statement = conn.prepare_cached(&query)?;
    let mut rows = statement.query([sql(sequence)])?;
    match rows.next()? {
        Some(row) => {
            let name = names.get(conn, row.get(1)?)?;
            Ok(Some(check(row, &name)?))
        }
        None => Ok(None),
    }
}

/// The newest sequence.
pub(in crate::embedded) fn head(conn: &Connection) -> Result<u64> {
    conn.prepare_cached("SELECT value FROM meta WHERE name = 'sequence'")?
        .query_row([], |row| row.get::<_, i64>(0))
        .map(i64::cast_unsigned)
}

/// The first sequence that is kept.
pub(in crate::embedded) fn first(conn: &Connection) -> Result<Option<u64>> {
    conn.prepare_cached("SELECT min(sequence) FROM log")?
        .query_row([], |row| row.get::<_, Option<i64>>(0))
        .map(|first| first.map(i64::cast_unsigned))
}

/// The newest sequence of a topic that is kept.
pub(in crate::embedded) fn last_of(conn: &Connection, topic: i64) -> Result<Option<u64>> {
    conn.prepare_cached("SELECT max(sequence) FROM log WHERE topic = ?1")?
        .query_row([topic], |row| row.get::<_, Option<i64>>(0))
        .map(|last| last.map(i64::cast_unsigned))
}

/// The sequence before the first record published at this moment or later; `head` when there is none.
pub(in crate::embedded) fn seek(conn: &Connection, at: Timestamp, head: u64) -> Result<u64> {
    let at = sql(at.0);
    let bounds = "SELECT (SELECT min(sequence) FROM log), (SELECT max(sequence) FROM log)";
    let bounds = conn
        .prepare_cached(bounds)?
        .query_row([], |row| Ok(row.get::<_, Option<i64>>(0)?.zip(row.get::<_, Option<i64>>(1)?)))?;
    let Some((mut from, last)) = bounds else { return Ok(head) };
    let mut until = last + 1;
    let mut statement =
        conn.prepare_cached("SELECT sequence, latest_at FROM log WHERE sequence >= ?1 ORDER BY sequence LIMIT 1")?;
    // `latest_at` never falls: up to where it reaches the moment, every record is older.
    while from < until {
        let middle = from + (until - from) / 2;
        let (sequence, latest_at): (i64, i64) = statement.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if latest_at >= at {
            until = middle;
        } else {
            from = sequence + 1;
        }
    }
    // A record that was expired may have been what lifted it.
    let found = conn
        .prepare_cached(
            "SELECT sequence FROM log WHERE sequence >= ?1 AND published_at >= ?2 ORDER BY sequence LIMIT 1",
        )?
        .query_row([from, at], |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(found.map_or(head, |sequence| sequence.cast_unsigned() - 1))
}

/// The first record with this source and id that was published since a moment, of those in a table.
pub(in crate::embedded) fn duplicate(
    conn: &Connection,
    table: Table,
    source: &str,
    id: &str,
    since: i64,
) -> Result<Option<u64>> {
    let query = match table {
        Table::Log => {
            "SELECT sequence FROM log WHERE source = ?1 AND id = ?2 AND published_at >= ?3 ORDER BY sequence LIMIT 1"
        }
        Table::Forgotten => {
            "SELECT sequence FROM forgotten WHERE source = ?1 AND id = ?2 AND published_at >= ?3
             ORDER BY sequence LIMIT 1"
        }
    };
    conn.prepare_cached(query)?
        .query_row((source, id, since), |row| row.get::<_, i64>(0))
        .map(i64::cast_unsigned)
        .optional()
}

/// Where a duplicate may be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::embedded) enum Table {
    /// Among the records.
    Log,
    /// Among what was expired early.
    Forgotten,
}

// === impl Stored ===

impl Stored {
    fn read(row: &Row<'_>, sequence: i64) -> Result<Self, Fault> {
        let read = || {
            Ok(Self {
                sequence: sequence.cast_unsigned(),
                published_at: row.get(2)?,
                volatile: row.get(3)?,
                source: row.get(4)?,
                id: row.get(5)?,
                crc: row.get(6)?,
                record: row.get(7)?,
            })
        };
        read().map_err(|error: rusqlite::Error| match Fault::from(error) {
            fault if fault.is_of_a_record() => corrupt(format_args!("event {sequence}")).into(),
            fault => fault,
        })
    }

    fn check(self, topic: &Arc<str>) -> Result<Record, Fault> {
        let Self { sequence, published_at, volatile, source, id, crc, record } = self;
        let summed = Summed { sequence, topic, published_at, volatile, source: &source, id: &id, record: &record };
        if summed.sum() != crc {
            return Err(corrupt(format_args!("event {sequence}")).into());
        }
        Ok(Record {
            sequence,
            topic: topic.clone(),
            published_at: Timestamp(published_at.cast_unsigned()),
            record: Bytes::from(record),
        })
    }
}

// === impl Summed ===

impl Summed<'_> {
    pub(in crate::embedded) fn sum(self) -> u32 {
        Sum::of("event")
            .number(self.sequence.cast_signed())
            .text(self.topic)
            .number(self.published_at)
            .number(self.volatile.into())
            .text(self.source)
            .text(self.id)
            .bytes(self.record)
            .end()
    }
}
