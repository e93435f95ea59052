//! What a queue holds, and what its writer remembers of it.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Result, Row as SqlRow};
use switchyard_core::{lanes::LANES, timestamp::Timestamp};

use crate::embedded::{
    fault::Fault,
    mirror::{Mirror, Row},
};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::embedded) struct Queue {
    pub(in crate::embedded) id: i64,
    pub(in crate::embedded) counts: Counts,
    pub(in crate::embedded) memory: Memory,
}

/// The row's numbers. They count messages by the state in which they stand; what has become due since is in the old.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::embedded) struct Counts {
    pub(in crate::embedded) ready: u64,
    pub(in crate::embedded) delayed: u64,
    pub(in crate::embedded) leased: u64,
    pub(in crate::embedded) enqueued: u64,
    pub(in crate::embedded) dequeued: u64,
    pub(in crate::embedded) failed: u64,
    pub(in crate::embedded) first_leases: u64,
    pub(in crate::embedded) waited_ms: u64,
}

/// What is not in the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::embedded) struct Memory {
    /// When a message was taken from each lane.
    pub(in crate::embedded) served: [Option<Timestamp>; LANES],
    /// Lanes that may hold a ready message; the others are not looked at.
    pub(in crate::embedded) occupied: [bool; LANES],
    /// No delayed message and no lease is due before this moment.
    pub(in crate::embedded) next_due: i64,
}

/// The columns that [`Queue::read`] reads, from `queue`.
pub(in crate::embedded) const COLUMNS: &str =
    "id, ready, delayed, leased, enqueued, dequeued, failed, first_leases, waited_ms";

// === impl Queue ===

impl Queue {
    pub(in crate::embedded) fn read(row: &SqlRow<'_>) -> Result<Self> {
        let number = |index| row.get::<_, i64>(index).map(i64::cast_unsigned);
        let counts = Counts {
            ready: number(1)?,
            delayed: number(2)?,
            leased: number(3)?,
            enqueued: number(4)?,
            dequeued: number(5)?,
            failed: number(6)?,
            first_leases: number(7)?,
            waited_ms: number(8)?,
        };
        Ok(Self { id: row.get(0)?, counts, memory: Memory::default() })
    }
}

impl Row for Queue {
    fn load(conn: &Connection, name: &str) -> Result<Option<Self>, Fault> {
        let query = format!("SELECT {COLUMNS} FROM queue WHERE name = ?1");
        Ok(conn.prepare_cached(&query)?.query_row([name], Self::read).optional()?)
    }

    fn save(&self, conn: &Connection, _: &str) -> Result<()> {
        let Counts { ready, delayed, leased, enqueued, dequeued, failed, first_leases, waited_ms } = self.counts;
        conn.prepare_cached(
            "UPDATE queue SET ready = ?2, delayed = ?3, leased = ?4, enqueued = ?5, dequeued = ?6, failed = ?7,
             first_leases = ?8, waited_ms = ?9 WHERE id = ?1",
        )?
        .execute((
            self.id,
            ready.cast_signed(),
            delayed.cast_signed(),
            leased.cast_signed(),
            enqueued.cast_signed(),
            dequeued.cast_signed(),
            failed.cast_signed(),
            first_leases.cast_signed(),
            waited_ms.cast_signed(),
        ))
        .map(drop)
    }

    fn is_saved_as(&self, other: &Self) -> bool {
        self.counts == other.counts
    }
}

// === impl Memory ===

impl Default for Memory {
    /// Nothing is known: every lane is looked at, and what is due is asked for.
    fn default() -> Self {
        Self { served: [None; LANES], occupied: [true; LANES], next_due: 0 }
    }
}

// === impl Mirror<Queue> ===

impl Mirror<Queue> {
    /// The queue, made if need be.
    ///
    /// # Errors
    /// [`TooMany`](crate::StoreError::TooMany) when there are `max` already.
    pub(in crate::embedded) fn find_or_make(
        &mut self,
        conn: &Connection,
        name: &Arc<str>,
        max: usize,
    ) -> Result<Queue, Fault> {
        if let Some(queue) = self.find(conn, name)? {
            return Ok(queue);
        }
        super::make_room(conn, "queues", "SELECT count(*) FROM queue", max)?;
        conn.prepare_cached(
            "INSERT INTO queue(name, ready, delayed, leased, enqueued, dequeued, failed, first_leases, waited_ms)
             VALUES(?1, 0, 0, 0, 0, 0, 0, 0, 0)",
        )?
        .execute([name])?;
        let queue = Queue { id: conn.last_insert_rowid(), ..Queue::default() };
        self.add(name, queue);
        Ok(queue)
    }
}
