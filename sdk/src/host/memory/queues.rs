//! The queues of the host in memory: with lanes, leases, delays, back-off and dead letters, by the host's clock.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use super::{Host, events::DATA_MAX, now, with};
use crate::bindings::switchyard::plugin::queue_types::{Draft, Message};
use crate::clock::Timestamp;
use crate::queues::Error;
use crate::uuid;

/// Waiting and delayed messages that a queue holds; the host's default.
const SIZE_MAX: usize = 1_000;

/// Attempts before the dead letter; the host's default.
const ATTEMPTS_MAX: u32 = 3;

/// How long a lease lasts; the host's default.
const VISIBILITY_MS: u64 = 30_000;

#[derive(Default)]
pub(super) struct Queue {
    /// In the order in which they were enqueued.
    messages: Vec<Stored>,
    /// Ids of messages by deduplication id.
    known: BTreeMap<String, String>,
}

struct Stored {
    /// Its token is that of the last lease; empty before the first.
    message: Message,
    /// Since when it may be leased: its delay, its back-off or its lease ended then.
    ready: Duration,
    leased: bool,
}

pub(crate) fn enqueue(draft: Draft) -> Result<String, Error> {
    check(&draft).map_err(Error::Invalid)?;
    let (id, now) = (uuid::v7(), now());
    with(|host| {
        host.room_for(&draft.queue, 1).map_err(Error::Full)?;
        Ok(host.enqueue(draft, id, now))
    })
}

pub(crate) fn lease(queue: &str, max: u32, visibility_ms: Option<u64>) -> Result<Vec<Message>, Error> {
    let now = now();
    let until = now + Duration::from_millis(visibility_ms.unwrap_or(VISIBILITY_MS));
    with(|host| {
        let lease = host.next_revision();
        let queue = host.queue(queue)?;
        let mut ready: Vec<&mut Stored> = queue.messages.iter_mut().filter(|stored| stored.ready <= now).collect();
        ready.sort_by_key(|stored| Reverse(stored.message.priority));
        let taken = ready.into_iter().take(max as usize).enumerate().map(|(at, stored)| {
            (stored.ready, stored.leased) = (until, true);
            stored.message.token = format!("{lease}-{at}");
            stored.message.clone()
        });
        Ok(taken.collect())
    })
}

pub(crate) fn ack(message: &Message) -> Result<(), Error> {
    settle(message, |_, _, _| ())
}

pub(crate) fn nack(message: &Message, _why: &str, delay_ms: Option<u64>) -> Result<(), Error> {
    settle(message, |host, mut stored, now| {
        if stored.message.attempt >= ATTEMPTS_MAX {
            host.dead_letters.push(stored.message);
            return;
        }
        let backoff = Duration::from_secs(2_u64.pow(stored.message.attempt));
        stored.ready = now + delay_ms.map_or(backoff, Duration::from_millis);
        stored.leased = false;
        stored.message.attempt += 1;
        host.put_back(stored);
    })
}

pub(crate) fn reject(message: &Message, _why: &str) -> Result<(), Error> {
    settle(message, |host, stored, _| host.dead_letters.push(stored.message))
}

pub(crate) fn extend(message: &Message, visibility_ms: u64) -> Result<(), Error> {
    settle(message, |host, mut stored, now| {
        stored.ready = now + Duration::from_millis(visibility_ms);
        host.put_back(stored);
    })
}

/// Gives a message back without counting an attempt, as the host does when a handler defers.
pub(crate) fn defer(message: &Message, delay: Duration) -> Result<(), Error> {
    settle(message, |host, mut stored, now| {
        (stored.ready, stored.leased) = (now + delay, false);
        host.put_back(stored);
    })
}

pub(crate) fn waiting(queue: &str) -> Vec<Message> {
    let now = now();
    let is_waiting = |stored: &&Stored| !stored.leased || stored.ready <= now;
    with(|host| {
        let queue = host.queues.get(queue);
        let waiting = queue.into_iter().flat_map(|queue| queue.messages.iter().filter(is_waiting));
        waiting.map(|stored| stored.message.clone()).collect()
    })
}

/// What the host would refuse.
pub(super) fn check(draft: &Draft) -> Result<(), String> {
    let Draft { queue, data, priority, .. } = draft;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':');
    if queue.is_empty() || !queue.bytes().all(is_name) {
        return Err(format!("'{queue}' is not a queue name"));
    }
    if *priority > 9 {
        return Err(format!("the priority {priority} is over 9"));
    }
    if data.len() > DATA_MAX {
        return Err(format!("the data has {} bytes, over the limit of {DATA_MAX}", data.len()));
    }
    Ok(())
}

fn settle(message: &Message, how: impl FnOnce(&mut Host, Stored, Duration)) -> Result<(), Error> {
    let now = now();
    with(|host| {
        let queue = host.queue(&message.queue)?;
        let at = queue.leased(message, now).ok_or(Error::NotLeased)?;
        let stored = queue.messages.remove(at);
        how(host, stored, now);
        Ok(())
    })
}

// === impl Host ===

impl Host {
    /// Whether so many more messages find room; else what the host says.
    pub(super) fn room_for(&self, queue: &str, more: usize) -> Result<(), String> {
        let messages = self.queues.get(queue).map_or(&[][..], |queue| &queue.messages);
        let held = messages.iter().filter(|stored| !stored.leased).count();
        if held + more > SIZE_MAX { Err(format!("Queue {queue} is full")) } else { Ok(()) }
    }

    /// Enqueues a message that was checked.
    pub(super) fn enqueue(&mut self, draft: Draft, id: String, now: Duration) -> String {
        let Draft { queue, data, priority, delay, dedup_id } = draft;
        let held = self.queues.entry(queue.clone()).or_default();
        if let Some(dedup_id) = dedup_id {
            if let Some(first) = held.known.get(&dedup_id) {
                return first.clone();
            }
            held.known.insert(dedup_id, id.clone());
        }
        let enqueued_at = Timestamp::from_unix(now).to_string();
        let message = Message { id: id.clone(), queue, token: String::new(), data, priority, attempt: 1, enqueued_at };
        let ready = now + Duration::from_millis(delay.unwrap_or(0));
        held.messages.push(Stored { message, ready, leased: false });
        id
    }

    /// Whether the lease of this message holds.
    pub(super) fn holds(&self, message: &Message, now: Duration) -> bool {
        self.queues.get(&message.queue).is_some_and(|queue| queue.leased(message, now).is_some())
    }

    /// Ends a message whose lease holds.
    pub(super) fn end(&mut self, message: &Message) {
        if let Some(queue) = self.queues.get_mut(&message.queue) {
            queue.messages.retain(|stored| stored.message.id != message.id);
        }
    }

    fn queue(&mut self, name: &str) -> Result<&mut Queue, Error> {
        self.queues.get_mut(name).ok_or_else(|| Error::NotFound(format!("there is no queue '{name}'")))
    }

    /// Keeps the order of enqueueing, which ids have too.
    fn put_back(&mut self, stored: Stored) {
        let queue = self.queues.entry(stored.message.queue.clone()).or_default();
        let at = queue.messages.partition_point(|other| other.message.id < stored.message.id);
        queue.messages.insert(at, stored);
    }
}

// === impl Queue ===

impl Queue {
    fn leased(&self, message: &Message, now: Duration) -> Option<usize> {
        let holds = |stored: &Stored| {
            stored.message.id == message.id
                && stored.message.token == message.token
                && stored.leased
                && stored.ready > now
        };
        self.messages.iter().position(holds)
    }
}
