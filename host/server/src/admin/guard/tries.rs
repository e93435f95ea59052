//! Who has sent a wrong token, and how often: pure, told the time.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use switchyard_core::rate_limit::AddressKey;

/// How many wrong tokens an address may send within [`WINDOW`].
pub(super) const TRIES_MAX: u32 = 10;

/// How long wrong tokens count.
pub(super) const WINDOW: Duration = Duration::from_secs(60);

/// The most addresses that are remembered; the one with the fewest tries makes room.
const ADDRESSES_MAX: usize = 1_024;

/// Wrong tokens by address.
#[derive(Debug, Default)]
pub(super) struct Tries(HashMap<AddressKey, Wrong>);

#[derive(Clone, Copy, Debug)]
struct Wrong {
    count: u32,
    since: Instant,
}

// === impl Tries ===

impl Tries {
    /// How long an address has to wait before another token of it is looked at; none when it may try.
    pub(super) fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let wrong = self.0.get(&address.into()).filter(|wrong| wrong.count >= TRIES_MAX)?;
        (wrong.since + WINDOW).checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// Counts a wrong token.
    pub(super) fn record(&mut self, address: IpAddr, now: Instant) {
        let key = AddressKey::from(address);
        if !self.0.contains_key(&key) {
            self.make_room(now);
        }
        let wrong = self.0.entry(key).or_insert(Wrong { count: 0, since: now });
        if wrong.is_over(now) {
            *wrong = Wrong { count: 0, since: now };
        }
        wrong.count += 1;
    }

    fn make_room(&mut self, now: Instant) {
        if self.0.len() < ADDRESSES_MAX {
            return;
        }
        self.0.retain(|_, wrong| !wrong.is_over(now));
        let fewest = self.0.iter().min_by_key(|(_, wrong)| (wrong.count, wrong.since)).map(|(key, _)| *key);
        if let Some(key) = fewest.filter(|_| self.0.len() >= ADDRESSES_MAX) {
            self.0.remove(&key);
        }
    }
}

// === impl Wrong ===

impl Wrong {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.since) >= WINDOW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(n).into()
    }

    #[test]
    fn an_address_that_tried_too_often_waits_and_no_other() {
        let (mut tries, now) = (Tries::default(), Instant::now());
        for _ in 0..TRIES_MAX {
            assert_eq!(tries.wait(address(1), now), None);
            tries.record(address(1), now);
        }
        assert_eq!(tries.wait(address(1), now), Some(WINDOW));
        assert_eq!(tries.wait(address(2), now), None);
        assert_eq!(tries.wait(address(1), now + WINDOW), None);
        tries.record(address(1), now + WINDOW);
        assert_eq!(tries.wait(address(1), now + WINDOW), None);
    }

    #[test]
    fn those_who_are_remembered_are_bounded_and_a_crowd_frees_nobody() {
        let (mut tries, now) = (Tries::default(), Instant::now());
        (0..TRIES_MAX).for_each(|_| tries.record(address(7), now));
        (0..4 * 1_024).for_each(|n| tries.record(address(1_000 + n), now));
        assert_eq!(tries.0.len(), ADDRESSES_MAX);
        assert_eq!(tries.wait(address(7), now), Some(WINDOW));
    }
}
