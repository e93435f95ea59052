//! The operations on the log: append, expire.

use std::sync::Arc;

use rusqlite::Result;

use super::{Fault, Work};
use crate::{
    Append, LogOp, LogOutcome,
    embedded::{
        query::log::{self, Summed, Table, duplicate},
        record::{Sum, sql},
        rows::topic::Topic,
        state::Forgotten,
    },
};

/// Records that one append lets go of for good, at most, so that those that expired early do not pile up.
const FORGET_STEP: i64 = 2;

/// A record that is to be forgotten.
struct Old {
    sequence: i64,
    published_at: i64,
    bytes: i64,
    source: String,
    id: String,
}

impl Work<'_> {
    pub(super) fn apply_log(&mut self, op: &LogOp) -> Result<LogOutcome, Fault> {
        match op {
            LogOp::Append(append) => self.append(append),
            LogOp::Expire { topic, before, max } => self.expire(topic, sql(before.0), *max),
        }
    }

    fn append(&mut self, append: &Append) -> Result<LogOutcome, Fault> {
        let Append { topic, source, id, duplicates_since, published_at, volatile, record } = append;
        let since = sql(duplicates_since.0);
        if let Some(sequence) = self.find_duplicate(source, id, since)? {
            return Ok(LogOutcome::Appended { sequence, duplicate: true });
        }
        let row = self.state.topics.find_or_make(self.conn, topic, self.limits.names)?;
        let at = sql(published_at.0);
        let (sequence, latest_at) = self.state.numbers.next_sequence(at);
        let crc = Summed { sequence, topic, published_at: at, volatile: *volatile, source, id, record }.sum();
        self.conn
            .prepare_cached(
                "INSERT INTO log(sequence, topic, published_at, latest_at, volatile, source, id, crc, record)
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute((sql(sequence), row.id, at, latest_at, *volatile, source, id, crc, &record[..]))?;
        self.state.topics.set(
            topic,
            Topic {
                records: row.records + 1,
                bytes: row.bytes + record.len() as u64,
                appended: row.appended + 1,
                last_sequence: sequence,
                last_published_at: published_at.0,
                ..row
            },
        );
        Ok(LogOutcome::Appended { sequence, duplicate: false })
    }

    /// The first record that this one would be a duplicate of.
    fn find_duplicate(&mut self, source: &str, id: &str, since: i64) -> Result<Option<u64>> {
        let forgotten = self.state.forgotten.get();
        self.state.forgotten.set(Forgotten { horizon: forgotten.horizon.max(since), ..forgotten });
        if let Some(sequence) = duplicate(self.conn, Table::Log, source, id, since)? {
            return Ok(Some(sequence));
        }
        let Some(oldest_at) = forgotten.oldest_at else { return Ok(None) };
        if oldest_at < since {
            self.forget(since)?;
        }
        duplicate(self.conn, Table::Forgotten, source, id, since)
    }

    /// Lets go of a few records that were expired early and are duplicates of nothing any more.
    fn forget(&mut self, since: i64) -> Result<()> {
        self.conn
            .prepare_cached(
                "DELETE FROM forgotten WHERE sequence IN
                 (SELECT sequence FROM forgotten ORDER BY sequence LIMIT ?2) AND published_at < ?1",
            )?
            .execute((since, FORGET_STEP))?;
        // In the order of the log, so the next one stands first. One published later holds up those behind it.
        let oldest_at = self
            .conn
            .prepare_cached("SELECT (SELECT published_at FROM forgotten ORDER BY sequence LIMIT 1)")?
            .query_row([], |row| row.get(0))?;
        self.state.forgotten.set(Forgotten { oldest_at, ..self.state.forgotten.get() });
        Ok(())
    }

    fn expire(&mut self, topic: &Arc<str>, before: i64, max: usize) -> Result<LogOutcome, Fault> {
        let Some(row) = self.state.topics.find(self.conn, topic)? else {
            return Ok(LogOutcome::Expired { removed: 0 });
        };
        let old = self.oldest(row.id, before, max)?;
        let mut bytes = row.bytes;
        for record in &old {
            self.conn.prepare_cached("DELETE FROM log WHERE sequence = ?1")?.execute([record.sequence])?;
            bytes = bytes.saturating_sub(record.bytes.cast_unsigned());
            if record.published_at >= self.state.forgotten.get().horizon {
                self.remember(record)?;
            }
        }
        let removed = old.len();
        if removed > 0 {
            let last_sequence = log::last_of(self.conn, row.id)?.unwrap_or(0);
            let records = row.records.saturating_sub(removed as u64);
            self.state.topics.set(topic, Topic { records, bytes, last_sequence, ..row });
        }
        Ok(LogOutcome::Expired { removed })
    }

    /// The oldest records of a topic, up to the first that is not older than the moment.
    fn oldest(&self, topic: i64, before: i64, max: usize) -> Result<Vec<Old>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT sequence, published_at, length(record), source, id FROM log WHERE topic = ?1 ORDER BY sequence",
        )?;
        let mut rows = statement.query([topic])?;
        let mut old = Vec::new();
        while old.len() < max
            && let Some(row) = rows.next()?
        {
            let published_at: i64 = row.get(1)?;
            if published_at >= before {
                break;
            }
            let (sequence, bytes, source, id) = (row.get(0)?, row.get(2)?, row.get(3)?, row.get(4)?);
            old.push(Old { sequence, published_at, bytes, source, id });
        }
        Ok(old)
    }

    /// Keeps the source and id of a record that is gone, since a duplicate of it may still come.
    fn remember(&mut self, old: &Old) -> Result<()> {
        let Old { sequence, published_at, source, id, .. } = old;
        let crc = forgotten_sum(*sequence, *published_at, source, id);
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO forgotten(sequence, published_at, source, id, crc) VALUES(?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((sequence, published_at, source, id, crc))?;
        let forgotten = self.state.forgotten.get();
        let oldest_at = Some(forgotten.oldest_at.map_or(*published_at, |oldest| oldest.min(*published_at)));
        self.state.forgotten.set(Forgotten { oldest_at, ..forgotten });
        Ok(())
    }
}

/// The checksum of a record that was expired early.
pub(in crate::embedded) fn forgotten_sum(sequence: i64, published_at: i64, source: &str, id: &str) -> u32 {
    Sum::of("forgotten").number(sequence).number(published_at).text(source).text(id).end()
}
