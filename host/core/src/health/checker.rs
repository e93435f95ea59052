//! When the results of checks change what is believed.

use super::CheckStatus;

/// How many results in a row it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Failures until a healthy thing is unhealthy. Default 3.
    pub unhealthy: u32,
    /// Successes until an unhealthy thing is healthy. Default 2.
    pub healthy: u32,
}

/// Follows the checks of one thing. The first result is believed at once: there is nothing older to hold on to.
#[derive(Clone, Debug)]
pub struct Checker {
    thresholds: Thresholds,
    status: CheckStatus,
    /// Results in a row that speak against `status`.
    against: u32,
}

/// A change of what is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// What was believed until now.
    pub from: CheckStatus,
    /// What is believed from now on.
    pub to: CheckStatus,
}

// === impl Thresholds ===

impl Default for Thresholds {
    fn default() -> Self {
        Self { unhealthy: 3, healthy: 2 }
    }
}

// === impl Checker ===

impl Checker {
    /// Nothing was checked yet.
    pub fn new(thresholds: Thresholds) -> Self {
        Self { thresholds, status: CheckStatus::Unknown, against: 0 }
    }

    /// What is believed.
    pub fn status(&self) -> CheckStatus {
        self.status
    }

    /// Takes the result of a check.
    pub fn record(&mut self, succeeded: bool) -> Option<Transition> {
        let (says, needed) = if succeeded {
            (CheckStatus::Healthy, self.thresholds.healthy)
        } else {
            (CheckStatus::Unhealthy, self.thresholds.unhealthy)
        };
        if says == self.status {
            self.against = 0;
            return None;
        }
        self.against += 1;
        if self.against < needed && self.status != CheckStatus::Unknown {
            return None;
        }
        let from = std::mem::replace(&mut self.status, says);
        self.against = 0;
        Some(Transition { from, to: says })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(results: &str, believed: &str) {
        let mut checker = Checker::new(Thresholds::default());
        let mut trace = String::new();
        for result in results.chars() {
            checker.record(result == '+');
            trace.push(match checker.status() {
                CheckStatus::Healthy => 'h',
                CheckStatus::Unhealthy => 'u',
                CheckStatus::Unknown => '?',
            });
        }
        assert_eq!(trace, believed);
    }

    #[test]
    fn three_failures_in_a_row_make_unhealthy_and_two_successes_bring_it_back() {
        check("+--+---", "hhhhhhu");
        check("+---+-++", "hhhuuuuh");
    }

    #[test]
    fn the_first_result_is_believed_at_once() {
        check("+", "h");
        check("-+", "uu");
    }

    #[test]
    fn a_change_is_told_once() {
        let mut checker = Checker::new(Thresholds::default());
        let first = Transition { from: CheckStatus::Unknown, to: CheckStatus::Healthy };
        assert_eq!(checker.record(true), Some(first));
        assert_eq!(checker.record(true), None);
    }
}
