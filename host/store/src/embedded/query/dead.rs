//! Dead letters.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use rusqlite::{Connection, Params, Result, Row, ToSql};
use switchyard_core::timestamp::Timestamp;

use crate::{
    DeadCounts, DeadLetter, DeadOrigin, ListDead,
    embedded::{
        fault::Fault,
        record::{Sum, corrupt, sql},
    },
};

/// `kind` of an event, and of a message.
pub(in crate::embedded) const EVENT: i64 = 0;
pub(in crate::embedded) const MESSAGE: i64 = 1;

/// The columns that [`checked`] reads, from `dead`.
pub(in crate::embedded) const COLUMNS: &str =
    "id, kind, origin, topic, number, message, enqueued_at, attempts, error, failed_at, crc, record";

/// A dead letter by its id.
pub(in crate::embedded) fn get(conn: &Connection, id: &str) -> Result<Option<DeadLetter>, Fault> {
    let query = format!("SELECT {COLUMNS} FROM dead WHERE id = ?1");
    let mut statement = conn.prepare_cached(&query)?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(|row| checked(row, 0)).transpose()
}

/// A page of dead letters, not over `bytes_max` after the first.
pub(in crate::embedded) fn list(
    conn: &Connection,
    list: &ListDead,
    limit: usize,
    bytes_max: usize,
) -> Result<Vec<DeadLetter>, Fault> {
    let after = list.after.as_deref().unwrap_or_default();
    let mut conditions = String::from("id > ?");
    let mut values: Vec<&dyn ToSql> = vec![&after];
    for (origin, kind) in [(&list.subscription, &EVENT), (&list.queue, &MESSAGE)] {
        if let Some(origin) = origin {
            conditions.push_str(" AND kind = ? AND origin = ?");
            values.extend([kind as &dyn ToSql, origin]);
        }
    }
    if let Some(topic) = &list.topic {
        conditions.push_str(" AND topic = ?");
        values.push(topic);
    }
    let query = format!("SELECT {COLUMNS} FROM dead WHERE {conditions} ORDER BY id");
    let mut statement = conn.prepare_cached(&query)?;
    let mut rows = statement.query(values.as_slice())?;
    let (mut letters, mut bytes) = (Vec::new(), 0);
    while letters.len() < limit
        && let Some(row) = rows.next()?
    {
        let letter = checked(row, 0)?;
        bytes += letter.record.len();
        if bytes > bytes_max && !letters.is_empty() {
            break;
        }
        letters.push(letter);
    }
    Ok(letters)
}

/// How many there are, by origin and by topic.
pub(in crate::embedded) fn counts(conn: &Connection) -> Result<DeadCounts> {
    let by_origin = "SELECT origin, count(*) FROM dead WHERE kind = ?1 GROUP BY origin";
    let by_topic = "SELECT topic, count(*) FROM dead WHERE topic IS NOT NULL GROUP BY topic";
    Ok(DeadCounts {
        subscriptions: count(conn, by_origin, [EVENT])?,
        topics: count(conn, by_topic, [])?,
        queues: count(conn, by_origin, [MESSAGE])?,
    })
}

fn count(conn: &Connection, query: &str, params: impl Params) -> Result<BTreeMap<Arc<str>, u64>> {
    let mut statement = conn.prepare_cached(query)?;
    let rows = statement.query_map(params, |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?;
    rows.collect()
}

/// The checksum of a dead letter.
pub(in crate::embedded) fn sum(letter: &DeadLetter) -> u32 {
    let DeadLetter { id, origin, attempts, error, failed_at, record } = letter;
    let sum = Sum::of("dead").text(id).number((*attempts).into()).text(error).number(sql(failed_at.0)).bytes(record);
    match origin {
        DeadOrigin::Event { subscription, topic, sequence } => {
            sum.number(EVENT).text(subscription).text(topic).number(sql(*sequence)).end()
        }
        DeadOrigin::Message { queue, id, priority, enqueued_at } => {
            sum.number(MESSAGE).text(queue).text(id).number((*priority).into()).number(sql(enqueued_at.0)).end()
        }
    }
}

/// The dead letter of a row whose columns begin at `first`, if it is what was put.
pub(in crate::embedded) fn checked(row: &Row<'_>, first: usize) -> Result<DeadLetter, Fault> {
    let (letter, crc) = read(row, first)?;
    if sum(&letter) == crc { Ok(letter) } else { Err(corrupt(format_args!("dead letter {:?}", letter.id)).into()) }
}

fn read(row: &Row<'_>, first: usize) -> Result<(DeadLetter, u32)> {
    let number: i64 = row.get(first + 4)?;
    let moment = |index: usize| row.get::<_, i64>(first + index).map(|at| Timestamp(at.cast_unsigned()));
    let origin = if row.get::<_, i64>(first + 1)? == EVENT {
        let (subscription, topic) = (row.get(first + 2)?, row.get(first + 3)?);
        DeadOrigin::Event { subscription, topic, sequence: number.cast_unsigned() }
    } else {
        let (queue, id, priority) = (row.get(first + 2)?, row.get(first + 5)?, row.get(first + 4)?);
        DeadOrigin::Message { queue, id, priority, enqueued_at: moment(6)? }
    };
    let letter = DeadLetter {
        id: row.get(first)?,
        origin,
        attempts: row.get(first + 7)?,
        error: row.get(first + 8)?,
        failed_at: moment(9)?,
        record: Bytes::from(row.get::<_, Vec<u8>>(first + 11)?),
    };
    Ok((letter, row.get(first + 10)?))
}
