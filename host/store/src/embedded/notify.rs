//! Telling others what was committed: the log's head, queues, keys.
//!
//! **Invariant**: only after COMMIT, and after the cache knows, so that whoever is told and reads sees it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{broadcast, watch};

use super::cache::{CacheKey, Slot};
use crate::KvChange;

/// Channels beyond which those that nobody listens to are looked for.
const CHANNELS_MIN: usize = 64;

#[derive(Debug)]
pub(super) struct Notify {
    head: watch::Sender<u64>,
    queues: Mutex<Channels<watch::Sender<u64>>>,
    buckets: Mutex<Channels<broadcast::Sender<KvChange>>>,
    backlog: usize,
}

/// Senders by name; those without a receiver are let go as new ones come.
#[derive(Debug)]
struct Channels<S> {
    senders: HashMap<Arc<str>, S>,
    /// How many there may be before the next search.
    search_at: usize,
}

/// A sender that knows whether anybody listens.
trait Sender {
    fn is_heard(&self) -> bool;
}

// === impl Notify ===

impl Notify {
    pub(super) fn new(backlog: usize) -> Self {
        Self {
            head: watch::Sender::new(0),
            queues: Mutex::default(),
            buckets: Mutex::default(),
            // A channel without room is none.
            backlog: backlog.max(1),
        }
    }

    pub(super) fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    pub(super) fn queue(&self, name: &str) -> watch::Receiver<u64> {
        let mut channels = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        channels.get(name, || watch::Sender::new(0)).subscribe()
    }

    pub(super) fn bucket(&self, name: &str) -> broadcast::Receiver<KvChange> {
        let mut channels = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        channels.get(name, || broadcast::Sender::new(self.backlog)).subscribe()
    }

    pub(super) fn tell_head(&self, head: u64) {
        // Asked first, since somebody may hold a borrow.
        if *self.head.borrow() != head {
            self.head.send_replace(head);
        }
    }

    pub(super) fn tell_queues(&self, queues: &[Arc<str>]) {
        if queues.is_empty() {
            return;
        }
        let channels = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        for sender in queues.iter().filter_map(|name| channels.senders.get(name)) {
            sender.send_modify(|changes| *changes += 1);
        }
    }

    pub(super) fn tell_keys(&self, keys: &[(CacheKey, Slot)]) {
        if keys.is_empty() {
            return;
        }
        let channels = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if channels.senders.is_empty() {
            return;
        }
        for (key, slot) in keys {
            if let Some(sender) = channels.senders.get(&key.bucket) {
                // Err means that nobody listens any more.
                let _ = sender.send(KvChange { key: key.key.clone(), entry: slot.clone() });
            }
        }
    }
}

// === impl Channels ===

impl<S: Sender> Channels<S> {
    fn get(&mut self, name: &str, make: impl FnOnce() -> S) -> &S {
        if self.senders.len() >= self.search_at {
            self.senders.retain(|_, sender| sender.is_heard());
            self.search_at = (2 * self.senders.len()).max(CHANNELS_MIN);
        }
        if !self.senders.contains_key(name) {
            self.senders.insert(name.into(), make());
        }
        &self.senders[name]
    }
}

impl<S> Default for Channels<S> {
    fn default() -> Self {
        Self { senders: HashMap::new(), search_at: CHANNELS_MIN }
    }
}

// === impl Sender ===

impl Sender for watch::Sender<u64> {
    fn is_heard(&self) -> bool {
        self.receiver_count() > 0
    }
}

impl Sender for broadcast::Sender<KvChange> {
    fn is_heard(&self) -> bool {
        self.receiver_count() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_without_receivers_are_let_go() {
        let notify = Notify::new(4);
        let kept = notify.queue("kept");
        for n in 0..10 * CHANNELS_MIN {
            drop(notify.queue(&n.to_string()));
        }
        assert!(notify.queues.lock().unwrap().senders.len() <= CHANNELS_MIN);
        notify.tell_queues(&["kept".into(), "unknown".into()]);
        assert_eq!(*kept.borrow(), 1);
    }

    #[test]
    fn head_wakes_only_when_it_moved() {
        let notify = Notify::new(4);
        let mut head = notify.head();
        notify.tell_head(3);
        assert!(head.has_changed().unwrap());
        assert_eq!(*head.borrow_and_update(), 3);
        notify.tell_head(3);
        assert!(!head.has_changed().unwrap());
    }
}
