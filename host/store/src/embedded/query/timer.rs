//! Timers.

use bytes::Bytes;
use rusqlite::{Connection, Row};
use switchyard_core::timestamp::Timestamp;

use crate::{
    Timer,
    embedded::{
        fault::Fault,
        record::{Sum, corrupt, sql},
    },
};

/// The columns that [`checked`] reads, from `timer`.
pub(in crate::embedded) const COLUMNS: &str = "key, due, payload, crc";

/// A timer by its key.
pub(in crate::embedded) fn get(conn: &Connection, key: &str) -> Result<Option<Timer>, Fault> {
    let mut statement = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM timer WHERE key = ?1"))?;
    let mut rows = statement.query([key])?;
    rows.next()?.map(|row| checked(row, 0)).transpose()
}

/// The timers that are due first.
pub(in crate::embedded) fn first(conn: &Connection, limit: usize) -> Result<Vec<Timer>, Fault> {
    let mut statement = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM timer ORDER BY due, key LIMIT ?1"))?;
    let mut rows = statement.query([limit.cast_signed()])?;
    let mut timers = Vec::new();
    while let Some(row) = rows.next()? {
        timers.push(checked(row, 0)?);
    }
    Ok(timers)
}

/// The timer of a row whose columns begin at `first`, if it is what was set.
pub(in crate::embedded) fn checked(row: &Row<'_>, first: usize) -> Result<Timer, Fault> {
    let due: i64 = row.get(first + 1)?;
    let payload = Bytes::from(row.get::<_, Vec<u8>>(first + 2)?);
    let timer = Timer { key: row.get(first)?, due: Timestamp(due.cast_unsigned()), payload };
    if sum(&timer) == row.get::<_, u32>(first + 3)? {
        Ok(timer)
    } else {
        Err(corrupt(format_args!("timer {:?}", timer.key)).into())
    }
}

/// The checksum of a timer.
pub(in crate::embedded) fn sum(timer: &Timer) -> u32 {
    Sum::of("timer").text(&timer.key).number(sql(timer.due.0)).bytes(&timer.payload).end()
}
