//! When an issuer's keys are fetched: decided from what happened, and the time.

use std::time::Duration;

use tokio::time::Instant;

/// How long fetched keys are good, when their server says nothing else.
const LIFETIME: Duration = Duration::from_secs(300);

/// How long at least and at most, whatever it says. A key that was withdrawn counts for no longer than the most of it.
const LIFETIME_MIN: Duration = Duration::from_secs(30);
const LIFETIME_MAX: Duration = Duration::from_secs(3600);

/// How long the keys of a file are good: reading it again costs little.
pub(super) const LIFETIME_OF_FILE: Duration = Duration::from_secs(60);

/// How long keys are used on after that while fetching new ones fails: a server of keys that is down for a night shall
/// not lock everybody out.
pub(super) const KEPT: Duration = Duration::from_secs(24 * 3600);

/// How long after a failed fetch the next one begins, at the earliest.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// How long after a fetch because of an unknown key the next such one begins, at the earliest.
pub(super) const FORCED_PAUSE: Duration = Duration::from_secs(30);

/// What has happened.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    attempted: Option<Instant>,
    forced: Option<Instant>,
    /// When the keys were fetched that are there, and how long they are good.
    fetched: Option<(Instant, Duration)>,
}

/// What has to be done before a key is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing: what is there can be used.
    Nothing,
    /// Fetch, and use what is there meanwhile.
    Soon,
    /// Fetch first.
    Now,
    /// There is nothing that could be used, and it is too early to try again.
    Lost,
}

// === impl Schedule ===

impl Schedule {
    pub(super) fn need(&self, now: Instant) -> Need {
        let may_try = self.attempted.is_none_or(|at| now.saturating_duration_since(at) >= RETRY_PAUSE);
        let (at, lifetime) = match self.fetched {
            Some(fetched) => fetched,
            None => return if may_try { Need::Now } else { Need::Lost },
        };
        let age = now.saturating_duration_since(at);
        match age {
            _ if age < lifetime / 5 * 4 => Need::Nothing,
            _ if age < lifetime => {
                if may_try {
                    Need::Soon
                } else {
                    Need::Nothing
                }
            }
            _ if age < lifetime + KEPT => match self.attempted {
                _ if !may_try => Need::Nothing,
                // Once requests waited in vain, the next ones need not: the server may be slow to fail.
                Some(tried) if tried.saturating_duration_since(at) >= lifetime => Need::Soon,
                _ => Need::Now,
            },
            _ => {
                if may_try {
                    Need::Now
                } else {
                    Need::Lost
                }
            }
        }
    }

    /// Whether an unknown key is a reason to fetch now. If so, it counts as one.
    pub(super) fn force(&mut self, now: Instant) -> bool {
        let may = self.forced.is_none_or(|at| now.saturating_duration_since(at) >= FORCED_PAUSE);
        if may {
            self.forced = Some(now);
        }
        may
    }

    pub(super) fn attempted(&mut self, now: Instant) {
        self.attempted = Some(now);
    }

    pub(super) fn succeeded(&mut self, now: Instant, lifetime: Duration) {
        self.fetched = Some((now, lifetime));
    }
}

/// How long a document is good, by its Cache-Control.
pub(super) fn lifetime<'a>(cache_control: impl Iterator<Item = &'a str>) -> Duration {
    let mut said = None;
    for directive in cache_control.flat_map(|value| value.split(',')).map(str::trim) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            return LIFETIME_MIN;
        }
        if name.eq_ignore_ascii_case("max-age") {
            said = value.trim_matches('"').parse().ok().map(Duration::from_secs);
        }
    }
    said.unwrap_or(LIFETIME).clamp(LIFETIME_MIN, LIFETIME_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn keys_are_fetched_before_they_are_too_old_and_kept_when_that_fails() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut schedule = Schedule::default();
        assert_eq!(schedule.need(at(0)), Need::Now);
        schedule.attempted(at(0));
        assert_eq!(schedule.need(at(4)), Need::Lost);
        assert_eq!(schedule.need(at(5)), Need::Now);
        schedule.attempted(at(5));
        schedule.succeeded(at(5), HOUR);
        assert_eq!(schedule.need(at(5 + 2_879)), Need::Nothing);
        assert_eq!(schedule.need(at(5 + 2_880)), Need::Soon);
        schedule.attempted(at(3_000));
        assert_eq!(schedule.need(at(3_004)), Need::Nothing);
        assert_eq!(schedule.need(at(3_605)), Need::Now);
        schedule.attempted(at(3_605));
        assert_eq!(schedule.need(at(3_609)), Need::Nothing);
        assert_eq!(schedule.need(at(3_610)), Need::Soon);
        let end = 5 + 3_600 + KEPT.as_secs();
        schedule.attempted(at(end - 2));
        assert_eq!(schedule.need(at(end - 1)), Need::Nothing);
        assert_eq!(schedule.need(at(end)), Need::Lost);
        assert_eq!(schedule.need(at(end + 3)), Need::Now);
    }

    #[test]
    fn unknown_keys_cause_one_fetch_in_their_pause() {
        let start = Instant::now();
        let mut schedule = Schedule::default();
        assert!(schedule.force(start));
        assert!(!schedule.force(start));
        assert!(!schedule.force(start + FORCED_PAUSE - Duration::from_millis(1)));
        assert!(schedule.force(start + FORCED_PAUSE));
        assert!(!schedule.force(start + FORCED_PAUSE));
    }

    #[test]
    fn a_server_says_how_long_keys_are_good_within_bounds() {
        for (said, seconds) in [
            (&[][..], 300),
            (&["public, max-age=600"], 600),
            (&["public", "Max-Age=\"600\""], 600),
            (&["max-age=0"], 30),
            (&["max-age=86400"], 3_600),
            (&["max-age=600, no-cache"], 30),
            (&["no-store"], 30),
            (&["max-age=x"], 300),
            (&["max-age=-1"], 300),
        ] {
            assert_eq!(lifetime(said.iter().copied()), Duration::from_secs(seconds), "{said:?}");
        }
    }
}
