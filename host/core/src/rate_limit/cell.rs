//! The count of one key.

use std::time::Duration;

use super::{Quota, nanos};

/// The theoretical arrival time of a key's next request, in ns since the moment that all times are given from. A new
/// one has not asked for anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell(u64);

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may pass.
    Allowed {
        /// How many more may at once.
        remaining: u32,
        /// When everything that the quota allows is there again.
        reset: Duration,
    },
    /// It may not.
    Refused {
        /// When the next one may.
        retry_after: Duration,
        /// When everything that the quota allows is there again.
        reset: Duration,
    },
}

/// Decides about a request, and counts it if it may pass.
///
/// A quota that has become smaller since the cell was counted holds a key back no longer than one that is used up.
pub fn check(cell: &mut Cell, now: Duration, quota: &Quota) -> Verdict {
    let (now, interval, depth) = (nanos(now), quota.interval(), quota.depth());
    // Kept also when it is refused, so that it is not held back from each of its requests anew.
    cell.0 = cell.0.min(now.saturating_add(depth));
    let ahead = cell.0.saturating_sub(now);
    let after = ahead.saturating_add(interval);
    if after > depth {
        let retry_after = Duration::from_nanos(after - depth);
        return Verdict::Refused { retry_after, reset: Duration::from_nanos(ahead) };
    }
    *cell = Cell(now.saturating_add(after));
    let remaining = u32::try_from((depth - after) / interval).unwrap_or(u32::MAX);
    Verdict::Allowed { remaining, reset: Duration::from_nanos(after) }
}

// === impl Cell ===

impl Cell {
    /// Whether it says no more than a new one.
    #[must_use]
    pub fn is_over(self, now: Duration) -> bool {
        self.0 <= nanos(now)
    }
}

// === impl Verdict ===

impl Verdict {
    /// Whether the request may pass.
    #[must_use]
    pub fn is_allowed(self) -> bool {
        matches!(self, Self::Allowed { .. })
    }

    /// How many more may at once.
    #[must_use]
    pub fn remaining(self) -> u32 {
        match self {
            Self::Allowed { remaining, .. } => remaining,
            Self::Refused { .. } => 0,
        }
    }

    /// When everything that the quota allows is there again.
    #[must_use]
    pub fn reset(self) -> Duration {
        match self {
            Self::Allowed { reset, .. } | Self::Refused { reset, .. } => reset,
        }
    }

    /// When the next request may pass, if this one may not.
    #[must_use]
    pub fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Allowed { .. } => None,
            Self::Refused { retry_after, .. } => Some(retry_after),
        }
    }
}
