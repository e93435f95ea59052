//! How long to wait between attempts.

use std::time::Duration;

use crate::{manifest::Backoff, units::HumanDuration};

/// The longest delay between two attempts; 1 hour.
pub const DELAY_MAX: Duration = Duration::from_secs(3600);

// === impl Backoff ===

impl Backoff {
    /// The delay after the attempt of this number, from 1, failed. `jitter`, in [0, 1), is the part of an exponential
    /// delay that is kept.
    #[must_use]
    pub fn delay(self, attempt: u32, jitter: f64) -> Duration {
        match self {
            Self::Linear(HumanDuration(delay)) => delay.saturating_mul(attempt).min(DELAY_MAX),
            Self::Exponential(HumanDuration(delay)) => {
                let factor = 2u32.saturating_pow(attempt.saturating_sub(1));
                delay.saturating_mul(factor).min(DELAY_MAX).mul_f64(jitter.clamp(0.0, 1.0))
            }
        }
    }
}

/// The delay of a message after this many failures, at least one: 2^failures seconds.
#[must_use]
pub fn message_delay(failures: u32) -> Duration {
    Duration::from_secs(2u64.saturating_pow(failures)).min(DELAY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_are_bounded() {
        let second = HumanDuration(Duration::from_secs(1));
        for (attempt, linear, exponential) in [(1, 1, 1), (2, 2, 2), (3, 3, 4), (5, 5, 16), (u32::MAX, 3600, 3600)] {
            assert_eq!(Backoff::Linear(second).delay(attempt, 0.3), Duration::from_secs(linear));
            assert_eq!(Backoff::Exponential(second).delay(attempt, 1.0), Duration::from_secs(exponential));
        }
        assert_eq!(Backoff::Exponential(second).delay(3, 0.5), Duration::from_secs(2));
        assert_eq!([1, 2, 3, 99].map(|failures| message_delay(failures).as_secs()), [2, 4, 8, 3600]);
    }
}
