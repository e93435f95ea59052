//! Counters of a store, for metrics and for tests that claim something about cost.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use switchyard_core::histogram::{Distribution, Histogram, SHORT};

/// What a store did since it was opened, and how it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Batches committed.
    pub commits: u64,
    /// Batches refused by a precondition, a limit or a full disk.
    pub refused: u64,
    /// Transactions made durable; each costs one fsync, and group commit makes them fewer than `commits`.
    pub transactions: u64,
    /// How long it took until those were on the disk, the sync included.
    pub syncs: Distribution,
    /// Batches that wait for the writer now.
    pub waiting_commits: u64,
    /// Reads answered from memory.
    pub cache_hits: u64,
    /// Reads that went to disk.
    pub cache_misses: u64,
    /// Bytes of committed values held in memory now.
    pub cache_bytes: u64,
    /// Checkpoints taken off the commit path.
    pub checkpoints: u64,
    /// Checkpoints that the writer had to take itself, stalling commits.
    pub checkpoints_by_writer: u64,
    /// Bytes in the write-ahead log after the last commit.
    pub log_bytes: u64,
    /// Bytes of the database's file; 0 when that cannot be found out.
    pub file_bytes: u64,
    /// Bytes free on the disk of the store; 0 when that cannot be found out.
    pub disk_free_bytes: u64,
}

/// The counters behind [`Stats`], shared by the store's threads.
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) commits: Counter,
    pub(crate) refused: Counter,
    pub(crate) transactions: Counter,
    pub(crate) syncs: Histogram,
    pub(crate) cache_hits: Counter,
    pub(crate) cache_misses: Counter,
    pub(crate) checkpoints: Counter,
    pub(crate) checkpoints_by_writer: Counter,
}

/// A number that only grows. It orders nothing, so relaxed access is enough.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

// === impl Counters ===

impl Default for Counters {
    fn default() -> Self {
        Self {
            commits: Counter::default(),
            refused: Counter::default(),
            transactions: Counter::default(),
            syncs: Histogram::new(&SHORT),
            cache_hits: Counter::default(),
            cache_misses: Counter::default(),
            checkpoints: Counter::default(),
            checkpoints_by_writer: Counter::default(),
        }
    }
}

// === impl Counter ===

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
