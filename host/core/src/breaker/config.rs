//! When a breaker opens, for how long, and what closes it.

use std::time::Duration;

use super::{Cause, window::Counts};

/// The longest time that a breaker can be told to stay open; a day.
pub const OPEN_LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The numbers that a breaker goes by. Counts and percentages are at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Failures in a row that open it; 5.
    pub consecutive_failures: u32,
    /// So many of a hundred calls have to fail to open it; 50.
    pub failure_percent: u32,
    /// Fewer calls within ten seconds say nothing about a percentage; 20.
    pub calls_min: u32,
    /// How long it is open the first time; 5 s.
    pub open: Duration,
    /// How long it is open at most, apart from the jitter; 60 s, and no longer than [`OPEN_LONGEST`].
    pub open_max: Duration,
    /// Calls that are let through at once while it is half-open; 3.
    pub probes: u32,
    /// Successes that close it while it is half-open; 3.
    pub successes: u32,
    /// Whether slow calls open it too; they do not.
    pub slow: Option<Slow>,
}

/// Which calls are slow, and how many of them are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slow {
    /// What takes at least this long is slow.
    pub after: Duration,
    /// So many of a hundred calls have to be slow to open it; 50.
    pub percent: u32,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            consecutive_failures: 5,
            failure_percent: 50,
            calls_min: 20,
            open: Duration::from_secs(5),
            open_max: Duration::from_secs(60),
            probes: 3,
            successes: 3,
            slow: None,
        }
    }
}

impl Config {
    /// Why what was counted opens it, if it does.
    pub(super) fn cause(&self, in_a_row: u32, counts: Counts) -> Option<Cause> {
        let Counts { calls, failures, slow } = counts;
        let reach = |part: u32, percent: u32| {
            calls >= self.calls_min && u64::from(part) * 100 >= u64::from(percent) * u64::from(calls)
        };
        if in_a_row >= self.consecutive_failures {
            Some(Cause::InARow(in_a_row))
        } else if reach(failures, self.failure_percent) {
            Some(Cause::Failing { failures, calls })
        } else if self.slow.is_some_and(|limit| reach(slow, limit.percent)) {
            Some(Cause::Slow { slow, calls })
        } else {
            None
        }
    }

    /// How long it is open after it has been opened so many times in a row before, without jitter.
    pub(super) fn opening(&self, before: u32) -> Duration {
        self.open.saturating_mul(2u32.saturating_pow(before)).min(self.open_max.min(OPEN_LONGEST))
    }
}
