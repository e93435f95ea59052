//! The log: pages, single records, moments, duplicates.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Result, Row};
use switchyard_core::{event::topic::Pattern, timestamp::Timestamp};

use super::snapshot;
use crate::{
    LogPage, ReadLog, Record,
    embedded::{
        fault::Fault,
        record::{Sum, corrupt, sql},
    },
};

/// Records that one page looks at, at most: with records of other topics a page may be short, never long in coming.
const SCANNED_MAX: usize = 10_000;

/// The columns that [`check`] reads, from `log`.
pub(in crate::embedded) const COLUMNS: &str = "sequence, topic, published_at, volatile, source, id, crc, record";

/// Names of topics by number, for all readers: a topic's name never changes.
#[derive(Debug, Default)]
pub(in crate::embedded) struct TopicNames(RwLock<HashMap<i64, Arc<str>>>);

/// How large a page may be.
#[derive(Debug, Clone, Copy)]
pub(in crate::embedded) struct PageMax {
    pub(in crate::embedded) records: usize,
    pub(in crate::embedded) bytes: usize,
}

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

/// A page that is being filled.
struct Filling {
    page: LogPage,
    bytes: usize,
    looked_at: usize,
    max: PageMax,
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

/// One page of the log.
pub(in crate::embedded) fn read(
    conn: &Connection,
    names: &TopicNames,
    read: &ReadLog,
    max: PageMax,
) -> Result<LogPage, Fault> {
    snapshot(conn, |conn| {
        let head = head(conn)?;
        let mut filling = Filling::new(read.after, max);
        let ended = match read.topics.as_ref().map(|pattern| (pattern.exact(), pattern)) {
            Some((Some(topic), _)) => filling.read_topic(conn, topic)?,
            Some((None, pattern)) => filling.read_pattern(conn, names, Some(pattern))?,
            None => filling.read_pattern(conn, names, None)?,
        };
        let mut page = filling.page;
        if ended {
            page.scanned = page.scanned.max(head);
        }
        page.more = page.scanned < head;
        Ok(page)
    })
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

// === impl Filling ===

impl Filling {
    fn new(after: u64, max: PageMax) -> Self {
        let page = LogPage { records: Vec::new(), scanned: after, more: false };
        Self { page, bytes: 0, looked_at: 0, max }
    }

    /// Reads one topic by its index; answers whether the end was reached.
    fn read_topic(&mut self, conn: &Connection, topic: &str) -> Result<bool, Fault> {
        let id = conn.prepare_cached("SELECT id FROM topic WHERE name = ?1")?;
        let Some(id) = one(id, topic)? else { return Ok(true) };
        let name: Arc<str> = topic.into();
        let query = format!("SELECT {COLUMNS} FROM log WHERE topic = ?1 AND sequence > ?2 ORDER BY sequence");
        let mut statement = conn.prepare_cached(&query)?;
        let mut rows = statement.query([id, sql(self.page.scanned)])?;
        while let Some(row) = rows.next()? {
            if !self.take(row, &name)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads all topics and leaves out those not meant; answers whether the end was reached.
    fn read_pattern(
        &mut self,
        conn: &Connection,
        names: &TopicNames,
        pattern: Option<&Pattern>,
    ) -> Result<bool, Fault> {
        let query = format!("SELECT {COLUMNS} FROM log WHERE sequence > ?1 ORDER BY sequence");
        let mut statement = conn.prepare_cached(&query)?;
        let mut rows = statement.query([sql(self.page.scanned)])?;
        let mut meant: HashMap<i64, Option<Arc<str>>> = HashMap::new();
        while let Some(row) = rows.next()? {
            let topic: i64 = row.get(1)?;
            let name = match meant.get(&topic) {
                Some(name) => name.clone(),
                None => {
                    let name = names.get(conn, topic)?;
                    let name = pattern.is_none_or(|pattern| pattern.matches(&name)).then_some(name);
                    meant.insert(topic, name.clone());
                    name
                }
            };
            self.looked_at += 1;
            match name {
                Some(name) if !self.take(row, &name)? => return Ok(false),
                Some(_) => {}
                None => self.page.scanned = row.get::<_, i64>(0)?.cast_unsigned(),
            }
            if self.looked_at == SCANNED_MAX {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Adds a record; answers whether there is room for more.
    fn take(&mut self, row: &Row<'_>, topic: &Arc<str>) -> Result<bool, Fault> {
        let record = match check(row, topic) {
            // What comes before a record that rotted is answered; the next page begins with it.
            Err(fault) if fault.is_of_a_record() && !self.page.records.is_empty() => return Ok(false),
            record => record?,
        };
        self.bytes += record.record.len();
        if self.bytes > self.max.bytes && !self.page.records.is_empty() {
            return Ok(false);
        }
        self.page.scanned = record.sequence;
        self.page.records.push(record);
        Ok(self.page.records.len() < self.max.records)
    }
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

// === impl TopicNames ===

impl TopicNames {
    /// The name of a topic that a record refers to.
    fn get(&self, conn: &Connection, id: i64) -> Result<Arc<str>, Fault> {
        if let Some(name) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(name.clone());
        }
        let name: Option<Arc<str>> = conn
            .prepare_cached("SELECT name FROM topic WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        let name = name.ok_or_else(|| corrupt(format_args!("topic number {id}")))?;
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(id, name.clone());
        Ok(name)
    }
}

fn one(mut statement: rusqlite::CachedStatement<'_>, name: &str) -> Result<Option<i64>> {
    statement.query_row([name], |row| row.get(0)).optional()
}
