//! When a call is tried again: how often, after which pause, and out of which [`Budget`].
//!
//! The policy bounds what one call may cost, the budget what all calls of a service may cost together: when everything
//! fails, retries add a fifth to the load and not a multiple of it.

mod budget;

use std::time::Duration;

use crate::{manifest::Backoff, units::HumanDuration};

pub use self::budget::{Budget, BudgetConfig, WINDOW};

/// The most attempts that a policy can allow.
pub const ATTEMPTS_MAX: u32 = 10;

/// How often, and after how long, a call is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Attempts in all, from 1, which means that none is repeated, to [`ATTEMPTS_MAX`]. Default 3.
    pub attempts: u32,
    /// The longest pause before the first repetition; it doubles with each. Default 25 ms.
    pub base: Duration,
    /// The longest pause. Default 1 s.
    pub max: Duration,
    /// Whether calls that are not idempotent are repeated too, although they may have been done. Default false.
    pub all_methods: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { attempts: 3, base: Duration::from_millis(25), max: Duration::from_secs(1), all_methods: false }
    }
}

impl Policy {
    /// How long to wait after the attempt of this number, from 1, failed: exponential with full jitter. `chance`, in
    /// [0, 1), is the part of the longest pause that is kept, so that callers which failed together do not come back
    /// together.
    #[must_use]
    pub fn pause(&self, attempt: u32, chance: f64) -> Duration {
        let longest = Backoff::Exponential(HumanDuration(self.base)).delay(attempt, 1.0).min(self.max);
        longest.mul_f64(chance.clamp(0.0, 1.0))
    }

    /// Whether there is another attempt after the one of this number.
    #[must_use]
    pub fn allows_another(&self, attempt: u32) -> bool {
        attempt < self.attempts.min(ATTEMPTS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_jitter_is_full() {
        let policy = Policy::default();
        for (attempt, ms) in [(1, 25), (2, 50), (3, 100), (6, 800), (7, 1_000), (u32::MAX, 1_000)] {
            assert_eq!(policy.pause(attempt, 1.0), Duration::from_millis(ms));
            assert_eq!(policy.pause(attempt, 0.5), Duration::from_millis(ms) / 2);
            assert_eq!(policy.pause(attempt, 0.0), Duration::ZERO);
        }
    }

    #[test]
    fn attempts_are_counted_from_one() {
        let of = |attempts| Policy { attempts, ..Policy::default() };
        assert!(!of(1).allows_another(1));
        assert!(of(3).allows_another(2) && !of(3).allows_another(3));
        assert!(!of(99).allows_another(ATTEMPTS_MAX));
    }
}
