//! The host's places for deliveries: so many at once, given by priority, and nobody waits for ever.
//!
//! Whoever is called has a share that is a part of them, so that one whose handlers hang holds no place of others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use switchyard_core::turns::Turns;
use tokio::sync::oneshot;

use crate::clock;

/// The places of the host.
pub(crate) struct Places {
    config: Config,
    state: Mutex<State>,
}

/// The bounds of places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    /// All places.
    pub(crate) count: usize,
    /// The most that one share has at once.
    pub(crate) share_max: usize,
    /// Whoever has waited for so long goes before all others.
    pub(crate) wait_max: Duration,
}

struct State {
    free: usize,
    /// Places in use by share.
    shares: HashMap<Arc<str>, usize>,
    turns: Turns,
    waiting: HashMap<u64, (Arc<str>, oneshot::Sender<Place>)>,
}

/// One place; dropping it gives it to the next.
pub(crate) struct Place {
    places: Arc<Places>,
    share: Arc<str>,
}

/// A wish for a place; dropping it gives up waiting.
pub(crate) struct Ask {
    places: Arc<Places>,
    ticket: Option<u64>,
    granted: oneshot::Receiver<Place>,
}

// === impl Places ===

impl Places {
    pub(crate) fn new(config: Config) -> Arc<Self> {
        let (shares, waiting) = (HashMap::new(), HashMap::new());
        let state = State { free: config.count, shares, turns: Turns::default(), waiting };
        Arc::new(Self { config, state: Mutex::new(state) })
    }

    /// A place of this share, if one is free now.
    pub(crate) fn take(self: &Arc<Self>, share: &Arc<str>) -> Option<Place> {
        self.state().occupy(share, self.config.share_max).then(|| self.place(share))
    }

    /// Asks for a place of this share.
    pub(crate) fn ask(self: &Arc<Self>, share: &Arc<str>, priority: i32) -> Ask {
        let (grant, granted) = oneshot::channel();
        let mut state = self.state();
        let ticket = if state.occupy(share, self.config.share_max) {
            // The receiver is held, so nothing comes back.
            let _ = grant.send(self.place(share));
            None
        } else {
            let ticket = state.turns.ask(share, priority, clock::now());
            state.waiting.insert(ticket, (Arc::clone(share), grant));
            Some(ticket)
        };
        Ask { places: Arc::clone(self), ticket, granted }
    }

    /// A place is free again: one who waits gets it.
    fn pass_on(self: &Arc<Self>, share: &Arc<str>) {
        let mut state = self.state();
        state.vacate(share);
        let State { turns, waiting, shares, .. } = &mut *state;
        let may = |share: &str| shares.get(share).copied().unwrap_or_default() < self.config.share_max;
        let next = turns.next(clock::now(), self.config.wait_max, may).and_then(|ticket| waiting.remove(&ticket));
        let Some((share, grant)) = next else { return };
        state.occupy(&share, self.config.share_max);
        drop(state);
        // One that gave up at this very moment drops the place, which passes it on again.
        drop(grant.send(self.place(&share)));
    }

    fn place(self: &Arc<Self>, share: &Arc<str>) -> Place {
        Place { places: Arc::clone(self), share: Arc::clone(share) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    fn occupy(&mut self, share: &Arc<str>, share_max: usize) -> bool {
        let used = self.shares.get(share).copied().unwrap_or_default();
        if self.free == 0 || used >= share_max {
            return false;
        }
        self.free -= 1;
        self.shares.insert(Arc::clone(share), used + 1);
        true
    }

    fn vacate(&mut self, share: &Arc<str>) {
        self.free += 1;
        match self.shares.get_mut(share) {
            Some(used) if *used > 1 => *used -= 1,
            _ => drop(self.shares.remove(share)),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.pass_on(&self.share);
    }
}

// === impl Ask ===

impl Ask {
    /// Waits for the place. It may be dropped and called again.
    pub(crate) async fn granted(&mut self) -> Option<Place> {
        let place = (&mut self.granted).await.ok();
        self.ticket = None;
        place
    }
}

impl Drop for Ask {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let mut state = self.places.state();
            state.turns.leave(ticket);
            let grant = state.waiting.remove(&ticket);
            drop(state);
            drop(grant);
        }
    }
}

/// Waits for the place that was asked for, for ever when none was.
pub(crate) async fn granted(ask: &mut Option<Ask>) -> Option<Place> {
    match ask {
        Some(ask) => ask.granted().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn places(count: usize, share_max: usize, wait_max: Duration) -> Arc<Places> {
        Places::new(Config { count, share_max, wait_max })
    }

    #[tokio::test]
    async fn the_highest_gets_the_next_place_and_those_who_left_none() {
        let (places, own) = (places(1, 9, LONG), Arc::from("a"));
        let first = places.take(&own).unwrap();
        assert!(places.take(&own).is_none());
        let (mut low, gone, mut high) = (places.ask(&own, 0), places.ask(&own, 9), places.ask(&own, 5));
        drop(gone);
        drop(first);
        let place = high.granted().await.unwrap();
        assert!(low.granted.try_recv().is_err());
        drop(place);
        assert!(low.granted().await.is_some());
        assert!(places.take(&own).is_some());
    }

    #[tokio::test]
    async fn who_waited_long_enough_goes_first() {
        let (places, own) = (places(1, 9, Duration::ZERO), Arc::from("a"));
        let held = places.take(&own).unwrap();
        let (mut low, _high) = (places.ask(&own, -5), places.ask(&own, 5));
        drop(held);
        assert!(low.granted().await.is_some());
    }

    #[tokio::test]
    async fn a_share_that_is_used_up_holds_no_place_of_others() {
        let (places, bad, good) = (places(3, 2, LONG), Arc::from("bad"), Arc::from("good"));
        let held = [places.take(&bad).unwrap(), places.take(&bad).unwrap()];
        assert!(places.take(&bad).is_none());
        let mut asking = places.ask(&bad, 9);
        let own = places.take(&good).unwrap();
        drop(own);
        assert!(asking.granted.try_recv().is_err());
        assert!(places.take(&good).is_some());
        drop(held);
        assert!(asking.granted().await.is_some());
        let state = places.state();
        assert_eq!((state.free, state.shares.len()), (3, 0));
    }
}
