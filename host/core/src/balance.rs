//! Which of its instances answers for a service.
//!
//! First it is decided who may: never one whose breaker refuses calls, none that is unhealthy, and the local one alone
//! as long as it is there and well. Then a [`Kind`] of balancing decides between them. Weights count in all kinds.
//!
//! When more than half of at least three instances fail their health checks at once, it is more likely that the checks
//! fail, or that the rest would break under the load of all: then health is not looked at, which is called panic mode.
//!
//! **Invariant**: one whose breaker refuses is never picked, whatever else holds.
//! **Invariant**: a pick is a function of its arguments and of the turns so far, takes time in proportion to the number
//! of instances, and allocates nothing.

mod choose;
mod eligible;
mod ewma;
mod hash;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::eligible::Eligible;
pub use self::{
    ewma::{DECAY, Ewma, FAILED},
    hash::hash,
};

/// Instances below this number are never in panic mode.
pub const PANIC_MIN: usize = 3;

/// The part of its weight that an instance begins its slow start with, in percent.
pub const SLOW_START_PERCENT: u64 = 10;

/// How an instance is chosen from those that may answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "BalancerKind")]
pub enum Kind {
    /// One after the other; where weights differ, one of twice the weight has twice as many turns, spread evenly.
    #[default]
    RoundRobin,
    /// By chance, in proportion to the weights.
    Random,
    /// The one with the fewest calls under way for its weight; between equals, by chance.
    LeastConnections,
    /// Of two drawn by chance, the one whose latency and calls under way promise the sooner answer. A lower weight is
    /// drawn less often, and takes fewer calls at once.
    P2cEwma,
    /// The same one for the same key, as long as it may answer; when one comes or goes, only its own keys move. A
    /// request without a key goes by chance.
    ConsistentHash,
    /// As [`RoundRobin`](Self::RoundRobin), which minds weights too, by the name that says so.
    Weighted,
}

/// How a service's instances are balanced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// How one is chosen.
    pub kind: Kind,
    /// How long the weight of one that has become healthy grows, from [`SLOW_START_PERCENT`] to all of it. Default 0,
    /// which is at once.
    pub slow_start: Duration,
}

/// An instance as it is now.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// What it is for keys to stay with it: the [`hash`] of its id.
    pub identity: u64,
    /// Whether it is a plugin of this host.
    pub is_local: bool,
    /// At least 1.
    pub weight: u32,
    /// Calls under way.
    pub in_flight: usize,
    /// The time that its answers take, as [`Ewma::read`] says; none before the first.
    pub latency: Option<Duration>,
    /// Whether it passes its health checks. One that nobody has asked yet counts as well.
    pub is_healthy: bool,
    /// Whether its breaker refuses calls.
    pub is_refusing: bool,
    /// Since when it is healthy; none when that is so long ago that nobody knows.
    pub healthy_for: Option<Duration>,
    /// Whether an earlier attempt of the same call went there. It is picked again when there is nobody else.
    pub is_tried: bool,
}

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    /// Its place among the candidates.
    pub index: usize,
    /// Whether health was not looked at.
    pub in_panic: bool,
}

/// The turns of one service's instances. A new one begins with the first.
#[derive(Clone, Debug, Default)]
pub struct Balancer {
    /// What each candidate, by its place, is owed of turns.
    credits: Vec<i64>,
}

// === impl Kind ===

impl Kind {
    /// Whether picks depend on those before, so that one [`Balancer`] has to see them all. For others a new one does.
    #[must_use]
    pub fn takes_turns(self) -> bool {
        matches!(self, Self::RoundRobin | Self::Weighted)
    }
}

// === impl Balancer ===

impl Balancer {
    /// Picks one of all instances of a service, which come in the same order each time; none when nobody may answer.
    ///
    /// `chance` is any number with the same odds, `key` the [`hash`] of what should lead to the same instance again.
    #[must_use]
    pub fn pick(&mut self, config: &Config, candidates: &[Candidate], chance: u64, key: Option<u64>) -> Option<Pick> {
        let eligible = Eligible::of(candidates, config.slow_start);
        let index = match config.kind {
            Kind::RoundRobin | Kind::Weighted => self.next_turn(&eligible),
            Kind::Random => eligible.at_random(chance),
            Kind::LeastConnections => eligible.least_connections(chance),
            Kind::P2cEwma => eligible.better_of_two(chance),
            Kind::ConsistentHash => eligible.rendezvous(key.unwrap_or(chance)),
        }?;
        Some(Pick { index, in_panic: eligible.in_panic() })
    }

    /// Smooth weighted round robin, as in nginx: each turn everybody is owed its weight more, who is owed most has the
    /// turn, and pays for it what all were given. What is owed to those who may not answer stays as it is, so the sum
    /// is always 0 and nobody can be owed ever more.
    fn next_turn(&mut self, eligible: &Eligible<'_>) -> Option<usize> {
        if self.credits.len() != eligible.all() {
            self.credits.clear();
            self.credits.resize(eligible.all(), 0);
        }
        let mut total = 0;
        let mut most: Option<(i64, usize)> = None;
        for (index, weight) in eligible.weights() {
            let weight = i64::try_from(weight).unwrap_or(i64::MAX);
            total += weight;
            self.credits[index] += weight;
            if most.is_none_or(|(credit, _)| self.credits[index] > credit) {
                most = Some((self.credits[index], index));
            }
        }
        let (_, index) = most?;
        self.credits[index] -= total;
        Some(index)
    }
}

#[cfg(test)]
mod tests;
