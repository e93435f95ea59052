//! What calls of the last ten seconds came to, in buckets of a second.

use std::time::Instant;

/// Buckets of a window, a second each.
const BUCKETS: usize = 10;

/// What was counted within a window, or a bucket of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) calls: u32,
    pub(super) failures: u32,
    pub(super) slow: u32,
}

/// The window. What is in it moves on only when something is recorded: nothing is decided in between.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// Where its seconds begin.
    born: Instant,
    /// The second of the newest bucket.
    second: u64,
    buckets: [Counts; BUCKETS],
    /// The sum of the buckets.
    sum: Counts,
}

// === impl Window ===

impl Window {
    pub(super) fn new(now: Instant) -> Self {
        Self { born: now, second: 0, buckets: [Counts::default(); BUCKETS], sum: Counts::default() }
    }

    /// Counts one call that ended now. Threads read the clock before they get here, so time may go back a little: then
    /// it counts in the newest second.
    pub(super) fn record(&mut self, now: Instant, failed: bool, slow: bool) {
        self.advance(now.saturating_duration_since(self.born).as_secs());
        let one = Counts { calls: 1, failures: u32::from(failed), slow: u32::from(slow) };
        let bucket = &mut self.buckets[index(self.second)];
        *bucket = bucket.plus(one);
        self.sum = self.sum.plus(one);
    }

    /// What there is of the last ten seconds, the one of the latest call included.
    pub(super) fn counts(&self) -> Counts {
        self.sum
    }

    pub(super) fn clear(&mut self) {
        self.buckets = [Counts::default(); BUCKETS];
        self.sum = Counts::default();
    }

    fn advance(&mut self, second: u64) {
        if second <= self.second {
            return;
        }
        for passed in (self.second + 1..=second).take(BUCKETS) {
            let old = std::mem::take(&mut self.buckets[index(passed)]);
            self.sum = self.sum.minus(old);
        }
        self.second = second;
    }
}

/// Where a second has its bucket.
#[allow(clippy::cast_possible_truncation, reason = "it is below BUCKETS")]
fn index(second: u64) -> usize {
    (second % BUCKETS as u64) as usize
}

// === impl Counts ===

impl Counts {
    fn plus(self, other: Self) -> Self {
        Self { calls: self.calls + other.calls, failures: self.failures + other.failures, slow: self.slow + other.slow }
    }

    fn minus(self, other: Self) -> Self {
        Self { calls: self.calls - other.calls, failures: self.failures - other.failures, slow: self.slow - other.slow }
    }
}
