//! How much somebody may do in a time: the generic cell rate algorithm, what clients are told of it, and a table of
//! those who are counted.
//!
//! Each key has one number, the theoretical arrival time of its next request. A request moves it on by the time that
//! one request is worth; it may be ahead of now by as much as the burst is worth, and once it is not ahead any more,
//! the key is as good as new. So there is no window that begins anew, at which twice the quota could pass.
//!
//! **Invariant**: a key that does not stop asking gets its quota and no less: what is refused costs nothing.

mod address;
mod cell;
mod headers;
mod table;

use std::time::Duration;

pub use self::{
    address::AddressKey,
    cell::{Cell, Verdict, check},
    headers::{policy_value, retry_after_seconds, value},
    table::{KEYS_MAX, Table},
};

/// So many requests in a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// At least 1. Default 100.
    pub requests: u32,
    /// At least 1 ms. Default 60 s.
    pub window: Duration,
    /// How many may come at once; at least 1. Default as many as `requests`.
    pub burst: u32,
}

impl Default for Quota {
    fn default() -> Self {
        Self { requests: 100, window: Duration::from_secs(60), burst: 100 }
    }
}

impl Quota {
    /// What one request is worth, in ns; never 0.
    fn interval(&self) -> u64 {
        nanos(self.window).div_ceil(u64::from(self.requests.max(1))).max(1)
    }

    /// What the burst is worth, in ns: how far ahead a key may be.
    fn depth(&self) -> u64 {
        self.interval().saturating_mul(u64::from(self.burst.max(1)))
    }
}

/// 584 years fit.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
