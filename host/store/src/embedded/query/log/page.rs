//! Pages of the log.
//!
//! One topic is read by its index. A pattern is read along the whole log, and what is not meant is passed over: which
//! topics there will be is not known, and a reader that keeps up passes over little.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, OptionalExtension, Row};
use switchyard_core::event::topic::Pattern;

use super::{COLUMNS, TopicNames, check, head};
use crate::{
    LogPage, ReadLog,
    embedded::{fault::Fault, query::snapshot, record::sql},
};

/// Records that one page looks at, at most: with records of other topics a page may be short, never long in coming.
const SCANNED_MAX: usize = 10_000;

/// How large a page may be.
#[derive(Debug, Clone, Copy)]
pub(in crate::embedded) struct PageMax {
    pub(in crate::embedded) records: usize,
    pub(in crate::embedded) bytes: usize,
}

/// A page that is being filled.
struct Filling {
    page: LogPage,
    bytes: usize,
    looked_at: usize,
    max: PageMax,
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

// === impl Filling ===

impl Filling {
    fn new(after: u64, max: PageMax) -> Self {
        let page = LogPage { scanned: after, ..LogPage::default() };
        Self { page, bytes: 0, looked_at: 0, max }
    }

    /// Reads one topic by its index; answers whether the end was reached.
    fn read_topic(&mut self, conn: &Connection, topic: &str) -> Result<bool, Fault> {
        let mut statement = conn.prepare_cached("SELECT id FROM topic WHERE name = ?1")?;
        let Some(id) = statement.query_row([topic], |row| row.get::<_, i64>(0)).optional()? else { return Ok(true) };
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
            Err(fault) if fault.is_of_a_record() => {
                let sequence = row.get::<_, i64>(0)?.cast_unsigned();
                self.page.rotten.push(sequence);
                self.page.scanned = sequence;
                return Ok(self.page.rotten.len() < self.max.records);
            }
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
