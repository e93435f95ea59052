//! What ends or changes a lease: ack, fail, return, extend.

use std::sync::Arc;

use rusqlite::Result;

use super::{Fault, Work};
use crate::{
    LeaseRef, QueueOutcome, StoreError,
    embedded::{
        record::sql,
        rows::{
            message::{Message, State},
            queue::Queue,
        },
    },
    limits::cut,
};

impl Work<'_> {
    /// Removes a message that is done, or that failed for good.
    pub(super) fn end(&mut self, lease: &LeaseRef, failed: bool) -> Result<QueueOutcome, Fault> {
        let (mut queue, message) = self.held(lease)?;
        message.delete(self.conn)?;
        queue.let_out(message.state);
        if failed {
            queue.counts.failed += 1;
        } else {
            queue.counts.dequeued += 1;
        }
        self.state.queues.set(&lease.queue, queue);
        Ok(QueueOutcome::Done)
    }

    /// Gives a message back: at once to its old place, or later to a new one.
    pub(super) fn give_back(
        &mut self,
        lease: &LeaseRef,
        ready_at: i64,
        failures: u32,
        reason: &Arc<str>,
    ) -> Result<QueueOutcome, Fault> {
        let (mut queue, mut message) = self.held(lease)?;
        queue.let_out(message.state);
        if ready_at <= sql(lease.now.0) {
            message.state = State::Ready;
            message.due = message.ready_at;
        } else {
            message.state = State::Delayed;
            message.ready_at = ready_at;
            message.due = ready_at;
        }
        message.token = None;
        message.failures = failures;
        message.reason = cut(reason, self.limits.reason_bytes).into();
        message.save(self.conn, &lease.queue)?;
        queue.take_in(&message);
        self.state.queues.set(&lease.queue, queue);
        Ok(QueueOutcome::Done)
    }

    pub(super) fn extend(&mut self, lease: &LeaseRef, until: i64) -> Result<QueueOutcome, Fault> {
        let (mut queue, mut message) = self.held(lease)?;
        message.due = until;
        message.save(self.conn, &lease.queue)?;
        queue.memory.next_due = queue.memory.next_due.min(until);
        self.state.queues.set(&lease.queue, queue);
        Ok(QueueOutcome::Done)
    }

    /// The message that a token holds.
    fn held(&mut self, lease: &LeaseRef) -> Result<(Queue, Message), Fault> {
        let LeaseRef { queue: name, id, token, now } = lease;
        let queue = self.known_queue(name)?;
        let message = Message::by_id(self.conn, queue.id, name, id)?;
        let holds = |message: &Message| {
            message.state == State::Leased && message.token.as_ref() == Some(token) && message.due > sql(now.0)
        };
        match message.filter(holds) {
            Some(message) => Ok((queue, message)),
            None => Err(StoreError::NotLeased { queue: name.clone(), id: id.clone() }.into()),
        }
    }
}
