//! What was counted in the latest seconds and minutes, from counters that only grow: pure, told when to look.
//!
//! The latest [`RECENT`] looks give rates of the moment, each [`STEP`] of them one point of a chart.

use std::{collections::VecDeque, time::Duration};

use schemars::JsonSchema;
use serde::Serialize;
use switchyard_core::{
    rollout::Tally,
    stats::{BUCKETS, upper_bound_us},
};

/// How many looks the figures of the moment are about.
pub(super) const RECENT: usize = 10;

/// How many looks make one point of a chart.
pub(super) const STEP: usize = 5;

/// How many points of a chart are kept.
pub(super) const POINTS: usize = 60;

/// Counters at one moment.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) calls: u64,
    /// Those of them that were answered with a status of 500 or more, or not at all.
    pub(super) failures: u64,
    /// Calls by the bucket of their latency, where latencies are known.
    pub(super) buckets: Option<Box<[u64; BUCKETS]>>,
}

/// The latest of what was counted about one thing.
#[derive(Debug, Default)]
pub(super) struct Window {
    last: Reading,
    calls: u64,
    failures: u64,
    /// The latest looks, the oldest first.
    recent: VecDeque<Delta>,
    /// The latest points, the oldest first.
    points: VecDeque<Figures>,
}

/// What was counted between two looks.
#[derive(Clone, Debug, Default)]
pub(super) struct Delta {
    took: Duration,
    pub(super) calls: u64,
    pub(super) failures: u64,
    /// Buckets with something in them.
    buckets: Vec<(usize, u64)>,
}

/// How often, and how quickly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Figures {
    /// Calls a second.
    pub(crate) rate: f64,
    /// Those of them that were answered with a status of 500 or more, or not at all.
    pub(crate) failure_rate: f64,
    /// What 95 % of them took no longer than, in milliseconds; null when there were none, or it is not known.
    pub(crate) p95: Option<f64>,
}

// === impl Reading ===

impl From<Tally> for Reading {
    fn from(tally: Tally) -> Self {
        Self { calls: tally.calls(), failures: tally.failures, buckets: Some(tally.buckets) }
    }
}

impl Reading {
    fn since(&self, earlier: &Self, took: Duration) -> Delta {
        // Counters that begin anew are those of something new of the same name.
        if self.calls < earlier.calls {
            return self.since(&Self::default(), took);
        }
        let calls = self.calls - earlier.calls;
        let of_earlier = |at: usize| earlier.buckets.as_ref().map_or(0, |buckets| buckets[at]);
        let mut buckets = Vec::new();
        if let Some(now) = self.buckets.as_ref().filter(|_| calls > 0) {
            let grown = now.iter().enumerate().map(|(at, count)| (at, count.saturating_sub(of_earlier(at))));
            buckets.extend(grown.filter(|(_, count)| *count > 0));
        }
        Delta { took, calls, failures: self.failures.saturating_sub(earlier.failures), buckets }
    }
}

// === impl Window ===

impl Window {
    /// Looks at the counters, `took` after the look before; with `is_point`, a point of the chart ends here.
    pub(super) fn look(&mut self, now: Reading, took: Duration, is_point: bool) -> Delta {
        let delta = now.since(&self.last, took);
        self.last = now;
        self.push(delta.clone(), is_point);
        delta
    }

    /// The same for what was counted elsewhere.
    pub(super) fn push(&mut self, delta: Delta, is_point: bool) {
        self.calls += delta.calls;
        self.failures += delta.failures;
        keep(&mut self.recent, delta, RECENT);
        if is_point {
            let from = self.recent.len().saturating_sub(STEP);
            keep(&mut self.points, Figures::of(self.recent.range(from..)), POINTS);
        }
    }

    /// Calls in all, and those of them that failed.
    pub(super) fn totals(&self) -> (u64, u64) {
        (self.calls, self.failures)
    }

    /// The figures of the moment.
    pub(super) fn now(&self) -> Figures {
        Figures::of(self.recent.iter())
    }

    /// The latest points, the oldest first; before it was known, nothing was counted.
    pub(super) fn points(&self) -> impl Iterator<Item = Figures> {
        let before = POINTS - self.points.len();
        std::iter::repeat_n(Figures::default(), before).chain(self.points.iter().copied())
    }
}

// === impl Delta ===

impl Delta {
    /// What is left of it without what was counted at `others`, without latencies.
    pub(super) fn without(&self, others: (u64, u64)) -> Self {
        Self {
            took: self.took,
            calls: self.calls.saturating_sub(others.0),
            failures: self.failures.saturating_sub(others.1),
            buckets: Vec::new(),
        }
    }
}

// === impl Figures ===

impl Figures {
    #[allow(clippy::cast_precision_loss, reason = "figures for people, exact below 2^53")]
    fn of<'a>(deltas: impl Iterator<Item = &'a Delta>) -> Self {
        let (mut took, mut calls, mut failures) = (Duration::ZERO, 0, 0);
        let mut buckets = std::collections::BTreeMap::<usize, u64>::new();
        for delta in deltas {
            took += delta.took;
            calls += delta.calls;
            failures += delta.failures;
            delta.buckets.iter().for_each(|(at, count)| *buckets.entry(*at).or_default() += count);
        }
        let seconds = took.as_secs_f64().max(f64::EPSILON);
        let rank = (buckets.values().sum::<u64>() * 95).div_ceil(100);
        let mut seen = 0;
        let slow = buckets.iter().find(|(_, count)| {
            seen += *count;
            seen >= rank
        });
        Self {
            rate: round(calls as f64 / seconds),
            failure_rate: round(failures as f64 / seconds),
            p95: slow.map(|(at, _)| upper_bound_us(*at) as f64 / 1_000.0),
        }
    }
}

fn keep<T>(kept: &mut VecDeque<T>, newest: T, max: usize) {
    if kept.len() == max {
        kept.pop_front();
    }
    kept.push_back(newest);
}

fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn tally(latencies_ms: &[u64], failures: u64) -> Reading {
        let mut tally = Tally::default();
        latencies_ms.iter().for_each(|ms| tally.record(Duration::from_millis(*ms), false));
        Reading { failures, ..tally.into() }
    }

    #[test]
    fn rates_are_of_the_latest_looks_and_pass() {
        let mut window = Window::default();
        window.look(tally(&[1; 20], 4), SECOND, false);
        assert_eq!((window.now().rate, window.now().failure_rate), (20.0, 4.0));
        window.look(tally(&[1; 20], 4), SECOND, false);
        assert_eq!((window.now().rate, window.now().failure_rate), (10.0, 2.0));
        (0..RECENT).for_each(|_| _ = window.look(tally(&[1; 20], 4), SECOND, false));
        assert_eq!((window.now(), window.totals()), (Figures::default(), (20, 4)));
    }

    #[test]
    fn latencies_are_of_the_latest_looks() {
        let mut window = Window::default();
        window.look(tally(&[500; 100], 0), SECOND, false);
        (0..RECENT - 1).for_each(|_| _ = window.look(tally(&[500; 100], 0), SECOND, false));
        assert!(window.now().p95.is_some_and(|p95| (500.0..535.0).contains(&p95)));
        let quick: Vec<u64> = [[500; 100], [2; 100]].concat();
        window.look(tally(&quick, 0), SECOND, false);
        assert!(window.now().p95.is_some_and(|p95| (2.0..2.2).contains(&p95)));
    }

    #[test]
    fn a_chart_has_all_its_points_from_the_start() {
        let mut window = Window::default();
        for look in 1..=STEP {
            window.look(tally(&vec![1; look * 2], 0), SECOND, look == STEP);
        }
        let points: Vec<_> = window.points().collect();
        assert_eq!((points.len(), points[POINTS - 2]), (POINTS, Figures::default()));
        assert!((points[POINTS - 1].rate - 2.0).abs() < 1e-9);
        (0..POINTS * 2).for_each(|_| _ = window.look(tally(&[], 0), SECOND, true));
        assert_eq!(window.points().count(), POINTS);
    }

    #[test]
    fn counters_that_begin_anew_are_counted_from_nothing() {
        let mut window = Window::default();
        window.look(tally(&[1; 9], 3), SECOND, false);
        let delta = window.look(tally(&[1; 2], 1), SECOND, false);
        assert_eq!((delta.calls, delta.failures, window.totals()), (2, 1, (11, 4)));
    }
}
