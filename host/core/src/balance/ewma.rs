//! How long an instance's answers take: the peak-sensitive moving average of Finagle.
//!
//! It rises to a longer latency at once and falls slowly, so an instance that slows down is avoided after one answer.
//! While nothing is recorded it falls towards zero: who is not called is not condemned for ever by one bad answer.

use std::time::Duration;

/// The time in which what was is forgotten to a third.
pub const DECAY: Duration = Duration::from_secs(10);

/// What a call that failed counts as, if it did not take longer: an instance that refuses at once is not a quick one.
pub const FAILED: Duration = Duration::from_secs(1);

/// The estimate. Times are given since any one moment, the same for all, and 24 days between two of them are told from
/// a small step backwards, as between threads: so it fits 64 bits and can be kept in an atomic variable.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ewma {
    /// In µs; 0 before the first answer.
    value_us: f32,
    /// When it was recorded, in ms, without the bits that do not fit.
    at_ms: u32,
}

impl Ewma {
    /// After an answer that took so long.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "an estimate")]
    pub fn record(self, now: Duration, latency: Duration) -> Self {
        let latency_us = (latency.as_secs_f64() * 1e6).max(1.0);
        let kept_us = f64::from(self.value_us);
        let value_us =
            if latency_us >= kept_us { latency_us } else { latency_us + (kept_us - latency_us) * self.left(now) };
        let at_ms = if self.age_ms(now) < 0 { self.at_ms } else { low_ms(now) };
        Self { value_us: value_us as f32, at_ms }
    }

    /// After a call that failed once so long had passed.
    #[must_use]
    pub fn record_failure(self, now: Duration, after: Duration) -> Self {
        self.record(now, after.max(FAILED))
    }

    /// The estimate; none before the first answer.
    #[must_use]
    pub fn read(self, now: Duration) -> Option<Duration> {
        let value_us = f64::from(self.value_us);
        (value_us > 0.0).then(|| Duration::from_secs_f64((value_us * self.left(now)).min(1e12) / 1e6))
    }

    /// As a number.
    #[must_use]
    pub fn to_bits(self) -> u64 {
        u64::from(self.value_us.to_bits()) << 32 | u64::from(self.at_ms)
    }

    /// What [`to_bits`](Self::to_bits) made; of 0, the estimate before the first answer.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "the halves are taken apart")]
    pub fn from_bits(bits: u64) -> Self {
        Self { value_us: f32::from_bits((bits >> 32) as u32), at_ms: bits as u32 }
    }

    /// The part of the estimate that is not forgotten yet.
    fn left(self, now: Duration) -> f64 {
        let age = f64::from(self.age_ms(now).max(0)) / 1e3;
        (-age / DECAY.as_secs_f64()).exp()
    }

    #[allow(clippy::cast_possible_wrap, reason = "the sign says which of the two is later")]
    fn age_ms(self, now: Duration) -> i32 {
        low_ms(now).wrapping_sub(self.at_ms) as i32
    }
}

#[allow(clippy::cast_possible_truncation, reason = "differences are taken in the same arithmetic")]
fn low_ms(time: Duration) -> u32 {
    time.as_millis() as u32
}
