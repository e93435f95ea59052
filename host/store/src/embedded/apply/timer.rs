//! The operations on timers.

use rusqlite::{OptionalExtension, Result};
use switchyard_core::timestamp::Timestamp;

use super::{Fault, Work, conflict};
use crate::{
    Outcome, Timer,
    embedded::{query::timer::sum, record::sql},
};

impl Work<'_> {
    pub(super) fn set_timer(&mut self, timer: &Timer) -> Result<Outcome, Fault> {
        self.conn
            .prepare_cached("INSERT OR REPLACE INTO timer(key, due, crc, payload) VALUES(?1, ?2, ?3, ?4)")?
            .execute((&timer.key, sql(timer.due.0), sum(timer), &timer.payload[..]))?;
        Ok(Outcome::Done)
    }

    pub(super) fn clear_timer(&mut self, index: usize, key: &str, due: Option<Timestamp>) -> Result<Outcome, Fault> {
        if let Some(due) = due {
            let found: Option<i64> = self
                .conn
                .prepare_cached("SELECT due FROM timer WHERE key = ?1")?
                .query_row([key], |row| row.get(0))
                .optional()?;
            if found != Some(sql(due.0)) {
                return Err(conflict(index, found.map(i64::cast_unsigned)));
            }
        }
        self.conn.prepare_cached("DELETE FROM timer WHERE key = ?1")?.execute([key])?;
        Ok(Outcome::Done)
    }
}
