//! What is counted about requests, and the figures that are shown of it.
//!
//! Latencies go into a fixed set of buckets that grow with the value, 16 for each power of two: any percentile of
//! any number of requests is at most 6.25 % off, in 4.4 KiB.
//!
//! **Invariant**: the layout is pure arithmetic, so that counters kept elsewhere (atomics on the request path) and
//! the figures made here agree on it.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

/// How many buckets there are; the last one takes everything from 2^36 µs, 19 hours, on.
pub const BUCKETS: usize = 16 + 32 * 16;

/// How many of the latest requests `averageResponseTime` is about.
pub const LATEST: usize = 100;

/// The figures of `/health`. Times are in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RequestFigures")]
pub struct Metrics {
    /// Requests answered since the start.
    pub request_count: u64,
    /// Those of them that were answered with a status of 400 or more.
    pub error_count: u64,
    /// The mean of the latest [`LATEST`] requests; 0 before the first.
    pub average_response_time: f64,
    /// `error_count` in percent of `request_count`; 0 before the first.
    pub error_rate: f64,
    /// Half of all requests took no longer.
    pub p50: f64,
    /// 95 % of all requests took no longer.
    pub p95: f64,
    /// 99 % of all requests took no longer.
    pub p99: f64,
}

/// Counters as they were read at one moment.
#[derive(Clone, Debug)]
pub struct Counters {
    /// Requests with a status of 400 or more.
    pub errors: u64,
    /// Requests by the [`bucket`] of their latency.
    pub buckets: Box<[u64; BUCKETS]>,
    /// The latencies of the latest requests in µs, at most [`LATEST`] of them.
    pub latest_us: Vec<u32>,
}

/// The bucket of a latency.
#[allow(clippy::cast_possible_truncation, reason = "the value is below BUCKETS where it is narrowed")]
pub fn bucket(latency: Duration) -> usize {
    let us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
    if us < 16 {
        return us as usize;
    }
    // The four bits below the highest one choose between the 16 buckets of a power of two.
    let power = us.ilog2();
    let within = (us >> (power - 4)) & 15;
    let index = u64::from(power - 4) * 16 + 16 + within;
    (index as usize).min(BUCKETS - 1)
}

/// The longest latency of a bucket, in µs.
pub fn upper_bound_us(bucket: usize) -> u64 {
    let bucket = bucket.min(BUCKETS - 1) as u64;
    if bucket < 16 {
        return bucket;
    }
    let (power, within) = ((bucket - 16) / 16, bucket % 16);
    ((16 + within + 1) << power) - 1
}

// === impl Counters ===

impl Counters {
    /// The figures that these counters give.
    #[allow(clippy::cast_precision_loss, reason = "figures for people, exact below 2^53")]
    pub fn metrics(&self) -> Metrics {
        let requests: u64 = self.buckets.iter().sum();
        let latest: u64 = self.latest_us.iter().copied().map(u64::from).sum();
        let average_us = latest as f64 / self.latest_us.len().max(1) as f64;
        Metrics {
            request_count: requests,
            error_count: self.errors,
            average_response_time: round(average_us / 1_000.0),
            error_rate: round(self.errors as f64 * 100.0 / requests.max(1) as f64),
            p50: self.percentile_ms(requests, 50),
            p95: self.percentile_ms(requests, 95),
            p99: self.percentile_ms(requests, 99),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "bounds are below 2^37")]
    fn percentile_ms(&self, requests: u64, percent: u64) -> f64 {
        let rank = (requests * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper_bound_us(bucket) as f64 / 1_000.0;
            }
        }
        0.0
    }
}

/// Three decimals: microseconds, or thousandths of a percent.
fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counters(latencies_us: &[u64], errors: u64) -> Counters {
        let mut buckets = Box::new([0; BUCKETS]);
        for us in latencies_us {
            buckets[bucket(Duration::from_micros(*us))] += 1;
        }
        let latest_us = latencies_us.iter().rev().take(LATEST).map(|us| u32::try_from(*us).unwrap()).collect();
        Counters { errors, buckets, latest_us }
    }

    #[test]
    fn nothing_counted_is_all_zero() {
        assert_eq!(counters(&[], 0).metrics(), Metrics::default());
    }

    #[test]
    fn figures_are_in_milliseconds_and_percent() {
        let latencies: Vec<u64> = (1..=1_000).map(|ms| ms * 1_000).collect();
        let metrics = counters(&latencies, 250).metrics();
        assert_eq!((metrics.request_count, metrics.error_count), (1_000, 250));
        assert!((metrics.error_rate - 25.0).abs() < 1e-9);
        assert!((metrics.average_response_time - 950.5).abs() < 1e-9);
        for (figure, exact) in [(metrics.p50, 500.0), (metrics.p95, 950.0), (metrics.p99, 990.0)] {
            assert!((exact..exact * 1.0625).contains(&figure), "{figure} {exact}");
        }
    }

    proptest! {
        #[test]
        fn a_bucket_is_at_most_a_sixteenth_wide(us in 0u64..(1 << 36)) {
            let own = bucket(Duration::from_micros(us));
            let bound = upper_bound_us(own);
            prop_assert!(us <= bound && (bound - us) * 16 <= us.max(1));
            prop_assert!(own == 0 || upper_bound_us(own - 1) < us);
        }
    }

    #[test]
    fn the_last_bucket_takes_the_rest() {
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
        assert_eq!(bucket(Duration::from_micros((1 << 36) - 1)), BUCKETS - 1);
    }
}
