//! A message as it is on disk.
//!
//! Its payload has a checksum of its own, so that a change of state neither reads nor writes it; the message's
//! checksum covers that one. A payload beyond [`INLINE_MAX`] stands apart, else each change would write it again.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Result, Row as SqlRow};
use switchyard_core::timestamp::Timestamp;

use crate::{
    StoredMessage,
    embedded::{
        fault::Fault,
        record::{Sum, corrupt},
    },
};

/// The largest payload that stands in its message's row, in bytes; half a page.
const INLINE_MAX: usize = 2_048;

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::embedded) enum State {
    /// It can be leased.
    Ready = 0,
    /// It can be leased later.
    Delayed = 1,
    /// Somebody has it.
    Leased = 2,
    /// It rotted, and is kept for an operator.
    Aside = -1,
}

/// Everything but the payload.
#[derive(Debug, Clone)]
pub(in crate::embedded) struct Message {
    pub(in crate::embedded) seq: i64,
    pub(in crate::embedded) id: Arc<str>,
    pub(in crate::embedded) queue: i64,
    pub(in crate::embedded) state: State,
    pub(in crate::embedded) priority: u8,
    /// Its place in its lane.
    pub(in crate::embedded) position: i64,
    /// Since when it has that place.
    pub(in crate::embedded) ready_at: i64,
    /// When it is ready, or its lease ends.
    pub(in crate::embedded) due: i64,
    pub(in crate::embedded) enqueued_at: i64,
    pub(in crate::embedded) failures: u32,
    pub(in crate::embedded) expiries: u32,
    /// Whether it was ever leased.
    pub(in crate::embedded) taken: bool,
    pub(in crate::embedded) token: Option<Arc<str>>,
    pub(in crate::embedded) reason: Arc<str>,
    pub(in crate::embedded) data_crc: u32,
}

/// The columns that [`Message::checked`] reads, from `message`.
pub(in crate::embedded) const COLUMNS: &str =
    "seq, id, queue, state, priority, position, ready_at, due, enqueued_at, failures, expiries, taken,
                       token, reason, data_crc, crc";

// === impl State ===

impl State {
    fn of(number: i64) -> Self {
        match number {
            0 => State::Ready,
            1 => State::Delayed,
            2 => State::Leased,
            _ => State::Aside,
        }
    }
}

// === impl Message ===

impl Message {
    /// The message of this queue with this id.
    pub(in crate::embedded) fn by_id(
        conn: &Connection,
        queue: i64,
        name: &str,
        id: &str,
    ) -> Result<Option<Self>, Fault> {
        let query = format!("SELECT {COLUMNS} FROM message WHERE id = ?1 AND queue = ?2");
        let found = conn.prepare_cached(&query)?.query_row((id, queue), Self::read).optional()?;
        found.map(|row| row.check(name)).transpose()
    }

    /// The message with this number.
    pub(in crate::embedded) fn by_seq(conn: &Connection, queue: &str, seq: i64) -> Result<Self, Fault> {
        let query = format!("SELECT {COLUMNS} FROM message WHERE seq = ?1");
        conn.prepare_cached(&query)?.query_row([seq], Self::read)?.check(queue)
    }

    /// Messages whose delay or lease has ended, by number, with the state in which they stand.
    pub(in crate::embedded) fn due(conn: &Connection, queue: i64, now: i64, max: usize) -> Result<Vec<(i64, State)>> {
        let query = "SELECT seq, state FROM message WHERE queue = ?1 AND state > 0 AND due <= ?2
                     ORDER BY due, state, seq LIMIT ?3";
        let mut statement = conn.prepare_cached(query)?;
        let rows =
            statement.query_map((queue, now, max.cast_signed()), |row| Ok((row.get(0)?, State::of(row.get(1)?))))?;
        rows.collect()
    }

    pub(in crate::embedded) fn insert(&self, conn: &Connection, queue: &str, data: &[u8]) -> Result<()> {
        let inline = (data.len() <= INLINE_MAX).then_some(data);
        if inline.is_none() {
            conn.prepare_cached("INSERT INTO body(seq, data) VALUES(?1, ?2)")?.execute((self.seq, data))?;
        }
        conn.prepare_cached(
            "INSERT INTO message(seq, id, queue, state, priority, position, ready_at, due, enqueued_at, failures,
                 expiries, taken, token, reason, crc, data_crc, data)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, 0, 0, NULL, '', ?10, ?11, ?12)",
        )?
        .execute((
            self.seq,
            &self.id,
            self.queue,
            self.state as i64,
            self.priority,
            self.position,
            self.ready_at,
            self.due,
            self.enqueued_at,
            self.sum(queue),
            self.data_crc,
            inline,
        ))
        .map(drop)
    }

    /// Writes what may have changed.
    pub(in crate::embedded) fn save(&self, conn: &Connection, queue: &str) -> Result<()> {
        conn.prepare_cached(
            "UPDATE message SET state = ?2, position = ?3, ready_at = ?4, due = ?5, failures = ?6, expiries = ?7,
             taken = ?8, token = ?9, reason = ?10, crc = ?11 WHERE seq = ?1",
        )?
        .execute((
            self.seq,
            self.state as i64,
            self.position,
            self.ready_at,
            self.due,
            self.failures,
            self.expiries,
            self.taken,
            &self.token,
            &self.reason,
            self.sum(queue),
        ))
        .map(drop)
    }

    pub(in crate::embedded) fn delete(&self, conn: &Connection) -> Result<()> {
        conn.prepare_cached("DELETE FROM message WHERE seq = ?1")?.execute([self.seq])?;
        conn.prepare_cached("DELETE FROM body WHERE seq = ?1")?.execute([self.seq]).map(drop)
    }

    /// The payload, if it is what was enqueued.
    pub(in crate::embedded) fn data(&self, conn: &Connection, queue: &str) -> Result<Bytes, Fault> {
        let query = "SELECT coalesce(data, (SELECT body.data FROM body WHERE body.seq = message.seq))
                     FROM message WHERE seq = ?1";
        let data: Option<Vec<u8>> = conn.prepare_cached(query)?.query_row([self.seq], |row| row.get(0))?;
        match data {
            Some(data) if crc32c::crc32c(&data) == self.data_crc => Ok(data.into()),
            _ => Err(corrupt(named(&self.id, queue)).into()),
        }
    }

    pub(in crate::embedded) fn with_data(self, data: Bytes) -> StoredMessage {
        let at = |moment: i64| Timestamp(moment.cast_unsigned());
        StoredMessage {
            id: self.id,
            token: self.token,
            data,
            priority: self.priority,
            failures: self.failures,
            expiries: self.expiries,
            enqueued_at: at(self.enqueued_at),
            due: at(self.due),
            reason: self.reason,
        }
    }

    /// The message of a row, if it is what was written.
    pub(in crate::embedded) fn checked(row: &SqlRow<'_>, queue: &str) -> Result<Self, Fault> {
        Self::read(row)?.check(queue)
    }

    fn read(row: &SqlRow<'_>) -> Result<Unchecked> {
        let message = Self {
            seq: row.get(0)?,
            id: row.get(1)?,
            queue: row.get(2)?,
            state: State::of(row.get(3)?),
            priority: row.get(4)?,
            position: row.get(5)?,
            ready_at: row.get(6)?,
            due: row.get(7)?,
            enqueued_at: row.get(8)?,
            failures: row.get(9)?,
            expiries: row.get(10)?,
            taken: row.get(11)?,
            token: row.get(12)?,
            reason: row.get(13)?,
            data_crc: row.get(14)?,
        };
        Ok(Unchecked { message, crc: row.get(15)? })
    }

    fn sum(&self, queue: &str) -> u32 {
        Sum::of("message")
            .text(queue)
            .number(self.seq)
            .text(&self.id)
            .number(self.state as i64)
            .number(self.priority.into())
            .number(self.position)
            .number(self.ready_at)
            .number(self.due)
            .number(self.enqueued_at)
            .number(self.failures.into())
            .number(self.expiries.into())
            .number(self.taken.into())
            .optional(self.token.as_deref().map(str::as_bytes))
            .text(&self.reason)
            .number(self.data_crc.into())
            .end()
    }
}

/// A message that was read and not compared with its checksum.
#[derive(Debug)]
struct Unchecked {
    message: Message,
    crc: u32,
}

// === impl Unchecked ===

impl Unchecked {
    fn check(self, queue: &str) -> Result<Message, Fault> {
        if self.message.state != State::Aside && self.message.sum(queue) == self.crc {
            Ok(self.message)
        } else {
            Err(corrupt(named(&self.message.id, queue)).into())
        }
    }
}

/// Keeps a message that rotted out of everybody's way: it would stop its lane for ever.
pub(in crate::embedded) fn set_aside(conn: &Connection, seq: i64) -> Result<()> {
    conn.prepare_cached("UPDATE message SET state = -1 WHERE seq = ?1")?.execute([seq]).map(drop)
}

fn named<'a>(id: &'a str, queue: &'a str) -> impl fmt::Display + 'a {
    fmt::from_fn(move |f| write!(f, "message {id:?} of queue {queue:?}"))
}
