//! The operations on cursors.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{OptionalExtension, Result};

use super::{Fault, Work, conflict};
use crate::{
    CursorOp, CursorOutcome, CursorStart, Retry, Settled,
    embedded::{
        query::{
            cursor::{retry_sum, settled_sum},
            log,
        },
        record::sql,
        rows::cursor::Place,
    },
    limits::cut,
};

impl Work<'_> {
    pub(super) fn apply_cursor(&mut self, index: usize, op: &CursorOp) -> Result<CursorOutcome, Fault> {
        match op {
            CursorOp::Open { name, start } => return self.open(name, *start),
            CursorOp::Seek { name, to } => return self.seek(index, name, *to),
            CursorOp::Settle { name, epoch, sequence, floor, settled } => {
                let place = self.place_in(index, name, *epoch)?;
                let place = self.advance(name, place, *floor)?;
                self.settle(place, *sequence, settled)?;
            }
            CursorOp::Advance { name, epoch, floor } => {
                let place = self.place_in(index, name, *epoch)?;
                self.advance(name, place, *floor)?;
            }
            CursorOp::Redeliver { name, retry } => {
                let place = self.place(index, name)?;
                self.unsettle(place, retry.sequence)?;
                let reason = cut(&retry.reason, self.limits.reason_bytes).into();
                self.put_retry(place.id, &Retry { reason, ..retry.clone() })?;
            }
            CursorOp::Remove { name } => self.remove_cursor(name)?,
        }
        Ok(CursorOutcome::Done)
    }

    fn open(&mut self, name: &Arc<str>, start: CursorStart) -> Result<CursorOutcome, Fault> {
        if let Some(Place { epoch, floor, .. }) = self.state.cursors.find(self.conn, name)? {
            return Ok(CursorOutcome::At { epoch, floor });
        }
        let floor = self.start(start)?;
        // Not 1: a late result of a cursor that had this name before must not touch this one.
        let epoch = self.state.numbers.next_revision();
        let place = Place::insert(self.conn, name, epoch, floor)?;
        self.state.cursors.add(name, place);
        Ok(CursorOutcome::At { epoch, floor })
    }

    fn seek(&mut self, index: usize, name: &Arc<str>, to: CursorStart) -> Result<CursorOutcome, Fault> {
        let place = self.place(index, name)?;
        self.clear(place.id)?;
        let (epoch, floor) = (self.state.numbers.next_revision(), self.start(to)?);
        self.state.cursors.set(name, Place { epoch, floor, ..place });
        Ok(CursorOutcome::At { epoch, floor })
    }

    /// The floor of a cursor that begins there.
    fn start(&self, start: CursorStart) -> Result<u64> {
        let head = self.state.numbers.head();
        match start {
            CursorStart::Latest => Ok(head),
            CursorStart::First => Ok(log::first(self.conn)?.map_or(head, |first| first - 1)),
            CursorStart::After(sequence) => Ok(sequence),
            CursorStart::Time(at) => log::seek(self.conn, at, head),
        }
    }

    fn advance(&mut self, name: &Arc<str>, place: Place, floor: u64) -> Result<Place> {
        if floor <= place.floor {
            return Ok(place);
        }
        self.conn
            .prepare_cached("DELETE FROM settled WHERE cursor = ?1 AND sequence <= ?2")?
            .execute((place.id, sql(floor)))?;
        let place = Place { floor, ..place };
        self.state.cursors.set(name, place);
        Ok(place)
    }

    fn settle(&mut self, place: Place, sequence: u64, settled: &Settled) -> Result<(), Fault> {
        match settled {
            Settled::Done => {
                self.conn
                    .prepare_cached("DELETE FROM retry WHERE cursor = ?1 AND sequence = ?2")?
                    .execute((place.id, sql(sequence)))?;
                if sequence > place.floor {
                    self.mark(place.id, sql(sequence))?;
                }
            }
            Settled::Retry { attempts, due, reason } => {
                self.unsettle(place, sequence)?;
                let record = self.retry_record(place.id, sequence)?;
                let reason = cut(reason, self.limits.reason_bytes).into();
                self.put_retry(place.id, &Retry { sequence, attempts: *attempts, due: *due, reason, record })?;
            }
        }
        Ok(())
    }

    fn mark(&self, cursor: i64, sequence: i64) -> Result<()> {
        self.conn
            .prepare_cached("INSERT OR REPLACE INTO settled(cursor, sequence, crc) VALUES(?1, ?2, ?3)")?
            .execute((cursor, sequence, settled_sum(cursor, sequence)))
            .map(drop)
    }

    /// A record is settled or owed, never both.
    fn unsettle(&self, place: Place, sequence: u64) -> Result<()> {
        if sequence <= place.floor {
            return Ok(());
        }
        self.conn
            .prepare_cached("DELETE FROM settled WHERE cursor = ?1 AND sequence = ?2")?
            .execute((place.id, sql(sequence)))
            .map(drop)
    }

    /// The event that a retry has brought with it, which stays with the next one.
    fn retry_record(&self, cursor: i64, sequence: u64) -> Result<Option<Bytes>> {
        let record = self
            .conn
            .prepare_cached("SELECT record FROM retry WHERE cursor = ?1 AND sequence = ?2")?
            .query_row((cursor, sql(sequence)), |row| row.get::<_, Option<Vec<u8>>>(0))
            .optional()?;
        Ok(record.flatten().map(Bytes::from))
    }

    fn put_retry(&self, cursor: i64, retry: &Retry) -> Result<()> {
        let Retry { sequence, attempts, due, reason, record } = retry;
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO retry(cursor, sequence, attempts, due, reason, crc, record)
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute((
                cursor,
                sql(*sequence),
                attempts,
                sql(due.0),
                reason,
                retry_sum(cursor, retry),
                record.as_deref(),
            ))
            .map(drop)
    }

    fn remove_cursor(&mut self, name: &Arc<str>) -> Result<()> {
        // Asked of the database: a cursor whose row has rotted can be removed too.
        let id = self
            .conn
            .prepare_cached("SELECT id FROM cursor WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()?;
        if let Some(id) = id {
            self.clear(id)?;
            self.conn.prepare_cached("DELETE FROM cursor WHERE id = ?1")?.execute([id])?;
            self.state.cursors.remove(name);
        }
        Ok(())
    }

    fn clear(&self, cursor: i64) -> Result<()> {
        self.conn.prepare_cached("DELETE FROM settled WHERE cursor = ?1")?.execute([cursor])?;
        self.conn.prepare_cached("DELETE FROM retry WHERE cursor = ?1")?.execute([cursor]).map(drop)
    }

    fn place(&mut self, index: usize, name: &Arc<str>) -> Result<Place, Fault> {
        self.state.cursors.find(self.conn, name)?.ok_or_else(|| conflict(index, None))
    }

    fn place_in(&mut self, index: usize, name: &Arc<str>, epoch: u64) -> Result<Place, Fault> {
        let place = self.place(index, name)?;
        if place.epoch == epoch { Ok(place) } else { Err(conflict(index, Some(place.epoch))) }
    }
}
