//! UUIDs of version 7 (RFC 9562): unique, and in the order of their making.
//!
//! Of the 74 bits after the millisecond, 12 hold the fraction of it (the RFC's method 3, steps of 244 ns), so that
//! ids made in different instances within one millisecond are ordered too. Within an instance an id is always
//! greater than the one before, whatever the clock does. The other 62 bits are random.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::{self, Timestamp};
use crate::host;

/// Milliseconds since 1970 times 4,096, plus the fraction, of the last id made here.
static LAST: AtomicU64 = AtomicU64::new(0);

/// A new id, as text: `0192f0a4-7c1e-7d3a-9b52-6f1e2a3b4c5d`.
pub fn v7() -> String {
    v7_at(clock::now())
}

/// A new id for something made at this moment.
pub fn v7_at(moment: Timestamp) -> String {
    let ticks = ticks(moment);
    let next = |last: u64| Some(ticks.max(last + 1));
    let last = LAST.try_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap_or_default();
    text(ticks.max(last + 1), host::random())
}

/// Whether a text is a UUID as this module writes it: 36 characters, lower-case.
pub fn is_valid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}

fn ticks(moment: Timestamp) -> u64 {
    let unix = moment.as_unix();
    let millis = unix.as_secs() * 1_000 + u64::from(unix.subsec_millis());
    let fraction = (u64::from(unix.subsec_nanos() % 1_000_000) << 12) / 1_000_000;
    (millis << 12) | fraction
}

fn text(ticks: u64, random: u64) -> String {
    let high = ((ticks >> 12) << 16) | 0x7000 | (ticks & 0xfff);
    let low = (0b10 << 62) | (random >> 2);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_bits_stand_where_the_rfc_wants_them() {
        // RFC 9562, A.6: 2022-02-22T19:22:22Z with the random bits cc3 and 18c4dc0c0c07398f.
        let moment = Timestamp::from_unix(Duration::from_secs(1_645_557_742));
        let written = text(ticks(moment) | 0xcc3, 0x18c4_dc0c_0c07_398f << 2);
        assert_eq!(written, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    }

    #[test]
    fn ids_of_one_millisecond_are_ordered_by_its_fraction() {
        let at = |nanos| ticks(Timestamp::from_unix(Duration::new(5, nanos)));
        assert!(at(1_000_000) < at(1_000_245) && at(1_000_245) < at(1_999_999) && at(1_999_999) < at(2_000_000));
    }

    #[test]
    fn ids_grow_even_when_the_clock_stands_or_goes_back() {
        let moment = |seconds| Timestamp::from_unix(Duration::from_secs(seconds));
        let ids: Vec<String> = [9, 9, 9, 4].map(moment).map(v7_at).into();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        assert!(ids.iter().all(|id| is_valid(id)));
    }

    #[test]
    fn only_the_canonical_form_is_valid() {
        for text in ["", "x", "017F22E2-79B0-7CC3-98C4-DC0C0C07398F", "017f22e279b0-7cc3-98c4-dc0c0c07398f--"] {
            assert!(!is_valid(text), "{text}");
        }
    }
}
