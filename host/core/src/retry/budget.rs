//! How many calls of a service may be repeated.

use std::time::{Duration, Instant};

/// How long a call counts.
pub const WINDOW: Duration = Duration::from_secs(10);

/// The seconds of the window, each of which is forgotten as a whole.
const SECONDS: usize = 10;

/// What a budget allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetConfig {
    /// Of a hundred calls within [`WINDOW`], so many may be repeated; 0 to 1,000. Default 20.
    pub percent: u32,
    /// So many may be in any case, a second, as a mean over [`WINDOW`]; else a service with few calls could not repeat
    /// any. Default 3.
    pub min_per_second: u32,
}

/// The budget of one service: the calls and the retries of the latest ten seconds.
#[derive(Clone, Debug)]
pub struct Budget {
    start: Instant,
    /// The second of the latest look, counted from `start`.
    second: u64,
    /// By their seconds.
    calls: [u32; SECONDS],
    retries: [u32; SECONDS],
    all_calls: u64,
    all_retries: u64,
}

// === impl BudgetConfig ===

impl Default for BudgetConfig {
    fn default() -> Self {
        Self { percent: 20, min_per_second: 3 }
    }
}

impl BudgetConfig {
    /// How many of so many calls may be repeated.
    fn allows(self, calls: u64) -> u64 {
        let share = calls.saturating_mul(u64::from(self.percent)) / 100;
        share.max(u64::from(self.min_per_second) * WINDOW.as_secs())
    }
}

// === impl Budget ===

impl Budget {
    /// Nothing was called yet; its seconds begin now.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { start: now, second: 0, calls: [0; SECONDS], retries: [0; SECONDS], all_calls: 0, all_retries: 0 }
    }

    /// Counts a call: its first attempt.
    pub fn deposit(&mut self, now: Instant) {
        let slot = self.advance(now);
        // Four thousand million calls in a second are not to be had; the sum has to agree with its parts in any case.
        let counted = self.calls[slot].saturating_add(1);
        self.all_calls += u64::from(counted - self.calls[slot]);
        self.calls[slot] = counted;
    }

    /// Whether one more attempt may take place; if so, it is counted.
    pub fn withdraw(&mut self, now: Instant, config: BudgetConfig) -> bool {
        let slot = self.advance(now);
        let may = self.all_retries < config.allows(self.all_calls) && self.retries[slot] < u32::MAX;
        if may {
            self.retries[slot] += 1;
            self.all_retries += 1;
        }
        may
    }

    /// Forgets what is older than the window; says where the present second is counted. A time before the latest look,
    /// as another thread may have read it, counts as that.
    fn advance(&mut self, now: Instant) -> usize {
        let second = now.saturating_duration_since(self.start).as_secs().max(self.second);
        let passed = usize::try_from(second - self.second).map_or(SECONDS, |passed| passed.min(SECONDS));
        for ago in 0..passed {
            let slot = slot(second - ago as u64);
            self.all_calls -= u64::from(std::mem::take(&mut self.calls[slot]));
            self.all_retries -= u64::from(std::mem::take(&mut self.retries[slot]));
        }
        self.second = second;
        slot(second)
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the remainder is below SECONDS")]
fn slot(second: u64) -> usize {
    (second % SECONDS as u64) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn withdrawn(budget: &mut Budget, now: Instant, config: BudgetConfig) -> usize {
        (0..1_000_000).take_while(|_| budget.withdraw(now, config)).count()
    }

    #[test]
    fn a_fifth_of_many_calls_and_three_a_second_of_few() {
        let start = Instant::now();
        let config = BudgetConfig::default();
        for (calls, retries) in [(0, 30), (100, 30), (150, 30), (200, 40), (1_004, 200)] {
            let mut budget = Budget::new(start);
            (0..calls).for_each(|_| budget.deposit(start));
            assert_eq!(withdrawn(&mut budget, start, config), retries, "{calls}");
        }
        let mut none = Budget::new(start);
        none.deposit(start);
        assert!(!none.withdraw(start, BudgetConfig { percent: 0, min_per_second: 0 }));
    }

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let start = Instant::now();
        let config = BudgetConfig { percent: 10, min_per_second: 0 };
        let mut budget = Budget::new(start);
        (0..100).for_each(|_| budget.deposit(start));
        assert_eq!(withdrawn(&mut budget, start, config), 10);
        assert!(!budget.withdraw(start + Duration::from_millis(9_999), config));
        (0..100).for_each(|_| budget.deposit(start + WINDOW));
        assert_eq!(withdrawn(&mut budget, start + WINDOW, config), 10);
        assert_eq!(withdrawn(&mut budget, start + WINDOW * 99, config), 0);
    }

    proptest! {
        #[test]
        fn it_allows_what_a_look_at_all_calls_allows(
            steps in prop::collection::vec((0u64..4_000, prop::bool::weighted(0.6)), 1..300),
            percent in 0u32..150,
            min_per_second in 0u32..2,
        ) {
            let start = Instant::now();
            let config = BudgetConfig { percent, min_per_second };
            let (mut budget, mut ms) = (Budget::new(start), 0);
            let (mut calls, mut retries) = (Vec::<u64>::new(), Vec::<u64>::new());
            for (pause, is_call) in steps {
                ms += pause / 10;
                let now = start + Duration::from_millis(ms);
                let counted = |all: &[u64]| all.iter().filter(|at| **at / 1_000 + 10 > ms / 1_000).count() as u64;
                if is_call {
                    budget.deposit(now);
                    calls.push(ms);
                } else {
                    let allowed = (counted(&calls) * u64::from(percent) / 100).max(u64::from(min_per_second) * 10);
                    let may = counted(&retries) < allowed;
                    prop_assert_eq!(budget.withdraw(now, config), may);
                    if may {
                        retries.push(ms);
                    }
                }
            }
        }
    }
}
