//! Progressive reload: a new version of a service takes a growing share of its calls while it is compared with the old
//! one, and goes back by itself when it does worse.
//!
//! A share lasts until it was long enough ([`Pace::step_min`]) and the new version had [`CALLS_MIN`] calls in it; then
//! comes the next one. Within a share both versions are judged by the same moment's calls, so that a slow database or a
//! bad hour is no fault of the new one. The last share leaves the old version nothing: there it is taken as it was in the
//! latest share in which it had calls enough.
//!
//! **Invariants**: the share never shrinks; nothing is held against the new version before [`CALLS_MIN`] calls but its
//! breaker, and what a whole [`STEP_MAX`] has shown; once it is over, nothing moves any more.

mod judge;
mod pace;
mod tally;

use std::{
    fmt,
    time::{Duration, Instant},
};

pub use self::{
    judge::{FAILURE_POINTS, Fault, P95_DIFFERENCE, P95_RATIO},
    pace::{Pace, Reload},
    tally::Tally,
};

/// So many calls the new version must have had in a share: with fewer a single failure would be a rate.
pub const CALLS_MIN: u64 = 50;

/// How long a share is waited for that does not get its calls; an hour. Then it is judged by the failures that were seen,
/// and goes on: a service that nobody calls must not stay between two versions for ever.
pub const STEP_MAX: Duration = Duration::from_secs(3_600);

/// What both versions have done by now.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// What was counted of the old one, at any time up to now.
    pub old: &'a Tally,
    /// Of the new one.
    pub new: &'a Tally,
    /// Whether the breaker of the old one is open.
    pub is_old_refusing: bool,
    /// Whether that of the new one is.
    pub is_new_refusing: bool,
}

/// A new version on its way.
#[derive(Clone, Debug)]
pub struct Rollout {
    pace: Pace,
    /// None when it is over.
    step: Option<Step>,
    /// What the old version did in the latest share in which it had calls enough.
    reference: Option<Tally>,
}

/// What happens next.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// The share of the new version grows.
    Grow {
        /// From so many of a hundred calls.
        from: u8,
        /// To so many.
        to: u8,
    },
    /// The new version replaces the old one.
    Done,
    /// The old version takes all calls again.
    Back(Back),
}

/// A new version that did worse.
#[derive(Clone, Debug, PartialEq)]
pub struct Back {
    /// Its share when that showed, of a hundred calls.
    pub percent: u8,
    /// What it did worse.
    pub fault: Fault,
}

/// One share, and what was counted when it began.
#[derive(Clone, Debug)]
struct Step {
    index: usize,
    since: Instant,
    old: Tally,
    new: Tally,
}

// === impl Rollout ===

impl Rollout {
    /// One that begins now, with the first share.
    pub fn begin(now: Instant, pace: Pace, sight: Sight<'_>) -> Self {
        Self { pace, step: Some(Step::begin(0, now, sight)), reference: None }
    }

    /// How fast it goes.
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// The share of the new version, of a hundred calls; 0 when it is over.
    pub fn percent(&self) -> u8 {
        self.step.as_ref().map_or(0, |step| self.pace.steps()[step.index])
    }

    /// When that share began, and how many calls the new version has had in it, given all that it has had.
    pub fn progress(&self, new: &Tally) -> Option<(Instant, u64)> {
        self.step.as_ref().map(|step| (step.since, new.since(&step.new).calls()))
    }

    /// Looks at what both versions did.
    pub fn poll(&mut self, now: Instant, sight: Sight<'_>) -> Option<Move> {
        let percent = self.percent();
        let step = self.step.as_ref()?;
        let (old, new) = (sight.old.since(&step.old), sight.new.since(&step.new));
        let waited = now.saturating_duration_since(step.since);
        let (is_known, is_overdue) = (new.calls() >= CALLS_MIN, waited >= STEP_MAX);
        // When both are refused, something else is broken, and the share waits.
        let refused = (sight.is_new_refusing && !sight.is_old_refusing).then(|| Fault::Refused { calls: new.calls() });
        let is_judged = is_known || is_overdue;
        let reference = self.reference(&old);
        let fault = refused.or_else(|| judge::fault(&new, reference).filter(|_| is_judged));
        if let Some(fault) = fault {
            self.step = None;
            return Some(Move::Back(Back { percent, fault }));
        }
        let is_over = (is_known && waited >= self.pace.step_min()) || is_overdue;
        is_over.then(|| self.next(now, sight, old))
    }

    /// The old version as the new one is compared with it.
    fn reference<'a>(&'a self, of_step: &'a Tally) -> &'a Tally {
        if of_step.calls() >= CALLS_MIN { of_step } else { self.reference.as_ref().unwrap_or(of_step) }
    }

    fn next(&mut self, now: Instant, sight: Sight<'_>, old: Tally) -> Move {
        if old.calls() >= CALLS_MIN {
            self.reference = Some(old);
        }
        let from = self.percent();
        let index = self.step.take().map_or(0, |step| step.index + 1);
        match self.pace.steps().get(index) {
            Some(to) => {
                self.step = Some(Step::begin(index, now, sight));
                Move::Grow { from, to: *to }
            }
            None => Move::Done,
        }
    }
}

// === impl Step ===

impl Step {
    fn begin(index: usize, now: Instant, sight: Sight<'_>) -> Self {
        Self { index, since: now, old: sight.old.clone(), new: sight.new.clone() }
    }
}

// === impl Back ===

impl fmt::Display for Back {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rolled back at {} %: {}", self.percent, self.fault)
    }
}

#[cfg(test)]
mod tests;
