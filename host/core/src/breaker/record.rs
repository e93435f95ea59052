//! What becomes of a breaker when a call has ended.

use std::time::Instant;

use super::{Breaker, Cause, Outcome, Permit, Phase, Receipt, Transition};

/// The part of its length by which an opening is longer or shorter, at most: breakers that opened together shall not
/// all probe together.
const JITTER: f64 = 0.2;

// === impl Breaker ===

impl Breaker {
    /// Takes in how a call ended. `jitter` is asked for a number in [0, 1) when the breaker opens.
    pub fn record(
        &mut self,
        now: Instant,
        permit: Permit,
        outcome: Outcome,
        jitter: impl FnOnce() -> f64,
    ) -> Option<Transition> {
        let is_slow = self.config.slow.is_some_and(|slow| permit.took(now) >= Some(slow.after));
        self.metrics.ended(outcome);
        if permit.generation() != self.generation {
            return None;
        }
        if let Phase::HalfOpen { under_way, successes } = &mut self.phase {
            *under_way -= u32::from(permit.is_probe());
            return match outcome {
                Outcome::Failure | Outcome::TimedOut => self.open(now, Cause::Probe, jitter()),
                Outcome::Success if is_slow => self.open(now, Cause::SlowProbe, jitter()),
                Outcome::Success if *successes + 1 >= self.config.successes => {
                    self.go(Phase::Closed, Cause::Recovered(self.config.successes))
                }
                Outcome::Success => {
                    *successes += 1;
                    self.failures = 0;
                    None
                }
                Outcome::Throttled | Outcome::Uncounted => None,
            };
        }
        match outcome {
            Outcome::Uncounted => return None,
            Outcome::Failure | Outcome::TimedOut => self.failures = self.failures.saturating_add(1),
            Outcome::Success => self.failures = 0,
            Outcome::Throttled => {}
        }
        self.window.record(now, outcome.is_failure(), is_slow);
        self.judge(now, jitter)
    }

    /// Takes in that an answer broke off which had been recorded as a success: that is a failure of its own.
    pub fn broke_off(&mut self, now: Instant, receipt: Receipt, jitter: impl FnOnce() -> f64) -> Option<Transition> {
        self.record(now, receipt.into_permit(), Outcome::Failure, jitter)
    }

    /// Draws the conclusion of what was counted.
    fn judge(&mut self, now: Instant, jitter: impl FnOnce() -> f64) -> Option<Transition> {
        let cause = self.config.cause(self.failures, self.window.counts())?;
        match self.phase {
            Phase::Closed => self.open(now, cause, jitter()),
            // It begins anew, so that it says so once for each time.
            Phase::Measuring => self.go(Phase::Measuring, cause),
            _ => None,
        }
    }

    fn open(&mut self, now: Instant, cause: Cause, jitter: f64) -> Option<Transition> {
        let length = self.config.opening(self.openings).mul_f64(1.0 - JITTER + 2.0 * JITTER * jitter.clamp(0.0, 1.0));
        self.openings = self.openings.saturating_add(1);
        self.failures = self.failures.saturating_add(u32::from(matches!(cause, Cause::Probe)));
        self.go(Phase::Open { until: now + length }, cause)
    }
}
