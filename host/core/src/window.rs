//! Which event of the log a subscription may deliver now, and how far its durable floor may move.
//!
//! Events of one key go one after the other, in the order of the log, also across retries; other keys go on
//! meanwhile. Results count in two steps, since an outcome is durable only after its commit: [`Window::finished`]
//! says what to commit, [`Window::confirmed`] or [`Window::unconfirmed`] what became of that. Commits may fail one by
//! one, so no floor rests on a commit that is still under way, except on the one that carries it.
//!
//! **Invariant**: the floor never passes an event that is neither settled nor has a durable retry.
//! **Invariant**: of a key, only the lowest sequence is ever ready, delayed or in flight.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use crate::timestamp::Timestamp;

/// The bounds of one subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Deliveries under way at once; 64.
    pub in_flight_max: usize,
    /// Events read that are neither settled nor have a durable retry; 10,000. They are what a crash delivers again
    /// at most, and what memory holds (sequence and key, not the event).
    pub unsettled_max: usize,
    /// Events with a durable retry; 1,000.
    pub retries_max: usize,
}

/// An event to be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Go {
    /// Its place in the log.
    pub sequence: u64,
    /// 1 the first time.
    pub attempt: u32,
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nothing more is owed.
    Done,
    /// It failed, and is due again then; to be made durable.
    Retry(Timestamp),
}

/// The window of one subscription.
#[derive(Clone, Debug)]
pub struct Window {
    config: Config,
    /// Everything up to here was read.
    read: u64,
    items: BTreeMap<u64, Item>,
    /// Those of `items` that no retry in the store stands for.
    unsettled: BTreeSet<u64>,
    /// Settled in the store already, and not read yet.
    settled_ahead: BTreeSet<u64>,
    ready: BTreeSet<u64>,
    delayed: BTreeSet<(Timestamp, u64)>,
    /// The sequences of each key; the first one is at work.
    keys: HashMap<Arc<str>, BTreeSet<u64>>,
    in_flight: usize,
}

#[derive(Clone, Debug)]
struct Item {
    key: Option<Arc<str>>,
    /// Attempts that failed.
    failed: u32,
    /// Not before then, when its turn comes.
    due: Option<Timestamp>,
    /// It is to be delivered again from then on, once what is being committed is durable.
    again: Option<Timestamp>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Behind another one of its key.
    Behind,
    Ready,
    Delayed(Timestamp),
    InFlight,
    Committing(Ended),
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self { in_flight_max: 64, unsettled_max: 10_000, retries_max: 1_000 }
    }
}

// === impl Window ===

impl Window {
    /// A window on what the store says: its floor, and what is settled above it.
    pub fn new(config: Config, floor: u64, settled: impl IntoIterator<Item = u64>) -> Self {
        Self {
            config,
            read: floor,
            items: BTreeMap::new(),
            unsettled: BTreeSet::new(),
            settled_ahead: settled.into_iter().collect(),
            ready: BTreeSet::new(),
            delayed: BTreeSet::new(),
            keys: HashMap::new(),
            in_flight: 0,
        }
    }

    /// Takes in a retry that the store has. One that is known already changes nothing; one of an event whose end is
    /// being committed follows that commit, since in the store it did.
    pub fn retry(&mut self, sequence: u64, key: Option<Arc<str>>, failed: u32, due: Timestamp) {
        match self.items.get_mut(&sequence) {
            Some(item) if item.state == State::Committing(Ended::Done) => item.again = Some(due),
            Some(_) => {}
            None => self.insert(sequence, key, failed, Some(due)),
        }
    }

    /// After which sequence to read on; none while there is no room.
    pub fn wants(&self) -> Option<u64> {
        let retries = self.items.len() - self.unsettled.len();
        (self.unsettled.len() < self.config.unsettled_max && retries < self.config.retries_max).then_some(self.read)
    }

    /// Takes in an event that was read, and wants to be delivered. Events come in the order of the log.
    pub fn offer(&mut self, sequence: u64, key: Option<Arc<str>>) {
        if sequence > self.read && !self.settled_ahead.remove(&sequence) && !self.items.contains_key(&sequence) {
            self.unsettled.insert(sequence);
            self.insert(sequence, key, 0, None);
        }
    }

    /// Everything up to here was read: what was not offered is of no concern.
    pub fn scanned(&mut self, up_to: u64) {
        self.read = self.read.max(up_to);
        self.settled_ahead = self.settled_ahead.split_off(&(self.read + 1));
    }

    /// The event to deliver now, if any; it is in flight from then on. Retries that are due go first.
    pub fn next(&mut self, now: Timestamp) -> Option<Go> {
        if self.in_flight >= self.config.in_flight_max {
            return None;
        }
        let sequence = match self.delayed.first() {
            Some((due, sequence)) if *due <= now => {
                let sequence = *sequence;
                self.delayed.pop_first();
                sequence
            }
            _ => self.ready.pop_first()?,
        };
        let item = self.items.get_mut(&sequence)?;
        item.state = State::InFlight;
        self.in_flight += 1;
        Some(Go { sequence, attempt: item.failed + 1 })
    }

    /// Whether there is something to deliver now.
    pub fn has_next(&self, now: Timestamp) -> bool {
        let is_due = self.delayed.first().is_some_and(|(due, _)| *due <= now);
        self.in_flight < self.config.in_flight_max && (is_due || !self.ready.is_empty())
    }

    /// A delivery ended, and its outcome is about to be committed. Answers the floor that goes into that commit.
    pub fn finished(&mut self, sequence: u64, ended: Ended) -> u64 {
        if let Some(item) = self.items.get_mut(&sequence).filter(|item| item.state == State::InFlight) {
            item.state = State::Committing(ended);
        }
        let mut others = self.unsettled.iter().filter(|other| **other != sequence);
        others.next().map_or(self.read, |first| first - 1)
    }

    /// The outcome of an event is durable.
    pub fn confirmed(&mut self, sequence: u64) {
        let Some(item) = self.items.get_mut(&sequence) else { return };
        let State::Committing(ended) = item.state else { return };
        self.in_flight -= 1;
        self.unsettled.remove(&sequence);
        match ended {
            Ended::Retry(due) => {
                item.failed += 1;
                self.delay(sequence, due);
            }
            Ended::Done => {
                let (key, again) = (item.key.clone(), item.again);
                self.remove(sequence);
                if let Some(due) = again {
                    return self.insert(sequence, key, 0, Some(due));
                }
                // A retry from before a restart, which will be read as well.
                if sequence > self.read {
                    self.settled_ahead.insert(sequence);
                }
            }
        }
    }

    /// The outcome of an event could not be committed: it is delivered again, at least once being what is promised.
    pub fn unconfirmed(&mut self, sequence: u64, again: Timestamp) {
        let Some(State::Committing(_)) = self.items.get(&sequence).map(|item| item.state) else { return };
        self.in_flight -= 1;
        self.delay(sequence, again);
    }

    /// A delivery did not take place, or the handler asked for a pause: again then, and no attempt is counted.
    pub fn deferred(&mut self, sequence: u64, again: Timestamp) {
        let Some(State::InFlight) = self.items.get(&sequence).map(|item| item.state) else { return };
        self.in_flight -= 1;
        self.delay(sequence, again);
    }

    /// An outcome that was about to be committed was refused, and its delivery goes on.
    pub fn reverted(&mut self, sequence: u64) {
        if let Some(item) = self.items.get_mut(&sequence)
            && matches!(item.state, State::Committing(_))
        {
            item.state = State::InFlight;
        }
    }

    /// Whether an event is being delivered, and its outcome is not being committed yet.
    pub fn is_in_flight(&self, sequence: u64) -> bool {
        self.items.get(&sequence).is_some_and(|item| item.state == State::InFlight)
    }

    /// Events that could be delivered at once, if there was room.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// When the next delay ends.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.delayed.first().map(|(due, _)| *due)
    }

    /// Deliveries under way, with those whose outcome is being committed.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Events that have failed, and wait for another attempt.
    pub fn retrying(&self) -> usize {
        self.items.len() - self.unsettled.len()
    }

    /// The floor as it would be if it were written now.
    pub fn floor(&self) -> u64 {
        self.unsettled.first().map_or(self.read, |first| first - 1)
    }

    fn insert(&mut self, sequence: u64, key: Option<Arc<str>>, failed: u32, due: Option<Timestamp>) {
        if let Some(key) = &key {
            let of_key = self.keys.entry(Arc::clone(key)).or_default();
            let first = of_key.first().copied();
            of_key.insert(sequence);
            match first {
                // What is under way stays so; whoever waits behind it waits on.
                Some(first) if first < sequence || self.is_busy(first) => {
                    self.items.insert(
                        sequence,
                        Item { key: Some(Arc::clone(key)), failed, due, again: None, state: State::Behind },
                    );
                    return;
                }
                Some(first) => self.hold_back(first),
                None => {}
            }
        }
        self.items.insert(sequence, Item { key, failed, due, again: None, state: State::Behind });
        self.make_ready(sequence);
    }

    fn is_busy(&self, sequence: u64) -> bool {
        let state = self.items.get(&sequence).map(|item| item.state);
        matches!(state, Some(State::InFlight | State::Committing(_)))
    }

    /// Another one of its key goes first.
    fn hold_back(&mut self, sequence: u64) {
        if let Some(item) = self.items.get_mut(&sequence) {
            match std::mem::replace(&mut item.state, State::Behind) {
                State::Ready => drop(self.ready.remove(&sequence)),
                State::Delayed(due) => drop(self.delayed.remove(&(due, sequence))),
                _ => {}
            }
        }
    }

    /// It is the first of its key: now, or when it is due.
    fn make_ready(&mut self, sequence: u64) {
        let Some(item) = self.items.get_mut(&sequence) else { return };
        match item.due {
            Some(due) => {
                item.state = State::Delayed(due);
                self.delayed.insert((due, sequence));
            }
            None => {
                item.state = State::Ready;
                self.ready.insert(sequence);
            }
        }
    }

    fn delay(&mut self, sequence: u64, due: Timestamp) {
        let first = self.first_of_key(sequence).unwrap_or(sequence);
        if let Some(item) = self.items.get_mut(&sequence) {
            item.due = Some(due);
            item.state = State::Behind;
        }
        // One that came in meanwhile and is older goes first.
        self.make_ready(first);
    }

    fn first_of_key(&self, sequence: u64) -> Option<u64> {
        let key = self.items.get(&sequence)?.key.as_ref()?;
        self.keys.get(key)?.first().copied()
    }

    fn remove(&mut self, sequence: u64) {
        let Some(Item { key: Some(key), .. }) = self.items.remove(&sequence) else { return };
        let Some(of_key) = self.keys.get_mut(&key) else { return };
        of_key.remove(&sequence);
        match of_key.first().copied() {
            Some(next) => self.make_ready(next),
            None => drop(self.keys.remove(&key)),
        }
    }
}

#[cfg(test)]
mod tests;
