//! The operations on dead letters.

use rusqlite::{Error, ErrorCode, Result};

use super::{Fault, Work, conflict};
use crate::{
    DeadLetter, DeadOrigin, Outcome,
    embedded::{
        query::dead::{EVENT, MESSAGE, sum},
        record::sql,
    },
    limits::cut,
};

impl Work<'_> {
    pub(super) fn put_dead(&mut self, index: usize, letter: &DeadLetter) -> Result<Outcome, Fault> {
        let error = cut(&letter.error, self.limits.reason_bytes);
        let letter = DeadLetter { error: error.into(), ..letter.clone() };
        let (kind, origin, topic, number, message, enqueued_at) = match &letter.origin {
            DeadOrigin::Event { subscription, topic, sequence } => {
                (EVENT, subscription, Some(topic), sql(*sequence), None, 0)
            }
            DeadOrigin::Message { queue, id, priority, enqueued_at } => {
                (MESSAGE, queue, None, i64::from(*priority), Some(id), sql(enqueued_at.0))
            }
        };
        let inserted = self
            .conn
            .prepare_cached(
                "INSERT INTO dead(id, kind, origin, topic, number, message, enqueued_at, attempts, error, failed_at,
                     crc, record)
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute((
                &letter.id,
                kind,
                origin,
                topic,
                number,
                message,
                enqueued_at,
                letter.attempts,
                &letter.error,
                sql(letter.failed_at.0),
                sum(&letter),
                &letter.record[..],
            ));
        match inserted {
            Ok(_) => Ok(Outcome::Done),
            Err(error) => Err(taken(error, index)),
        }
    }

    pub(super) fn remove_dead(&mut self, index: usize, id: &str) -> Result<Outcome, Fault> {
        let removed = self.conn.prepare_cached("DELETE FROM dead WHERE id = ?1")?.execute([id])?;
        if removed == 0 { Err(conflict(index, None)) } else { Ok(Outcome::Done) }
    }
}

/// An id that is taken already is a conflict.
pub(super) fn taken(error: Error, index: usize) -> Fault {
    if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) { conflict(index, None) } else { error.into() }
}
