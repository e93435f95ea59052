//! Counters of deliveries.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use switchyard_core::timestamp::Timestamp;

use crate::view::Handled;

/// What became of deliveries since the host started.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    processed: AtomicU64,
    errors: AtomicU64,
    filter_errors: AtomicU64,
    /// In milliseconds since 1970; 0 when there was none.
    last_processed: AtomicU64,
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
