//! Counting on the request path: three relaxed atomic operations a request, one or two more for one that went wrong, no
//! lock.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use switchyard_core::{
    rollout::Tally,
    stats::{BUCKETS, Counters, LATEST, Metrics, bucket},
};

/// The counters of a gateway, or of a service. A reader may see a request in one counter and not yet in another.
///
/// What is counted takes 5 KiB, from the first request on: of thousands of services, most are idle.
#[derive(Default)]
pub struct Stats {
    counters: OnceLock<Box<Atomics>>,
}

struct Atomics {
    errors: AtomicU64,
    /// Those that are no fault of the client: a status of 500 or more.
    failures: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
    /// A ring of the latest latencies in µs.
    latest_us: [AtomicU32; LATEST],
    /// How often something was put into the ring.
    cursor: AtomicUsize,
}

// === impl Stats ===

impl Stats {
    /// Counts a request that was answered with `status`, its head after `latency`.
    pub fn record(&self, status: u16, latency: Duration) {
        let counters = self.counters.get_or_init(Box::default);
        counters.buckets[bucket(latency)].fetch_add(1, Relaxed);
        let us = u32::try_from(latency.as_micros()).unwrap_or(u32::MAX);
        counters.latest_us[counters.cursor.fetch_add(1, Relaxed) % LATEST].store(us, Relaxed);
        if status >= 400 {
            counters.errors.fetch_add(1, Relaxed);
        }
        if status >= 500 {
            counters.failures.fetch_add(1, Relaxed);
        }
    }

    /// The figures as of now.
    pub fn metrics(&self) -> Metrics {
        let Some(counters) = self.counters.get() else { return Metrics::default() };
        let filled = counters.cursor.load(Relaxed).min(LATEST);
        let buckets = counters.buckets();
        let latest_us = counters.latest_us[..filled].iter().map(|us| us.load(Relaxed)).collect();
        Counters { errors: counters.errors.load(Relaxed), buckets, latest_us }.metrics()
    }

    /// What versions are compared by, as of now.
    pub fn tally(&self) -> Tally {
        let Some(counters) = self.counters.get() else { return Tally::default() };
        // Failures first: one that ends meanwhile is then among the calls, and no rate is above 100 %.
        Tally { failures: counters.failures.load(Relaxed), buckets: counters.buckets() }
    }
}

// === impl Atomics ===

impl Atomics {
    fn buckets(&self) -> Box<[u64; BUCKETS]> {
        let mut buckets = Box::new([0; BUCKETS]);
        for (value, counter) in buckets.iter_mut().zip(&self.buckets) {
            *value = counter.load(Relaxed);
        }
        buckets
    }
}

impl Default for Atomics {
    fn default() -> Self {
        Self {
            errors: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
            latest_us: [const { AtomicU32::new(0) }; LATEST],
            cursor: AtomicUsize::new(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_is_of_the_latest_hundred() {
        let stats = Stats::default();
        assert_eq!(stats.metrics(), Metrics::default());
        for ms in 0..200 {
            stats.record(if ms % 4 == 0 { 500 } else { 200 }, Duration::from_millis(ms));
        }
        let metrics = stats.metrics();
        assert_eq!((metrics.request_count, metrics.error_count), (200, 50));
        assert!((metrics.average_response_time - 149.5).abs() < 1e-9);
    }

    #[test]
    fn versions_are_compared_by_what_is_no_fault_of_the_client() {
        let stats = Stats::default();
        assert_eq!(stats.tally(), Tally::default());
        for status in [200, 404, 499, 500, 504] {
            stats.record(status, Duration::from_millis(3));
        }
        let tally = stats.tally();
        assert_eq!((tally.calls(), tally.failures), (5, 2));
        assert!(tally.p95() >= Duration::from_millis(3));
    }
}
