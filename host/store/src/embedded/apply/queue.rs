//! The operations on queues: what adds to them stands here, what takes from them below.

mod lease;
mod release;

use std::sync::Arc;

use rusqlite::{OptionalExtension, Result};

use super::{Effects, Fault, Work, dead::taken};
use crate::{
    Enqueue, QueueOp, QueueOutcome, StoreError,
    embedded::{
        record::{Sum, corrupt, sql},
        rows::{
            message::{Message, State},
            queue::Queue,
        },
    },
};

impl Work<'_> {
    pub(super) fn apply_queue(
        &mut self,
        index: usize,
        op: &QueueOp,
        effects: &mut Effects,
    ) -> Result<QueueOutcome, Fault> {
        match op {
            QueueOp::Enqueue(enqueue) => self.enqueue(index, enqueue, effects),
            QueueOp::Lease(lease) => self.lease(lease).map(QueueOutcome::Leased),
            QueueOp::Ack { lease } => self.end(lease, false),
            QueueOp::Fail { lease } => self.end(lease, true),
            QueueOp::Return { lease, ready_at, failures, reason } => {
                effects.queues.push(Arc::clone(&lease.queue));
                self.give_back(lease, sql(ready_at.0), *failures, reason)
            }
            QueueOp::Extend { lease, until } => {
                // The end may also come nearer.
                effects.queues.push(Arc::clone(&lease.queue));
                self.extend(lease, sql(until.0))
            }
            QueueOp::ExpireDedup { before, max } => self.expire_dedup(sql(before.0), *max),
        }
    }

    fn enqueue(&mut self, index: usize, enqueue: &Enqueue, effects: &mut Effects) -> Result<QueueOutcome, Fault> {
        let name = &enqueue.queue;
        let now = sql(enqueue.enqueued_at.0);
        let mut queue = self.state.queues.find_or_make(self.conn, name, self.limits.names)?;
        if let Some((key, _)) = &enqueue.dedup
            && let Some(id) = self.find_dedup(name, queue.id, key, now)?
        {
            return Ok(QueueOutcome::Enqueued { id, duplicate: true });
        }
        self.make_ready(name, &mut queue, now)?;
        if queue.counts.ready + queue.counts.delayed >= enqueue.size_max {
            return Err(StoreError::QueueFull { queue: name.clone(), max: enqueue.size_max }.into());
        }
        let message = self.new_message(queue.id, enqueue);
        message.insert(self.conn, name, &enqueue.data).map_err(|error| taken(error, index))?;
        queue.counts.enqueued += 1;
        queue.take_in(&message);
        self.state.queues.set(name, queue);
        if let Some((key, until)) = &enqueue.dedup {
            self.put_dedup(queue.id, key, sql(until.0), &enqueue.id)?;
        }
        effects.queues.push(name.clone());
        Ok(QueueOutcome::Enqueued { id: enqueue.id.clone(), duplicate: false })
    }

    fn new_message(&mut self, queue: i64, enqueue: &Enqueue) -> Message {
        // One number for both: whoever is ready at once has the last place.
        let seq = sql(self.state.numbers.next_revision());
        let is_ready = enqueue.ready_at <= enqueue.enqueued_at;
        Message {
            seq,
            id: enqueue.id.clone(),
            queue,
            state: if is_ready { State::Ready } else { State::Delayed },
            priority: enqueue.priority,
            position: seq,
            ready_at: sql(enqueue.ready_at.0),
            due: sql(enqueue.ready_at.0),
            enqueued_at: sql(enqueue.enqueued_at.0),
            failures: 0,
            expiries: 0,
            taken: false,
            token: None,
            reason: "".into(),
            data_crc: crc32c::crc32c(&enqueue.data),
        }
    }

    /// The message that was enqueued under this deduplication id, while it lasts.
    fn find_dedup(&self, name: &str, queue: i64, key: &str, now: i64) -> Result<Option<Arc<str>>, Fault> {
        let found = self
            .conn
            .prepare_cached("SELECT until, message, crc FROM dedup WHERE queue = ?1 AND key = ?2")?
            .query_row((queue, key), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((until, message, crc)): Option<(i64, Arc<str>, u32)> = found else { return Ok(None) };
        if dedup_sum(queue, key, until, &message) != crc {
            return Err(corrupt(format_args!("deduplication id {key:?} of queue {name:?}")).into());
        }
        Ok((until > now).then_some(message))
    }

    fn put_dedup(&self, queue: i64, key: &str, until: i64, message: &str) -> Result<()> {
        self.conn
            .prepare_cached("INSERT OR REPLACE INTO dedup(queue, key, until, message, crc) VALUES(?1, ?2, ?3, ?4, ?5)")?
            .execute((queue, key, until, message, dedup_sum(queue, key, until, message)))
            .map(drop)
    }

    fn expire_dedup(&self, before: i64, max: usize) -> Result<QueueOutcome, Fault> {
        self.conn
            .prepare_cached(
                "DELETE FROM dedup WHERE (queue, key) IN
                 (SELECT queue, key FROM dedup WHERE until < ?1 ORDER BY until LIMIT ?2)",
            )?
            .execute((before, i64::try_from(max).unwrap_or(i64::MAX)))?;
        Ok(QueueOutcome::Done)
    }

    fn known_queue(&mut self, name: &Arc<str>) -> Result<Queue, Fault> {
        let found = self.state.queues.find(self.conn, name)?;
        found.ok_or_else(|| StoreError::UnknownQueue { queue: name.clone() }.into())
    }
}

// === impl Queue ===

impl Queue {
    /// Counts a message in the state in which it is now.
    fn take_in(&mut self, message: &Message) {
        match message.state {
            State::Ready => {
                self.counts.ready += 1;
                self.memory.occupied[usize::from(message.priority)] = true;
            }
            State::Delayed => self.counts.delayed += 1,
            State::Leased => self.counts.leased += 1,
            State::Aside => {}
        }
        if message.state != State::Ready {
            self.memory.next_due = self.memory.next_due.min(message.due);
        }
    }

    /// No longer counts a message that was in this state.
    fn let_out(&mut self, state: State) {
        // A checked subtraction would turn one wrong count into a queue that cannot be emptied.
        let count = match state {
            State::Ready => &mut self.counts.ready,
            State::Delayed => &mut self.counts.delayed,
            State::Leased => &mut self.counts.leased,
            State::Aside => return,
        };
        *count = count.saturating_sub(1);
    }
}

/// The checksum of a deduplication id.
pub(in crate::embedded) fn dedup_sum(queue: i64, key: &str, until: i64, message: &str) -> u32 {
    Sum::of("dedup").number(queue).text(key).number(until).text(message).end()
}
