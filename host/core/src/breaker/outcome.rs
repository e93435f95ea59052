//! How calls end, as far as a breaker is concerned, and how often.

use schemars::JsonSchema;
use serde::Serialize;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The instance answered, be it that the caller asked for something wrong.
    Success,
    /// It failed: an answer of 500 and above, a trap, too much memory, an answer that broke off, no connection.
    Failure,
    /// It did not answer in time.
    TimedOut,
    /// It answered that it has too much to do. That counts towards the percentage and not in a row: it is alive.
    Throttled,
    /// It says nothing of the instance: the caller went away, or there was no place for the call.
    Uncounted,
}

/// What was counted since a breaker was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "BreakerFigures")]
pub struct Metrics {
    /// Calls that ended or were refused. One whose answer breaks off counts twice: as a success and as a failure.
    pub requests: u64,
    /// Those that failed, the time-outs among them.
    pub failures: u64,
    /// Those that succeeded.
    pub successes: u64,
    /// Those that had no answer in time.
    pub timeouts: u64,
    /// Those that were refused.
    pub rejected: u64,
}

// === impl Outcome ===

impl Outcome {
    /// What an answer with this HTTP status says.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            429 => Self::Throttled,
            500.. => Self::Failure,
            _ => Self::Success,
        }
    }

    /// Whether it counts towards the percentage of failures.
    pub(super) fn is_failure(self) -> bool {
        matches!(self, Self::Failure | Self::TimedOut | Self::Throttled)
    }
}

// === impl Metrics ===

impl Metrics {
    pub(super) fn refused(&mut self) {
        self.requests += 1;
        self.rejected += 1;
    }

    pub(super) fn ended(&mut self, outcome: Outcome) {
        self.requests += 1;
        self.failures += u64::from(outcome.is_failure());
        self.successes += u64::from(outcome == Outcome::Success);
        self.timeouts += u64::from(outcome == Outcome::TimedOut);
    }
}
