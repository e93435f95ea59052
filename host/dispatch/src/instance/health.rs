//! What is believed of an instance, and since when, in one word: balancers read it for every call.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use switchyard_core::health::CheckStatus;

/// The bits below the time.
const STATUS_BITS: u32 = 2;

/// A status, and the time of [`clock`](crate::clock) in ms since which it holds.
pub(super) struct Health(AtomicU64);

impl Health {
    /// Nobody has asked yet. Until somebody does, it counts as well, since now.
    pub(super) fn new(now: Duration) -> Self {
        Self(AtomicU64::new(pack(CheckStatus::Unknown, now)))
    }

    pub(super) fn status(&self) -> CheckStatus {
        self.read().0
    }

    pub(super) fn read(&self) -> (CheckStatus, Duration) {
        let word = self.0.load(Relaxed);
        let status = match word & ((1 << STATUS_BITS) - 1) {
            0 => CheckStatus::Unknown,
            1 => CheckStatus::Healthy,
            _ => CheckStatus::Unhealthy,
        };
        (status, Duration::from_millis(word >> STATUS_BITS))
    }

    /// The same status again changes nothing.
    pub(super) fn set(&self, status: CheckStatus, now: Duration) {
        if self.status() != status {
            self.0.store(pack(status, now), Relaxed);
        }
    }
}

fn pack(status: CheckStatus, since: Duration) -> u64 {
    let bits = match status {
        CheckStatus::Unknown => 0,
        CheckStatus::Healthy => 1,
        CheckStatus::Unhealthy => 2,
    };
    // 146 million years fit.
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX) << STATUS_BITS | bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_holds_since_it_changed() {
        let at = Duration::from_millis;
        let health = Health::new(at(7));
        assert_eq!(health.read(), (CheckStatus::Unknown, at(7)));
        health.set(CheckStatus::Unhealthy, at(10));
        health.set(CheckStatus::Unhealthy, at(20));
        assert_eq!(health.read(), (CheckStatus::Unhealthy, at(10)));
        health.set(CheckStatus::Healthy, at(30));
        assert_eq!(health.read(), (CheckStatus::Healthy, at(30)));
    }
}
