//! Counting on the request path: three relaxed atomic operations a request, no lock.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use switchyard_core::stats::{BUCKETS, Counters, LATEST, Metrics, bucket};

/// The counters of a gateway. A reader may see a request in one counter and not yet in another.
pub(crate) struct Stats {
    errors: AtomicU64,
    buckets: Box<[AtomicU64; BUCKETS]>,
    /// A ring of the latest latencies in µs.
    latest_us: [AtomicU32; LATEST],
    /// How often something was put into the ring.
    cursor: AtomicUsize,
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            errors: AtomicU64::new(0),
            buckets: Box::new([const { AtomicU64::new(0) }; BUCKETS]),
            latest_us: [const { AtomicU32::new(0) }; LATEST],
            cursor: AtomicUsize::new(0),
        }
    }
}

impl Stats {
    /// Counts a request that was answered with `status`, its head after `latency`.
    pub(crate) fn record(&self, status: u16, latency: Duration) {
        self.buckets[bucket(latency)].fetch_add(1, Relaxed);
        let us = u32::try_from(latency.as_micros()).unwrap_or(u32::MAX);
        self.latest_us[self.cursor.fetch_add(1, Relaxed) % LATEST].store(us, Relaxed);
        if status >= 400 {
            self.errors.fetch_add(1, Relaxed);
        }
    }

    /// The figures as of now.
    pub(crate) fn metrics(&self) -> Metrics {
        let filled = self.cursor.load(Relaxed).min(LATEST);
        let mut buckets = Box::new([0; BUCKETS]);
        for (value, counter) in buckets.iter_mut().zip(self.buckets.iter()) {
            *value = counter.load(Relaxed);
        }
        let latest_us = self.latest_us[..filled].iter().map(|us| us.load(Relaxed)).collect();
        Counters { errors: self.errors.load(Relaxed), buckets, latest_us }.metrics()
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
