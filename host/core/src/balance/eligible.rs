//! Who may answer, and with what weight.

use std::time::Duration;

use super::{Candidate, PANIC_MIN, SLOW_START_PERCENT};

/// Those of the candidates that may answer.
pub(super) struct Eligible<'a> {
    candidates: &'a [Candidate],
    slow_start: Duration,
    in_panic: bool,
    /// Only those that no earlier attempt went to.
    only_untried: bool,
    /// Only healthy ones of this host.
    only_local: bool,
}

/// The parts that a weight is counted in, so that a tenth of the smallest weight is still a number.
const PARTS: u64 = 1_000;

impl<'a> Eligible<'a> {
    pub(super) fn of(candidates: &'a [Candidate], slow_start: Duration) -> Self {
        let unhealthy = candidates.iter().filter(|candidate| !candidate.is_healthy).count();
        let in_panic = candidates.len() >= PANIC_MIN && unhealthy * 2 > candidates.len();
        let mut eligible = Self { candidates, slow_start, in_panic, only_untried: false, only_local: false };
        // A repeated call goes to somebody else before it stays with the local one.
        eligible.only_untried = eligible.has(|candidate| !candidate.is_tried);
        eligible.only_local = eligible.has(|candidate| candidate.is_local && candidate.is_healthy);
        eligible
    }

    pub(super) fn in_panic(&self) -> bool {
        self.in_panic
    }

    /// How many candidates there are, eligible or not.
    pub(super) fn all(&self) -> usize {
        self.candidates.len()
    }

    /// Those that may answer, by their places.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &'a Candidate)> + '_ {
        self.candidates.iter().enumerate().filter(|(_, candidate)| self.takes(candidate))
    }

    pub(super) fn candidate(&self, index: usize) -> &'a Candidate {
        &self.candidates[index]
    }

    /// The places and the present weights of those that may answer. The weights fit 42 bits, so sums of them are safe.
    pub(super) fn weights(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        self.iter().map(|(index, candidate)| (index, self.weight(candidate)))
    }

    /// What a candidate's weight has grown to.
    pub(super) fn weight(&self, candidate: &Candidate) -> u64 {
        let full = u64::from(candidate.weight.max(1)) * PARTS;
        match candidate.healthy_for {
            Some(age) if age < self.slow_start => {
                let least = full * SLOW_START_PERCENT / 100;
                least + part(full - least, age, self.slow_start)
            }
            _ => full,
        }
    }

    fn has(&self, is_such: impl Fn(&Candidate) -> bool) -> bool {
        self.iter().any(|(_, candidate)| is_such(candidate))
    }

    fn takes(&self, candidate: &Candidate) -> bool {
        !candidate.is_refusing
            && (self.in_panic || candidate.is_healthy)
            && !(self.only_untried && candidate.is_tried)
            && (!self.only_local || (candidate.is_local && candidate.is_healthy))
    }
}

/// As much of the whole as `age` is of `all`, which is longer.
fn part(whole: u64, age: Duration, all: Duration) -> u64 {
    let grown = u128::from(whole) * age.as_millis() / all.as_millis().max(1);
    u64::try_from(grown).map_or(whole, |grown| grown.min(whole))
}
