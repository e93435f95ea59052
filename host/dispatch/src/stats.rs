//! Counting on the request path: three relaxed atomic operations a request, no lock.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use switchyard_core::stats::{BUCKETS, Counters, LATEST, Metrics, bucket};

/// The counters of a gateway, or of a service. A reader may see a request in one counter and not yet in another.
///
/// What is counted takes 5 KiB, from the first request on: of thousands of services, most are idle.
#[derive(Default)]
pub struct Stats {
    counters: OnceLock<Box<Atomics>>,
}

struct Atomics {
    errors: AtomicU64,
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
    }

    /// The figures as of now.
    pub fn metrics(&self) -> Metrics {
        let Some(counters) = self.counters.get() else { return Metrics::default() };
        let filled = counters.cursor.load(Relaxed).min(LATEST);
        let mut buckets = Box::new([0; BUCKETS]);
        for (value, counter) in buckets.iter_mut().zip(&counters.buckets) {
            *value = counter.load(Relaxed);
        }
        let latest_us = counters.latest_us[..filled].iter().map(|us| us.load(Relaxed)).collect();
        Counters { errors: counters.errors.load(Relaxed), buckets, latest_us }.metrics()
    }
}

// === impl Atomics ===

impl Default for Atomics {
    fn default() -> Self {
        Self {
            errors: AtomicU64::new(0),
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
}
