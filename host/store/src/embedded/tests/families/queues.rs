//! Queues as lists of messages.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use switchyard_core::{
    lanes::{LANES, Lane, choose},
    timestamp::Timestamp,
};

use crate::{
    Backend, Embedded, Enqueue, Lease, LeaseRef, QueueOp, QueueOutcome, QueueUsage, StoredMessage, limits::cut,
};

type Key = (Arc<str>, Arc<str>);

#[derive(Debug, Clone, Default)]
pub(super) struct Queues {
    queues: BTreeMap<Arc<str>, Queue>,
    /// By queue and key: until when, and which message.
    dedup: BTreeMap<Key, (Timestamp, Arc<str>)>,
    /// Counts places and arrivals.
    counter: u64,
}

#[derive(Debug, Clone, Default)]
struct Queue {
    messages: Vec<Message>,
    served: [Option<Timestamp>; LANES],
    usage: QueueUsage,
}

#[derive(Debug, Clone)]
struct Message {
    id: Arc<str>,
    data: Bytes,
    priority: u8,
    enqueued_at: Timestamp,
    arrival: u64,
    state: State,
    /// Where it stands in its lane, and since when.
    place: (u64, Timestamp),
    failures: u32,
    expiries: u32,
    reason: Arc<str>,
    was_leased: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Ready,
    Delayed(Timestamp),
    Leased(Arc<str>, Timestamp),
}

// === impl Queues ===

impl Queues {
    /// The id of some message.
    pub(super) fn any_id(&self, which: usize) -> Arc<str> {
        let ids: Vec<_> = self.queues.values().flat_map(|queue| &queue.messages).map(|message| &message.id).collect();
        if ids.is_empty() { "new".into() } else { ids[which % ids.len()].clone() }
    }

    /// The id and token of some lease.
    pub(super) fn any_lease(&self, queue: &str, which: usize) -> (Arc<str>, Arc<str>) {
        let messages = self.queues.get(queue).map(|queue| &queue.messages[..]).unwrap_or_default();
        let leases: Vec<_> = messages.iter().filter_map(|message| Some((&message.id, message.token()?))).collect();
        if leases.is_empty() {
            ("none".into(), "none".into())
        } else {
            let (id, token) = leases[which % leases.len()];
            (id.clone(), token.clone())
        }
    }

    pub(super) fn reopen(&mut self) {
        for queue in self.queues.values_mut() {
            queue.served = [None; LANES];
        }
    }

    pub(super) fn apply(&mut self, op: &QueueOp) -> Option<QueueOutcome> {
        match op {
            QueueOp::Enqueue(enqueue) => return self.enqueue(enqueue),
            QueueOp::Lease(lease) => {
                let counter = &mut self.counter;
                return Some(QueueOutcome::Leased(self.queues.get_mut(&lease.queue)?.lease(lease, counter)));
            }
            QueueOp::Ack { lease } => {
                let (queue, index) = self.held(lease)?;
                queue.messages.remove(index);
                queue.usage.dequeued += 1;
            }
            QueueOp::Fail { lease } => {
                let (queue, index) = self.held(lease)?;
                queue.messages.remove(index);
                queue.usage.failed += 1;
            }
            QueueOp::Return { lease, ready_at, failures, reason } => {
                let (queue, index) = self.held(lease)?;
                let message = &mut queue.messages[index];
                message.failures = *failures;
                message.reason = cut(reason, 4).into();
                message.state = if *ready_at <= lease.now { State::Ready } else { State::Delayed(*ready_at) };
            }
            QueueOp::Extend { lease, until } => {
                let (queue, index) = self.held(lease)?;
                queue.messages[index].state = State::Leased(lease.token.clone(), *until);
            }
            QueueOp::ExpireDedup { before, max } => {
                let mut ended: Vec<_> = self
                    .dedup
                    .iter()
                    .filter(|(_, (until, _))| until < before)
                    .map(|(key, (until, _))| (*until, key.clone()))
                    .collect();
                ended.sort();
                for (_, key) in ended.into_iter().take(*max) {
                    self.dedup.remove(&key);
                }
            }
        }
        Some(QueueOutcome::Done)
    }

    fn enqueue(&mut self, enqueue: &Enqueue) -> Option<QueueOutcome> {
        let now = enqueue.enqueued_at;
        if let Some((key, _)) = &enqueue.dedup
            && let Some((until, id)) = self.dedup.get(&(enqueue.queue.clone(), key.clone()))
            && *until > now
        {
            return Some(QueueOutcome::Enqueued { id: id.clone(), duplicate: true });
        }
        let is_taken = self.queues.values().flat_map(|queue| &queue.messages).any(|message| message.id == enqueue.id);
        let queue = self.queues.entry(enqueue.queue.clone()).or_default();
        queue.make_ready(now, &mut self.counter);
        let size = queue.messages.iter().filter(|message| message.token().is_none()).count() as u64;
        if size >= enqueue.size_max || is_taken {
            return None;
        }
        self.counter += 1;
        let is_ready = enqueue.ready_at <= now;
        queue.messages.push(Message {
            id: enqueue.id.clone(),
            data: enqueue.data.clone(),
            priority: enqueue.priority,
            enqueued_at: now,
            arrival: self.counter,
            state: if is_ready { State::Ready } else { State::Delayed(enqueue.ready_at) },
            place: (self.counter, enqueue.ready_at),
            failures: 0,
            expiries: 0,
            reason: "".into(),
            was_leased: false,
        });
        queue.usage.enqueued += 1;
        if let Some((key, until)) = &enqueue.dedup {
            self.dedup.insert((enqueue.queue.clone(), key.clone()), (*until, enqueue.id.clone()));
        }
        Some(QueueOutcome::Enqueued { id: enqueue.id.clone(), duplicate: false })
    }

    fn held(&mut self, lease: &LeaseRef) -> Option<(&mut Queue, usize)> {
        let queue = self.queues.get_mut(&lease.queue)?;
        let index = queue.messages.iter().position(|message| {
            message.id == lease.id
                && matches!(&message.state, State::Leased(token, until) if *token == lease.token && *until > lease.now)
        })?;
        Some((queue, index))
    }

    pub(super) async fn compare(&self, store: &Embedded, now: Timestamp) {
        let expected: Vec<_> = self.queues.iter().map(|(name, queue)| queue.usage_at(name, now)).collect();
        assert_eq!(store.queues(now).await.unwrap(), expected);
        for (name, queue) in &self.queues {
            for message in &queue.messages {
                let stored = store.queue_message(name, &message.id).await.unwrap();
                assert_eq!(stored, Some(message.stored()));
            }
            let due = store.queue_next_due(name).await.unwrap();
            let is_ready = queue.messages.iter().any(|message| message.state == State::Ready);
            let next = queue.messages.iter().filter_map(Message::due).min();
            assert_eq!(due, if is_ready { Some(Timestamp(0)) } else { next }, "of {name}");
        }
    }
}

// === impl Queue ===

impl Queue {
    fn make_ready(&mut self, now: Timestamp, counter: &mut u64) {
        for message in &mut self.messages {
            if matches!(message.state, State::Leased(_, until) if until <= now) {
                message.state = State::Ready;
                message.expiries += 1;
            }
        }
        let mut due: Vec<_> = self
            .messages
            .iter_mut()
            .filter_map(|message| match message.state {
                State::Delayed(at) if at <= now => Some((at, message)),
                _ => None,
            })
            .collect();
        due.sort_by_key(|(at, message)| (*at, message.arrival));
        for (at, message) in due {
            *counter += 1;
            message.state = State::Ready;
            message.place = (*counter, at);
        }
    }

    fn lease(&mut self, lease: &Lease, counter: &mut u64) -> Vec<StoredMessage> {
        self.make_ready(lease.now, counter);
        let mut leased = Vec::new();
        while leased.len() < lease.max {
            let lanes: [Lane; LANES] = std::array::from_fn(|lane| Lane {
                ready_since: self.head(lane).map(|message| message.place.1),
                served: self.served[lane],
            });
            let Some(lane) = choose(lease.now, lease.lane_wait_max, &lanes) else { break };
            self.served[lane] = Some(lease.now);
            let id = self.head(lane).unwrap().id.clone();
            let message = self.messages.iter_mut().find(|message| message.id == id).unwrap();
            if !message.was_leased {
                message.was_leased = true;
                self.usage.first_leases += 1;
                self.usage.waited_ms += lease.now.0.saturating_sub(message.place.1.0);
            }
            let token = format!("{}.{}", lease.token, leased.len());
            message.state = State::Leased(token.into(), lease.until);
            leased.push(message.stored());
        }
        leased
    }

    fn head(&self, lane: usize) -> Option<&Message> {
        let ready = self.messages.iter().filter(|m| m.state == State::Ready && usize::from(m.priority) == lane);
        ready.min_by_key(|message| message.place)
    }

    fn usage_at(&self, name: &Arc<str>, now: Timestamp) -> QueueUsage {
        let count = |is: &dyn Fn(&&Message) -> bool| self.messages.iter().filter(is).count() as u64;
        let is_due = |message: &&Message| message.due().is_none_or(|due| due <= now);
        // In each lane only the first place counts, as after a clock that was set back.
        let heads = (0..LANES).filter_map(|lane| self.head(lane)).map(|message| message.place.1);
        let due = self.messages.iter().filter(|message| message.due().is_some_and(|due| due <= now));
        let due = due.map(|message| match message.state {
            State::Delayed(at) => at,
            _ => message.place.1,
        });
        QueueUsage {
            queue: name.clone(),
            waiting: count(&is_due),
            delayed: count(&|m| matches!(m.state, State::Delayed(at) if at > now)),
            in_flight: count(&|m| matches!(m.state, State::Leased(_, until) if until > now)),
            oldest_ready_at: heads.chain(due).min(),
            ..self.usage.clone()
        }
    }
}

// === impl Message ===

impl Message {
    fn token(&self) -> Option<&Arc<str>> {
        if let State::Leased(token, _) = &self.state { Some(token) } else { None }
    }

    /// When it is ready or its lease ends, if it is not ready.
    fn due(&self) -> Option<Timestamp> {
        match self.state {
            State::Ready => None,
            State::Delayed(at) | State::Leased(_, at) => Some(at),
        }
    }

    fn stored(&self) -> StoredMessage {
        StoredMessage {
            id: self.id.clone(),
            token: self.token().cloned(),
            data: self.data.clone(),
            priority: self.priority,
            failures: self.failures,
            expiries: self.expiries,
            enqueued_at: self.enqueued_at,
            due: self.due().unwrap_or(self.place.1),
            reason: self.reason.clone(),
        }
    }
}
