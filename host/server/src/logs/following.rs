//! Following what is written: from a place on, as fast as whoever follows reads.

use std::{
    ops::Deref,
    sync::{Arc, atomic::Ordering},
};

use tokio::sync::watch;

use super::{Filter, LOOK, Line, Logs};

/// The most who follow at the same time: each keeps a connection.
pub(crate) const FOLLOWERS_MAX: usize = 64;

/// One who follows; there are at most [`FOLLOWERS_MAX`].
pub(crate) struct Follower(Arc<Logs>);

/// Where a follower is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u64);

/// What there is for a follower.
#[derive(Debug, Default)]
pub(crate) struct More {
    /// Whether some were missed before these.
    pub(crate) has_missed: bool,
    /// These, in order.
    pub(crate) lines: Vec<Arc<Line>>,
    /// Whether nothing more is there for now.
    pub(crate) is_all: bool,
    /// Whether nothing more will come.
    pub(crate) is_end: bool,
}

// === impl Logs ===

impl Logs {
    /// A place for somebody who follows; none while there are too many.
    pub(crate) fn follow(self: &Arc<Self>) -> Option<Follower> {
        let enter = |count| (count < FOLLOWERS_MAX).then_some(count + 1);
        let entered = self.followers.fetch_update(Ordering::AcqRel, Ordering::Acquire, enter);
        entered.is_ok().then(|| Follower(Arc::clone(self)))
    }
}

// === impl Follower ===

impl Follower {
    /// After the newest `limit` lines that are meant.
    pub(crate) fn newest(&self, filter: &Filter, limit: usize) -> Place {
        let now = Place(self.ring().newest());
        if limit == 0 {
            return now;
        }
        let (lines, _) = self.page(filter, Some(now.0.saturating_add(1)), limit);
        lines.last().map_or(now, |oldest| Place(oldest.number - 1))
    }

    /// After the line with this id. One of another process, or one that was never given, is before all that is there; the
    /// second value says whether something was missed for that.
    pub(crate) fn after(&self, id: &str) -> (Place, bool) {
        let newest = self.ring().newest();
        let known = self.number(id).filter(|number| (1..=newest).contains(number));
        (Place(known.unwrap_or_default()), known.is_none())
    }

    /// The lines after a place, as many as one look takes; the place moves behind them.
    pub(crate) fn read(&self, place: &mut Place, filter: &Filter) -> More {
        let ring = self.ring();
        let has_missed = ring.gone(filter) > place.0;
        let looked = ring.look_on(filter, &mut place.0, LOOK);
        let is_end = ring.is_closed && looked.is_all;
        drop(ring);
        let lines = looked.lines.into_iter().filter(|line| filter.wants(line)).collect();
        More { has_missed, lines, is_all: looked.is_all, is_end }
    }

    /// Changes whenever there is something to read.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }
}

impl Deref for Follower {
    type Target = Logs;

    fn deref(&self) -> &Logs {
        &self.0
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.followers.fetch_sub(1, Ordering::AcqRel);
    }
}
