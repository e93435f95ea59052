//! Cursors, with what they owe.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{Connection, Result, Row};
use switchyard_core::timestamp::Timestamp;

use super::snapshot;
use crate::{
    Cursor, Retry,
    embedded::{
        fault::Fault,
        mirror::Row as _,
        record::{Sum, corrupt, sql},
        rows::cursor::Place,
    },
};

/// A cursor by its name.
pub(in crate::embedded) fn get(conn: &Connection, name: Arc<str>) -> Result<Option<Cursor>, Fault> {
    snapshot(conn, |conn| {
        let Some(place) = Place::load(conn, &name)? else { return Ok(None) };
        let (settled, retries) = (settled(conn, &name, place.id)?, retries(conn, &name, place.id)?);
        Ok(Some(Cursor { epoch: place.epoch, floor: place.floor, settled, retries, name }))
    })
}

/// The names of all cursors.
pub(in crate::embedded) fn names(conn: &Connection) -> Result<Vec<Arc<str>>> {
    conn.prepare_cached("SELECT name FROM cursor ORDER BY name")?.query_map([], |row| row.get(0))?.collect()
}

/// The checksum of a settled mark.
pub(in crate::embedded) fn settled_sum(cursor: i64, sequence: i64) -> u32 {
    Sum::of("settled").number(cursor).number(sequence).end()
}

/// The checksum of a retry.
pub(in crate::embedded) fn retry_sum(cursor: i64, retry: &Retry) -> u32 {
    Sum::of("retry")
        .number(cursor)
        .number(sql(retry.sequence))
        .number(retry.attempts.into())
        .number(sql(retry.due.0))
        .text(&retry.reason)
        .optional(retry.record.as_deref())
        .end()
}

fn settled(conn: &Connection, name: &str, cursor: i64) -> Result<Vec<u64>, Fault> {
    let mut statement = conn.prepare_cached("SELECT sequence, crc FROM settled WHERE cursor = ?1 ORDER BY sequence")?;
    let mut rows = statement.query([cursor])?;
    let mut settled = Vec::new();
    while let Some(row) = rows.next()? {
        let (sequence, crc): (i64, u32) = (row.get(0)?, row.get(1)?);
        if settled_sum(cursor, sequence) != crc {
            return Err(corrupt(format_args!("what cursor {name:?} has settled")).into());
        }
        settled.push(sequence.cast_unsigned());
    }
    Ok(settled)
}

/// The columns that [`read_retry`] reads, from `retry`.
pub(in crate::embedded) const RETRY_COLUMNS: &str = "sequence, attempts, due, reason, crc, record";

/// Reads one retry.
pub(in crate::embedded) fn read_retry(row: &Row<'_>, name: &str, cursor: i64) -> Result<Retry, Fault> {
    let (sequence, due): (i64, i64) = (row.get(0)?, row.get(2)?);
    let retry = Retry {
        sequence: sequence.cast_unsigned(),
        attempts: row.get(1)?,
        due: Timestamp(due.cast_unsigned()),
        reason: row.get(3)?,
        record: row.get::<_, Option<Vec<u8>>>(5)?.map(Bytes::from),
    };
    if retry_sum(cursor, &retry) == row.get::<_, u32>(4)? {
        Ok(retry)
    } else {
        Err(corrupt(format_args!("the retry of event {sequence} by cursor {name:?}")).into())
    }
}

fn retries(conn: &Connection, name: &str, cursor: i64) -> Result<Vec<Retry>, Fault> {
    let query = format!("SELECT {RETRY_COLUMNS} FROM retry WHERE cursor = ?1 ORDER BY sequence");
    let mut statement = conn.prepare_cached(&query)?;
    let mut rows = statement.query([cursor])?;
    let mut retries = Vec::new();
    while let Some(row) = rows.next()? {
        retries.push(read_retry(row, name, cursor)?);
    }
    Ok(retries)
}
