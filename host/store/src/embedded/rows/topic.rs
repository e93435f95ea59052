//! What a topic holds.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Result, Row as SqlRow};
use switchyard_core::timestamp::Timestamp;

use crate::{
    TopicUsage,
    embedded::{
        fault::Fault,
        mirror::{Mirror, Row},
    },
};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::embedded) struct Topic {
    pub(in crate::embedded) id: i64,
    pub(in crate::embedded) records: u64,
    pub(in crate::embedded) bytes: u64,
    pub(in crate::embedded) appended: u64,
    pub(in crate::embedded) last_sequence: u64,
    pub(in crate::embedded) last_published_at: u64,
}

/// The columns that [`Topic::read`] reads, from `topic`.
const COLUMNS: &str = "id, records, bytes, appended, last_sequence, last_published_at";

// === impl Topic ===

impl Topic {
    fn read(row: &SqlRow<'_>) -> Result<Self> {
        let number = |index| row.get::<_, i64>(index).map(i64::cast_unsigned);
        Ok(Self {
            id: row.get(0)?,
            records: number(1)?,
            bytes: number(2)?,
            appended: number(3)?,
            last_sequence: number(4)?,
            last_published_at: number(5)?,
        })
    }

    fn usage(self, topic: Arc<str>) -> TopicUsage {
        let Self { id: _, records, bytes, appended, last_sequence, last_published_at } = self;
        TopicUsage { topic, records, bytes, appended, last_sequence, last_published_at: Timestamp(last_published_at) }
    }
}

impl Row for Topic {
    fn load(conn: &Connection, name: &str) -> Result<Option<Self>, Fault> {
        let query = format!("SELECT {COLUMNS} FROM topic WHERE name = ?1");
        Ok(conn.prepare_cached(&query)?.query_row([name], Self::read).optional()?)
    }

    fn save(&self, conn: &Connection, _: &str) -> Result<()> {
        conn.prepare_cached(
            "UPDATE topic SET records = ?2, bytes = ?3, appended = ?4, last_sequence = ?5, last_published_at = ?6
             WHERE id = ?1",
        )?
        .execute((
            self.id,
            self.records.cast_signed(),
            self.bytes.cast_signed(),
            self.appended.cast_signed(),
            self.last_sequence.cast_signed(),
            self.last_published_at.cast_signed(),
        ))
        .map(drop)
    }
}

// === impl Mirror<Topic> ===

impl Mirror<Topic> {
    /// The topic, made if need be.
    ///
    /// # Errors
    /// [`TooMany`](crate::StoreError::TooMany) when there are `max` already.
    pub(in crate::embedded) fn find_or_make(
        &mut self,
        conn: &Connection,
        name: &Arc<str>,
        max: usize,
    ) -> Result<Topic, Fault> {
        if let Some(topic) = self.find(conn, name)? {
            return Ok(topic);
        }
        super::make_room(conn, "topics", "SELECT count(*) FROM topic", max)?;
        conn.prepare_cached(
            "INSERT INTO topic(name, records, bytes, appended, last_sequence, last_published_at)
             VALUES(?1, 0, 0, 0, 0, 0)",
        )?
        .execute([name])?;
        let topic = Topic { id: conn.last_insert_rowid(), ..Topic::default() };
        self.add(name, topic);
        Ok(topic)
    }
}

/// All topics, in the order of their names.
pub(in crate::embedded) fn usages(conn: &Connection) -> Result<Vec<TopicUsage>> {
    let query = format!("SELECT {COLUMNS}, name FROM topic ORDER BY name");
    conn.prepare_cached(&query)?.query_map([], |row| Ok(Topic::read(row)?.usage(row.get(6)?)))?.collect()
}
