//! When a connection is over its time, decided from what it was seen doing. Pure.

use std::time::{Duration, Instant};

use crate::connection::{Close, Phase, Seen};

/// The time limits of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// From the first sign of a request to the end of its head.
    pub(super) header: Duration,
    /// Without a byte either way, between requests or within a response.
    pub(super) idle: Duration,
}

/// What to do about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Keep,
    /// Tell it to end.
    Tell(Close),
    /// End it: the other side has stopped reading, or the service sending.
    Cut,
}

/// What a connection was doing when it was seen last, and since when.
#[derive(Debug, Default)]
pub(super) struct Watch {
    latest: Option<(Seen, Instant)>,
    told: bool,
}

impl Watch {
    pub(super) fn observe(&mut self, now: Instant, seen: Seen, limits: Limits) -> Verdict {
        let since = match self.latest {
            Some((before, since)) if same(before, seen) => since,
            _ => {
                self.latest = Some((seen, now));
                return Verdict::Keep;
            }
        };
        let waited = now.duration_since(since);
        let over = match seen.phase {
            Phase::Head => waited >= limits.header,
            // The request's deadline is kept by the dispatcher.
            Phase::Handling => return Verdict::Keep,
            Phase::Idle | Phase::Responding => waited >= limits.idle,
        };
        if !over {
            return Verdict::Keep;
        }
        let verdict = match seen.phase {
            _ if self.told => Verdict::Cut,
            Phase::Head => Verdict::Tell(Close::HeadOverdue),
            Phase::Idle => Verdict::Tell(Close::WhenIdle),
            Phase::Handling | Phase::Responding => Verdict::Cut,
        };
        self.told = true;
        // It gets as long again to do as it was told.
        self.latest = Some((seen, now));
        verdict
    }
}

/// Whether time goes on counting from before: a head must be whole within its time however its bytes trickle in,
/// elsewhere each byte is progress.
fn same(before: Seen, seen: Seen) -> bool {
    let phase = before.phase == seen.phase && before.requests == seen.requests;
    phase && (seen.phase == Phase::Head || before.progress == seen.progress)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { header: Duration::from_secs(10), idle: Duration::from_secs(60) };

    /// Sees a connection once a second, in a phase, with a byte each `every` seconds; gives the verdicts with
    /// their seconds.
    fn verdicts(phase: Phase, every: u32, seconds: u32) -> Vec<(u32, Verdict)> {
        let start = Instant::now();
        let mut watch = Watch::default();
        (0..=seconds)
            .map(|s| {
                let seen = Seen { phase, requests: 1, progress: s.checked_div(every).unwrap_or(0) };
                (s, watch.observe(start + Duration::from_secs(s.into()), seen, LIMITS))
            })
            .filter(|(_, verdict)| *verdict != Verdict::Keep)
            .collect()
    }

    #[test]
    fn a_head_that_trickles_in_is_overdue_all_the_same() {
        let told = (10, Verdict::Tell(Close::HeadOverdue));
        assert_eq!(verdicts(Phase::Head, 1, 15), [told]);
        assert_eq!(verdicts(Phase::Head, 0, 25), [told, (20, Verdict::Cut)]);
    }

    #[test]
    fn a_silent_connection_is_told_and_then_cut() {
        let told = (60, Verdict::Tell(Close::WhenIdle));
        assert_eq!(verdicts(Phase::Idle, 0, 130), [told, (120, Verdict::Cut)]);
    }

    #[test]
    fn a_response_lives_as_long_as_bytes_move() {
        assert_eq!(verdicts(Phase::Responding, 50, 1_000), []);
        assert_eq!(verdicts(Phase::Responding, 0, 100), [(60, Verdict::Cut)]);
    }

    #[test]
    fn a_request_that_is_being_handled_is_left_to_its_deadline() {
        assert_eq!(verdicts(Phase::Handling, 0, 1_000), []);
    }

    #[test]
    fn another_request_starts_anew() {
        let start = Instant::now();
        let mut watch = Watch::default();
        for request in 0..100 {
            let seen = Seen { phase: Phase::Head, requests: request, progress: 0 };
            let now = start + Duration::from_secs(9) * request;
            assert_eq!(watch.observe(now, seen, LIMITS), Verdict::Keep);
        }
    }
}
