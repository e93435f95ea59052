//! A circuit breaker: keeps calls away from an instance that fails, and finds out with few of them when it is back.
//!
//! Closed, it lets calls through and counts them. Open, it refuses them, for 5 s the first time and twice as long each
//! time that the instance turns out not to be back. Half-open, it lets a few probes through, which close or open it.
//! An operator may force it open or closed, or have it only measure: then nothing is refused, and it says when it would
//! have opened.
//!
//! **Invariant**: a result moves only the state in which its call was admitted. States are numbered, and a [`Permit`]
//! carries the number, so that what comes late is counted and otherwise ignored.
//! **Invariant**: no more than [`Config::probes`] calls are under way while half-open. Each permit comes back by
//! [`Breaker::record`], as [`Outcome::Uncounted`] when nobody knows how its call ended.
//!
//! While it is closed it has no say in who is admitted, so there is a [`Pass`] that callers can keep and need not ask
//! for each time: on the way to a healthy instance only results are recorded.

mod config;
mod operate;
mod outcome;
mod permit;
mod record;
mod state;
mod window;

use std::time::{Duration, Instant};

pub use self::{
    config::{Config, OPEN_LONGEST, Slow},
    outcome::{Metrics, Outcome},
    permit::{Pass, Permit, Receipt},
    state::{Cause, Stance, State, Transition},
};
use window::Window;

/// When a probe may have ended, for those who are refused since all probes are under way.
const PROBE_PAUSE: Duration = Duration::from_secs(1);

/// The breaker of one instance.
#[derive(Clone, Debug)]
pub struct Breaker {
    config: Config,
    phase: Phase,
    /// The number of the state, from 1.
    generation: u64,
    window: Window,
    /// Failures in a row.
    failures: u32,
    /// How often it has opened since it was closed.
    openings: u32,
    metrics: Metrics,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Closed,
    Open { until: Instant },
    HalfOpen { under_way: u32, successes: u32 },
    ForcedOpen,
    ForcedClosed,
    Measuring,
}

/// Whether a call may take place.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may; the first one after an opening makes the breaker half-open.
    Admit(Permit, Option<Transition>),
    /// It may not.
    Refuse {
        /// When it is worth trying again; none when that is up to an operator.
        retry_after: Option<Duration>,
    },
}

// === impl Breaker ===

impl Breaker {
    /// Closed, and nothing counted; the window's seconds begin now.
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        Self {
            config,
            phase: Phase::Closed,
            generation: 1,
            window: Window::new(now),
            failures: 0,
            openings: 0,
            metrics: Metrics::default(),
        }
    }

    /// Says whether a call may take place now.
    pub fn admit(&mut self, now: Instant) -> Decision {
        let transition = self.poll(now);
        if let Some(pass) = self.pass() {
            return Decision::Admit(pass.permit(now), transition);
        }
        let retry_after = match &mut self.phase {
            Phase::HalfOpen { under_way, .. } if *under_way < self.config.probes => {
                *under_way += 1;
                return Decision::Admit(Permit::probe(self.generation, now), transition);
            }
            Phase::HalfOpen { .. } => Some(PROBE_PAUSE),
            Phase::Open { until } => Some(until.saturating_duration_since(now)),
            Phase::ForcedOpen | Phase::Closed | Phase::ForcedClosed | Phase::Measuring => None,
        };
        self.metrics.refused();
        Decision::Refuse { retry_after }
    }

    /// What calls are admitted by until the next transition, if all of them are.
    #[must_use]
    pub fn pass(&self) -> Option<Pass> {
        let is_timed = self.config.slow.is_some();
        self.state().admits_all().then_some(Pass::new(self.generation, is_timed))
    }

    /// Becomes half-open when its time open is over.
    pub fn poll(&mut self, now: Instant) -> Option<Transition> {
        match self.phase {
            Phase::Open { until } if until <= now => {
                self.go(Phase::HalfOpen { under_way: 0, successes: 0 }, Cause::Elapsed)
            }
            _ => None,
        }
    }

    /// When [`poll`](Self::poll) has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Open { until } => Some(until),
            _ => None,
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Closed => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen { .. } => State::HalfOpen,
            Phase::ForcedOpen => State::ForcedOpen,
            Phase::ForcedClosed => State::ForcedClosed,
            Phase::Measuring => State::Measuring,
        }
    }

    /// Failures in a row; those that opened it count until a call succeeds.
    #[must_use]
    pub fn failure_count(&self) -> u32 {
        self.failures
    }

    /// What was counted since it was made.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.metrics
    }

    fn go(&mut self, phase: Phase, cause: Cause) -> Option<Transition> {
        let from = self.state();
        self.phase = phase;
        self.generation += 1;
        self.window.clear();
        if !matches!(phase, Phase::Open { .. } | Phase::HalfOpen { .. }) {
            (self.failures, self.openings) = (0, 0);
        }
        Some(Transition { from, to: self.state(), cause })
    }
}

#[cfg(test)]
mod tests;
