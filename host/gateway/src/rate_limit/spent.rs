//! Addresses that have used up their quota with wrong credentials.

use std::{collections::HashMap, time::Duration};

use switchyard_core::rate_limit::AddressKey;

/// Addresses that are remembered. One that finds no room is refused as well, but only after its credentials were
/// checked.
const ADDRESSES_MAX: usize = 10_000;

/// How often at most room is made; it looks at all of them.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);

/// Until when each is refused.
#[derive(Debug, Default)]
pub(super) struct Spent {
    until: HashMap<AddressKey, Duration>,
    swept: Duration,
}

// === impl Spent ===

impl Spent {
    pub(super) fn insert(&mut self, address: AddressKey, until: Duration, now: Duration) {
        if self.until.len() >= ADDRESSES_MAX && now >= self.swept + SWEEP_PAUSE {
            self.until.retain(|_, until| now < *until);
            self.swept = now;
        }
        if self.until.len() < ADDRESSES_MAX || self.until.contains_key(&address) {
            self.until.insert(address, until);
        }
    }

    /// How much longer an address is refused, if it is.
    pub(super) fn left(&mut self, address: AddressKey, now: Duration) -> Option<Duration> {
        // Most of the time nobody is.
        if self.until.is_empty() {
            return None;
        }
        let left = self.until.get(&address)?.checked_sub(now).filter(|left| !left.is_zero());
        if left.is_none() {
            self.until.remove(&address);
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_made_by_those_whose_time_is_over_and_nobody_is_pushed_out() {
        let seconds = Duration::from_secs;
        let mut spent = Spent::default();
        let address = |number: usize| AddressKey::V4(u32::try_from(number).unwrap());
        (0..ADDRESSES_MAX).for_each(|number| spent.insert(address(number), seconds(10), seconds(2)));
        spent.insert(address(ADDRESSES_MAX), seconds(10), seconds(3));
        assert_eq!(spent.left(address(ADDRESSES_MAX), seconds(3)), None);
        assert_eq!(spent.left(address(0), seconds(3)), Some(seconds(7)));
        spent.insert(address(1), seconds(20), seconds(3));
        spent.insert(address(ADDRESSES_MAX), seconds(20), seconds(10));
        assert_eq!(spent.left(address(ADDRESSES_MAX), seconds(10)), Some(seconds(10)));
        assert_eq!(spent.until.len(), 2);
    }
}
