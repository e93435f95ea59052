//! What was counted of one version.

use std::time::Duration;

use crate::stats::{BUCKETS, bucket, upper_bound_us};

/// The calls of one version since its beginning, or between two moments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Calls that were answered with a status of 500 or more, or not at all.
    pub failures: u64,
    /// All calls by the [`bucket`] of their latency.
    pub buckets: Box<[u64; BUCKETS]>,
}

// === impl Tally ===

impl Default for Tally {
    fn default() -> Self {
        Self { failures: 0, buckets: Box::new([0; BUCKETS]) }
    }
}

impl Tally {
    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// What was counted since an earlier moment. Counters are read one after the other while calls end, so that one
    /// may be behind another; none is ever below zero.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut buckets = self.buckets.clone();
        buckets.iter_mut().zip(&*earlier.buckets).for_each(|(now, then)| *now = now.saturating_sub(*then));
        Self { failures: self.failures.saturating_sub(earlier.failures), buckets }
    }

    /// The failures of a hundred calls; 0 without calls.
    #[allow(clippy::cast_precision_loss, reason = "a rate, exact below 2^53")]
    pub fn failure_percent(&self) -> f64 {
        self.failures as f64 * 100.0 / self.calls().max(1) as f64
    }

    /// The time that 95 of a hundred calls did not exceed, at most a sixteenth too long; 0 without calls.
    pub fn p95(&self) -> Duration {
        let rank = (self.calls() * 95).div_ceil(100).max(1);
        let mut seen = 0;
        let at = self.buckets.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        at.map_or(Duration::ZERO, |at| Duration::from_micros(upper_bound_us(at)))
    }

    /// Counts a call.
    pub fn record(&mut self, latency: Duration, has_failed: bool) {
        self.buckets[bucket(latency)] += 1;
        self.failures += u64::from(has_failed);
    }
}
