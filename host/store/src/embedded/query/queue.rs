//! Queues and their messages.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Result};
use switchyard_core::{lanes::LANES, timestamp::Timestamp};

use super::snapshot;
use crate::{
    QueueUsage, StoreError, StoredMessage,
    embedded::{
        fault::Fault,
        mirror::Row as _,
        record::sql,
        rows::{
            message::{Message, State},
            queue::{COLUMNS, Counts, Queue},
        },
    },
};

/// The first message of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::embedded) struct Head {
    pub(in crate::embedded) seq: i64,
    pub(in crate::embedded) position: i64,
    pub(in crate::embedded) ready_at: i64,
}

/// What has become due, and still stands in its old state.
struct Due {
    delayed: u64,
    leased: u64,
    oldest_ready_at: Option<i64>,
}

/// A queue as of a moment.
pub(in crate::embedded) fn usage(
    conn: &Connection,
    name: Arc<str>,
    now: Timestamp,
) -> Result<Option<QueueUsage>, Fault> {
    snapshot(conn, |conn| {
        let Some(queue) = Queue::load(conn, &name)? else { return Ok(None) };
        usage_of(conn, name, queue, now).map(Some)
    })
}

/// All queues as of a moment, in the order of their names.
pub(in crate::embedded) fn usages(conn: &Connection, now: Timestamp) -> Result<Vec<QueueUsage>, Fault> {
    snapshot(conn, |conn| {
        let query = format!("SELECT {COLUMNS}, name FROM queue ORDER BY name");
        let mut statement = conn.prepare_cached(&query)?;
        let mut rows = statement.query([])?;
        let mut usages = Vec::new();
        while let Some(row) = rows.next()? {
            usages.push(usage_of(conn, row.get(9)?, Queue::read(row)?, now)?);
        }
        Ok(usages)
    })
}

/// When something next becomes ready; 1970 when something is.
pub(in crate::embedded) fn next_due(conn: &Connection, name: &str) -> Result<Option<Timestamp>, Fault> {
    snapshot(conn, |conn| {
        let Some(queue) = Queue::load(conn, name)? else { return Ok(None) };
        let ready =
            conn.prepare_cached("SELECT 1 FROM message WHERE queue = ?1 AND state = 0 LIMIT 1")?.exists([queue.id])?;
        if ready {
            return Ok(Some(Timestamp(0)));
        }
        Ok(first_due(conn, queue.id)?.map(|due| Timestamp(due.cast_unsigned())))
    })
}

/// When the first delay or lease ends.
pub(in crate::embedded) fn first_due(conn: &Connection, queue: i64) -> Result<Option<i64>> {
    conn.prepare_cached("SELECT min(due) FROM message WHERE queue = ?1 AND state > 0")?
        .query_row([queue], |row| row.get(0))
}

/// A message by its id.
pub(in crate::embedded) fn message(
    conn: &Connection,
    queue: &Arc<str>,
    id: &str,
) -> Result<Option<StoredMessage>, Fault> {
    snapshot(conn, |conn| {
        let row = Queue::load(conn, queue)?.ok_or_else(|| StoreError::UnknownQueue { queue: queue.clone() })?;
        let Some(message) = Message::by_id(conn, row.id, queue, id)? else { return Ok(None) };
        let data = message.data(conn, queue)?;
        Ok(Some(message.with_data(data)))
    })
}

/// The first message of a lane after a place.
pub(in crate::embedded) fn lane_head(conn: &Connection, queue: i64, lane: usize, after: i64) -> Result<Option<Head>> {
    conn.prepare_cached(
        "SELECT seq, position, ready_at FROM message
         WHERE queue = ?1 AND state = 0 AND priority = ?2 AND position > ?3 ORDER BY position LIMIT 1",
    )?
    .query_row((queue, lane.cast_signed(), after), |row| {
        Ok(Head { seq: row.get(0)?, position: row.get(1)?, ready_at: row.get(2)? })
    })
    .optional()
}

fn usage_of(conn: &Connection, queue: Arc<str>, row: Queue, now: Timestamp) -> Result<QueueUsage, Fault> {
    let due = due(conn, row.id, now)?;
    let mut oldest = due.oldest_ready_at;
    for lane in 0..LANES {
        let head = lane_head(conn, row.id, lane, i64::MIN)?;
        oldest = [oldest, head.map(|head| head.ready_at)].into_iter().flatten().min();
    }
    let Counts { ready, delayed, leased, enqueued, dequeued, failed, first_leases, waited_ms } = row.counts;
    Ok(QueueUsage {
        queue,
        waiting: ready + due.delayed + due.leased,
        delayed: delayed.saturating_sub(due.delayed),
        in_flight: leased.saturating_sub(due.leased),
        enqueued,
        dequeued,
        failed,
        oldest_ready_at: oldest.map(|at| Timestamp(at.cast_unsigned())),
        first_leases,
        waited_ms,
    })
}

fn due(conn: &Connection, queue: i64, now: Timestamp) -> Result<Due> {
    conn.prepare_cached(
        "SELECT count(*) FILTER (WHERE state = ?3), count(*) FILTER (WHERE state = ?4), min(ready_at)
         FROM message WHERE queue = ?1 AND state > 0 AND due <= ?2",
    )?
    .query_row((queue, sql(now.0), State::Delayed as i64, State::Leased as i64), |row| {
        let (delayed, leased): (i64, i64) = (row.get(0)?, row.get(1)?);
        Ok(Due { delayed: delayed.cast_unsigned(), leased: leased.cast_unsigned(), oldest_ready_at: row.get(2)? })
    })
}
