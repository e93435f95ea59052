//! When a schedule fires: cron expressions in UTC, and intervals.

use std::{str::FromStr, time::Duration};

use chrono::{DateTime, Utc};
use croner::{Cron, parser::CronParser};

use crate::{manifest::Timetable, timestamp::Timestamp};

/// The shortest interval.
pub const INTERVAL_MIN: Duration = Duration::from_secs(1);

/// A timetable that can be followed.
#[derive(Clone, Debug)]
pub enum Plan {
    /// By the calendar.
    Cron(Box<Cron>),
    /// So often after the anchor.
    Every(Duration),
}

/// Why a timetable cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTimetable {
    /// A cron expression cannot be read.
    #[error("'{0}' is not a cron expression: {1}; write five fields, as in \"0 3 * * 1-5\"")]
    Cron(String, String),
    /// A cron expression that no moment fits.
    #[error("the cron expression '{0}' never fires")]
    Never(String),
    /// An interval is too short.
    #[error("the interval must be at least 1s")]
    Interval,
}

// === impl Plan ===

impl Plan {
    /// Reads a timetable.
    ///
    /// # Errors
    /// When it cannot be followed.
    pub fn new(timetable: &Timetable) -> Result<Self, InvalidTimetable> {
        match timetable {
            Timetable::Every(every) if every.0 < INTERVAL_MIN => Err(InvalidTimetable::Interval),
            Timetable::Every(every) => Ok(Self::Every(every.0)),
            Timetable::Cron(text) => {
                let wrong = |why: String| InvalidTimetable::Cron(text.clone(), why);
                if text.split_whitespace().count() != 5 {
                    return Err(wrong("it has not five fields".to_owned()));
                }
                let parser = CronParser::builder().seconds(croner::parser::Seconds::Disallowed).build();
                let cron = parser.parse(text).map_err(|error| wrong(error.to_string()))?;
                let plan = Self::Cron(Box::new(cron));
                let fires = plan.next(Timestamp(0), Timestamp(0)).is_some();
                if fires { Ok(plan) } else { Err(InvalidTimetable::Never(text.clone())) }
            }
        }
    }

    /// The first firing after `after`; intervals count from `anchor`.
    #[must_use]
    pub fn next(&self, anchor: Timestamp, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(every) => {
                let every = u64::try_from(every.as_millis()).ok()?;
                let passed = after.0.checked_sub(anchor.0).map_or(0, |passed| passed / every);
                Some(Timestamp(anchor.0.checked_add(every.checked_mul(passed + 1)?)?))
            }
            Self::Cron(cron) => {
                let after = DateTime::<Utc>::from_timestamp_millis(i64::try_from(after.0).ok()?)?;
                let next = cron.find_next_occurrence(&after, false).ok()?;
                u64::try_from(next.timestamp_millis()).ok().map(Timestamp)
            }
        }
    }
}

impl FromStr for Plan {
    type Err = InvalidTimetable;

    /// Reads a cron expression.
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::new(&Timetable::Cron(s.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::HumanDuration;

    #[track_caller]
    fn check(cron: &str, after: &str, next: &str) {
        let plan: Plan = cron.parse().unwrap();
        let next = next.parse().ok();
        assert_eq!(plan.next(Timestamp(0), after.parse().unwrap()), next, "{cron} after {after}");
    }

    #[test]
    fn cron_fires_by_the_calendar_in_utc() {
        check("*/15 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:15:00Z");
        check("0 3 * * 1-5", "2026-01-02T03:00:00Z", "2026-01-05T03:00:00Z");
        check("30 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:30:00Z");
        check("59 23 31 12 *", "2026-12-31T23:58:59.999Z", "2026-12-31T23:59:00Z");
    }

    #[test]
    fn intervals_count_from_their_anchor() {
        let plan = Plan::new(&Timetable::Every(HumanDuration(Duration::from_secs(10)))).unwrap();
        for (after, next) in [(0, 15_000), (5_000, 15_000), (14_999, 15_000), (15_000, 25_000), (123_456, 125_000)] {
            assert_eq!(plan.next(Timestamp(5_000), Timestamp(after)), Some(Timestamp(next)));
        }
    }

    #[test]
    fn what_cannot_be_followed_is_refused() {
        for wrong in ["", "* * * *", "* * * * * *", "61 * * * *", "a b c d e", "0 0 31 2 *"] {
            assert!(wrong.parse::<Plan>().is_err(), "{wrong}");
        }
        assert!(Plan::new(&Timetable::Every(HumanDuration(Duration::from_millis(999)))).is_err());
    }
}
