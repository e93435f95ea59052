//! Leasing: which messages, in which order.
//!
//! A message has a place in the lane of its priority from the moment it is ready. A lease that ran out gives the
//! message back to its old place; a delay that ended gives a new one, behind those that were ready before.

use rusqlite::{Connection, Result};
use switchyard_core::{
    lanes::{LANES, Lane, choose},
    timestamp::Timestamp,
};

use super::{Fault, Work};
use crate::{
    Lease, StoredMessage,
    embedded::{
        query::queue::{Head, first_due, lane_head},
        record::sql,
        rows::{
            message::{Message, State, set_aside},
            queue::Queue,
        },
    },
};

/// Messages whose delay or lease ended that one operation makes ready, at most: more would stall commits, and the
/// next operation goes on with them.
const MADE_READY_MAX: usize = 1_000;

/// The first message of each lane.
struct Heads {
    lanes: [Lane; LANES],
    heads: [Option<Head>; LANES],
}

impl Work<'_> {
    pub(super) fn lease(&mut self, lease: &Lease) -> Result<Vec<StoredMessage>, Fault> {
        let name = &lease.queue;
        let mut queue = self.known_queue(name)?;
        self.make_ready(name, &mut queue, sql(lease.now.0))?;
        let mut heads = Heads::load(self.conn, &mut queue)?;
        let (mut leased, mut bytes) = (Vec::new(), 0);
        while leased.len() < lease.max.min(self.limits.list_page)
            && bytes < self.limits.read_bytes
            && let Some(lane) = choose(lease.now, lease.lane_wait_max, &heads.lanes)
            && let Some(head) = heads.heads[lane]
        {
            heads.advance(self.conn, &mut queue, lane)?;
            match self.take(lease, &mut queue, head.seq, leased.len()) {
                Ok(message) => {
                    heads.serve(&mut queue, lane, lease.now);
                    bytes += message.data.len();
                    leased.push(message);
                }
                Err(fault) if fault.is_of_a_record() => self.put_aside(&mut queue, head.seq, State::Ready)?,
                Err(fault) => return Err(fault),
            }
        }
        self.state.queues.set(name, queue);
        Ok(leased)
    }

    fn take(&mut self, lease: &Lease, queue: &mut Queue, seq: i64, number: usize) -> Result<StoredMessage, Fault> {
        let mut message = Message::by_seq(self.conn, &lease.queue, seq)?;
        let data = message.data(self.conn, &lease.queue)?;
        queue.let_out(message.state);
        if !message.taken {
            queue.counts.first_leases += 1;
            queue.counts.waited_ms += lease.now.0.saturating_sub(message.ready_at.cast_unsigned());
        }
        message.taken = true;
        message.state = State::Leased;
        message.due = sql(lease.until.0);
        message.token = Some(format!("{}.{number}", lease.token).into());
        message.save(self.conn, &lease.queue)?;
        queue.take_in(&message);
        Ok(message.with_data(data))
    }

    /// Gives their places to the messages whose delay or lease has ended.
    pub(super) fn make_ready(&mut self, name: &str, queue: &mut Queue, now: i64) -> Result<(), Fault> {
        if queue.memory.next_due > now {
            return Ok(());
        }
        for (seq, state) in Message::due(self.conn, queue.id, now, MADE_READY_MAX)? {
            match Message::by_seq(self.conn, name, seq) {
                Ok(message) => self.make_one_ready(name, queue, message)?,
                Err(fault) if fault.is_of_a_record() => self.put_aside(queue, seq, state)?,
                Err(fault) => return Err(fault),
            }
        }
        queue.memory.next_due = first_due(self.conn, queue.id)?.unwrap_or(i64::MAX);
        Ok(())
    }

    fn make_one_ready(&mut self, name: &str, queue: &mut Queue, mut message: Message) -> Result<()> {
        queue.let_out(message.state);
        if message.state == State::Leased {
            message.expiries += 1;
            message.token = None;
        } else {
            message.position = sql(self.state.numbers.next_revision());
        }
        message.state = State::Ready;
        message.due = message.ready_at;
        message.save(self.conn, name)?;
        queue.take_in(&message);
        Ok(())
    }

    fn put_aside(&mut self, queue: &mut Queue, seq: i64, state: State) -> Result<(), Fault> {
        queue.let_out(state);
        Ok(set_aside(self.conn, seq)?)
    }
}

// === impl Heads ===

impl Heads {
    fn load(conn: &Connection, queue: &mut Queue) -> Result<Self> {
        let mut heads = Self { lanes: [Lane::default(); LANES], heads: [None; LANES] };
        for lane in 0..LANES {
            heads.lanes[lane].served = queue.memory.served[lane];
            if queue.memory.occupied[lane] {
                heads.look(conn, queue, lane, i64::MIN)?;
            }
        }
        Ok(heads)
    }

    /// Goes on to the next message of a lane.
    fn advance(&mut self, conn: &Connection, queue: &mut Queue, lane: usize) -> Result<()> {
        let after = self.heads[lane].map_or(i64::MIN, |head| head.position);
        self.look(conn, queue, lane, after)
    }

    /// Records that a message of this lane was taken.
    fn serve(&mut self, queue: &mut Queue, lane: usize, now: Timestamp) {
        self.lanes[lane].served = Some(now);
        queue.memory.served[lane] = Some(now);
    }

    fn look(&mut self, conn: &Connection, queue: &mut Queue, lane: usize, after: i64) -> Result<()> {
        let head = lane_head(conn, queue.id, lane, after)?;
        self.heads[lane] = head;
        self.lanes[lane].ready_since = head.map(|head| Timestamp(head.ready_at.cast_unsigned()));
        queue.memory.occupied[lane] = head.is_some();
        Ok(())
    }
}
