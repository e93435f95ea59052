//! The time of day, and waiting for a while.

use std::fmt;
use std::time::Duration;

use crate::host;

/// A moment: the time since 1970-01-01T00:00:00Z, to the nanosecond. Written out as RFC 3339 in UTC with
/// milliseconds: `2026-01-31T09:30:00.125Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(Duration);

/// The time now.
pub fn now() -> Timestamp {
    Timestamp(host::now())
}

/// Waits this long, without using the processor. The host still ends a call that takes too long; natively no time is
/// spent, the host's clock is put ahead.
pub fn sleep(duration: Duration) {
    host::sleep(duration);
}

// === impl Timestamp ===

impl Timestamp {
    /// The moment that is this long after 1970.
    pub const fn from_unix(since_1970: Duration) -> Self {
        Self(since_1970)
    }

    /// The time since 1970.
    pub const fn as_unix(self) -> Duration {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (year, month, day) = civil_from_days(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let millis = self.0.subsec_millis();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

/// The Gregorian date so many days after 1970-01-01. Counts in eras of 400 years that begin on 1 March, so that
/// the leap day is the last of its year.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // from 0000-03-01
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// The duration in whole milliseconds, rounded up so that one that is not zero stays so.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_below_a_millisecond_is_not_none() {
        for (micros, millis) in [(0, 0), (1, 1), (1_000, 1), (1_001, 2), (5_000_000, 5_000)] {
            assert_eq!(milliseconds(Duration::from_micros(micros)), millis, "{micros}");
        }
        assert_eq!(milliseconds(Duration::MAX), u64::MAX);
    }

    #[test]
    fn sleeping_takes_no_time_natively() {
        let before = now();
        sleep(Duration::from_secs(3_600));
        assert!(now().as_unix() - before.as_unix() >= Duration::from_secs(3_600));
    }

    #[track_caller]
    fn check(seconds: u64, millis: u64, text: &str) {
        let since_1970 = Duration::from_secs(seconds) + Duration::from_millis(millis);
        assert_eq!(Timestamp::from_unix(since_1970).to_string(), text);
    }

    #[test]
    fn moments_are_written_as_rfc_3339() {
        check(0, 0, "1970-01-01T00:00:00.000Z");
        check(951_782_400, 0, "2000-02-29T00:00:00.000Z");
        check(951_868_799, 999, "2000-02-29T23:59:59.999Z");
        check(1_709_251_199, 5, "2024-02-29T23:59:59.005Z");
        check(1_735_689_599, 0, "2024-12-31T23:59:59.000Z");
        check(4_107_542_400, 0, "2100-03-01T00:00:00.000Z");
    }
}
