//! Whom moves of breakers are told, and how many there were.
//!
//! Breakers end with their instances; how often those of a service have moved is counted here, where it goes on.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use switchyard_core::{breaker::State, name::ServiceName};
use tokio::sync::broadcast;

use super::BreakerChange;

/// The most services and states that moves are counted of; services that come later are not counted.
const COUNTED_MAX: usize = 10_000;

/// Those who listen. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Listeners {
    sender: broadcast::Sender<BreakerChange>,
    moves: Arc<Mutex<HashMap<(ServiceName, State), u64>>>,
}

// === impl Listeners ===

impl Listeners {
    /// Nobody yet; one who is slower than so many moves misses the oldest.
    pub(crate) fn new(waiting_max: usize) -> Self {
        Self { sender: broadcast::Sender::new(waiting_max), moves: Arc::default() }
    }

    /// Whoever listens from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<BreakerChange> {
        self.sender.subscribe()
    }

    /// Tells and counts a move.
    pub(super) fn tell(&self, change: BreakerChange) {
        {
            let (mut moves, key) = (self.lock(), (change.service.clone(), change.to));
            if moves.len() < COUNTED_MAX || moves.contains_key(&key) {
                *moves.entry(key).or_default() += 1;
            }
        }
        // That nobody listens is no failure.
        let _ = self.sender.send(change);
    }

    /// How often breakers of each service have come to stand where.
    pub(crate) fn moves(&self) -> Vec<((ServiceName, State), u64)> {
        self.lock().iter().map(|(key, count)| (key.clone(), *count)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(ServiceName, State), u64>> {
        self.moves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
