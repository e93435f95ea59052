//! Counters of deliveries.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use switchyard_core::timestamp::Timestamp;

use crate::view::Handled;

/// What became of deliveries since the host started.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    processed: AtomicU64,
    errors: AtomicU64,
    filter_errors: AtomicU64,
    in_flight: AtomicUsize,
    /// In milliseconds since 1970; 0 when there was none.
    last_processed: AtomicU64,
}

/// Counts one delivery for as long as it is under way.
pub(crate) struct UnderWay(Arc<Counters>);

// === impl UnderWay ===

impl UnderWay {
    pub(crate) fn new(counters: Arc<Counters>) -> Self {
        counters.in_flight.fetch_add(1, Relaxed);
        Self(counters)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}

// === impl Counters ===

impl Counters {
    pub(crate) fn succeeded(&self, now: Timestamp) {
        self.processed.fetch_add(1, Relaxed);
        self.last_processed.fetch_max(now.0, Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.errors.fetch_add(1, Relaxed);
    }

    pub(crate) fn filter_failed(&self) {
        self.filter_errors.fetch_add(1, Relaxed);
    }

    /// Deliveries under way.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    /// The figures, without dead letters, which the store counts.
    pub(crate) fn handled(&self) -> Handled {
        let last = self.last_processed.load(Relaxed);
        Handled {
            processed: self.processed.load(Relaxed),
            errors: self.errors.load(Relaxed),
            filter_errors: self.filter_errors.load(Relaxed),
            dead_letters: 0,
            last_processed: (last > 0).then_some(Timestamp(last)),
        }
    }
}
