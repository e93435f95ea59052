//! Whether a new version does worse than the old one.

use std::{fmt, time::Duration};

use super::{CALLS_MIN, Tally};

/// So many points its failures of a hundred calls may be over the old one's.
pub const FAILURE_POINTS: f64 = 5.0;

/// So many times as long as the old one's 95th percentile its own may be.
pub const P95_RATIO: u32 = 2;

/// By less than this a longer 95th percentile is no difference: what answers in microseconds takes twice as long for a
/// turn of the scheduler, and no caller would notice.
pub const P95_DIFFERENCE: Duration = Duration::from_millis(1);

/// What a new version did worse.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Its breaker opened.
    Refused {
        /// The calls that it had in its share.
        calls: u64,
    },
    /// More of its calls failed.
    Failures {
        /// Its calls.
        calls: u64,
        /// Those that failed, of a hundred.
        percent: f64,
        /// The old version's.
        old_percent: f64,
    },
    /// Its calls took longer.
    Slow {
        /// Its calls.
        calls: u64,
        /// The time that 95 of a hundred did not exceed.
        p95: Duration,
        /// The old version's.
        old_p95: Duration,
    },
}

/// What it did worse, if anything, by the calls of both. Latencies are compared when both have calls enough: of a few,
/// the slowest says nothing.
pub(super) fn fault(new: &Tally, old: &Tally) -> Option<Fault> {
    let calls = new.calls();
    if calls == 0 {
        return None;
    }
    let (percent, old_percent) = (new.failure_percent(), old.failure_percent());
    if percent - old_percent > FAILURE_POINTS {
        return Some(Fault::Failures { calls, percent, old_percent });
    }
    let (p95, old_p95) = (new.p95(), old.p95());
    let is_slower = p95 > old_p95 * P95_RATIO && p95 >= old_p95 + P95_DIFFERENCE;
    let is_comparable = calls >= CALLS_MIN && old.calls() >= CALLS_MIN;
    (is_slower && is_comparable).then_some(Fault::Slow { calls, p95, old_p95 })
}

/// Milliseconds with two decimals.
fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1_000.0)
}

// === impl Fault ===

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { calls } => write!(f, "its breaker opened after {calls} calls"),
            Self::Failures { calls, percent, old_percent } => {
                write!(f, "{percent:.1} % of {calls} calls failed, {old_percent:.1} % of the old version's")
            }
            Self::Slow { calls, p95, old_p95 } => {
                write!(f, "95 % of {calls} calls took up to {}, of the old version's up to {}", ms(*p95), ms(*old_p95))
            }
        }
    }
}
