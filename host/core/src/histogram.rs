//! How long things take, counted by many threads at once.
//!
//! Two relaxed atomic operations an observation, no lock, nothing allocated. The bounds are a list known when the host is
//! built, since what reads the figures adds them up over hosts and over time.
//!
//! **Invariant**: an observation is in exactly one bucket, so that the number of them is the sum of all buckets, whatever
//! a reader sees of what happens meanwhile.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// How many bounds there are; one more bucket takes what is over the last one.
pub const BOUNDS: usize = 14;

/// Upper bounds of buckets in µs, each belonging to its bucket, in ascending order.
pub type Bounds = [u64; BOUNDS];

/// What OpenTelemetry advises for the durations of HTTP requests: 5 ms to 10 s.
pub const REQUESTS: Bounds = [
    5_000, 10_000, 25_000, 50_000, 75_000, 100_000, 250_000, 500_000, 750_000, 1_000_000, 2_500_000, 5_000_000,
    7_500_000, 10_000_000,
];

/// For what takes microseconds when all is well, as a call of a guest or a sync of a disk: 50 µs to 2.5 s.
pub const SHORT: Bounds =
    [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 2_500_000];

/// For what takes seconds, as compiling: 50 ms to 6 min.
pub const LONG: Bounds = [
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    20_000_000,
    30_000_000,
    60_000_000,
    120_000_000,
    180_000_000,
    360_000_000,
];

/// Durations, counted.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static Bounds,
    buckets: [AtomicU64; BOUNDS + 1],
    sum_ns: AtomicU64,
}

/// Durations as they were counted at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// The bounds of all buckets but the last.
    pub bounds: &'static Bounds,
    /// How many there were in each bucket alone.
    pub counts: [u64; BOUNDS + 1],
    /// Of all of them, in ns.
    pub sum_ns: u64,
}

// === impl Histogram ===

impl Histogram {
    /// Nothing counted yet.
    #[must_use]
    pub const fn new(bounds: &'static Bounds) -> Self {
        Self { bounds, buckets: [const { AtomicU64::new(0) }; BOUNDS + 1], sum_ns: AtomicU64::new(0) }
    }

    /// Counts one.
    pub fn record(&self, took: Duration) {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        // Rounded up, so that what is over a bound is not taken for being at it.
        let us = ns.div_ceil(1_000);
        let bucket = self.bounds.partition_point(|bound| *bound < us);
        self.buckets[bucket].fetch_add(1, Relaxed);
        self.sum_ns.fetch_add(ns, Relaxed);
    }

    /// What was counted until now.
    #[must_use]
    pub fn read(&self) -> Distribution {
        let mut read = Distribution::none(self.bounds);
        for (count, bucket) in read.counts.iter_mut().zip(&self.buckets) {
            *count = bucket.load(Relaxed);
        }
        read.sum_ns = self.sum_ns.load(Relaxed);
        read
    }
}

// === impl Distribution ===

impl Distribution {
    /// One without anything in it.
    #[must_use]
    pub const fn none(bounds: &'static Bounds) -> Self {
        Self { bounds, counts: [0; BOUNDS + 1], sum_ns: 0 }
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Takes in what was counted elsewhere, by the same bounds.
    pub fn add(&mut self, other: &Self) {
        debug_assert_eq!(self.bounds, other.bounds, "figures of other bounds cannot be added");
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let histogram = Histogram::new(&REQUESTS);
        for us in [0, 5_000, 10_000_000, 10_000_001] {
            histogram.record(Duration::from_micros(us));
        }
        histogram.record(Duration::from_nanos(5_000_001));
        let read = histogram.read();
        assert_eq!((read.counts[0], read.counts[1], read.counts[BOUNDS - 1], read.counts[BOUNDS]), (2, 1, 1, 1));
        assert_eq!((read.count(), read.sum_ns), (5, 20_010_001_001));
    }

    #[test]
    fn bounds_ascend() {
        for bounds in [REQUESTS, SHORT, LONG] {
            assert!(bounds.is_sorted_by(|a, b| a < b), "{bounds:?}");
        }
    }

    #[test]
    fn distributions_add_up() {
        let histogram = Histogram::new(&SHORT);
        histogram.record(Duration::from_micros(70));
        let (mut sum, one) = (Distribution::none(&SHORT), histogram.read());
        sum.add(&one);
        sum.add(&one);
        assert_eq!((sum.count(), sum.counts[1], sum.sum_ns), (2, 2, 140_000));
    }
}
