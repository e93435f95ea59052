//! The choices that depend on no turn before.

use std::time::Duration;

use super::{Candidate, eligible::Eligible, hash::mix};

impl Eligible<'_> {
    /// In proportion to the weights.
    pub(super) fn at_random(&self, chance: u64) -> Option<usize> {
        draw(|| self.weights(), chance)
    }

    /// The fewest calls for its weight; between equals as [`at_random`](Self::at_random). Without that, an idle service
    /// would be served by its first instance alone.
    pub(super) fn least_connections(&self, chance: u64) -> Option<usize> {
        let load = |candidate: &Candidate| (candidate.in_flight as u128, u128::from(self.weight(candidate)));
        // a / b < c / d, without the rounding.
        let is_less = |(a, b): (u128, u128), (c, d): (u128, u128)| a * d < c * b;
        let least = self
            .iter()
            .map(|(_, candidate)| load(candidate))
            .reduce(|least, own| if is_less(own, least) { own } else { least })?;
        let is_least = |candidate: &Candidate| !is_less(least, load(candidate));
        let equals = || {
            let equals = self.iter().filter(|(_, candidate)| is_least(candidate));
            equals.map(|(index, candidate)| (index, self.weight(candidate)))
        };
        draw(equals, chance)
    }

    /// The power of two choices: two different ones are drawn by weight, and the better one has it.
    pub(super) fn better_of_two(&self, chance: u64) -> Option<usize> {
        let first = draw(|| self.weights(), chance)?;
        let others = || self.weights().filter(|(index, _)| *index != first);
        let Some(second) = draw(others, mix(chance)) else { return Some(first) };
        Some(if self.is_sooner(second, first) { second } else { first })
    }

    /// Whether one of two promises an answer sooner than the other: its latency, for itself and for its calls under
    /// way. These count more for a lower weight, so that it takes fewer of them; the latency of one call does not
    /// depend on how much may be sent there. Without a latency of both, calls under way decide.
    fn is_sooner(&self, one: usize, other: usize) -> bool {
        let (one, other) = (self.candidate(one), self.candidate(other));
        let (weight, other_weight) = (self.weight(one), self.weight(other));
        let heaviest = weight.max(other_weight);
        let (latency, other_latency) = match (one.latency, other.latency) {
            (Some(latency), Some(other)) => (latency, other),
            _ => (Duration::from_secs(1), Duration::from_secs(1)),
        };
        cost(one, latency, heaviest, weight) < cost(other, other_latency, heaviest, other_weight)
    }

    /// Weighted rendezvous hashing: everybody has a score for the key, and the highest wins. The score is that of
    /// Schindelhauer and Schomaker, `weight / -ln(hash)`, by which shares follow the weights and a weight that changes
    /// moves keys to or from its owner only.
    #[allow(clippy::cast_precision_loss, reason = "weights are below 2^42; a hash needs no more than 53 bits")]
    pub(super) fn rendezvous(&self, key: u64) -> Option<usize> {
        let score = |(index, candidate): (usize, &Candidate)| {
            let hash = mix(key ^ candidate.identity);
            // In the middle of one of 2^53 steps: neither 0 nor 1, whose logarithms are no divisors.
            let unit = ((hash >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
            (self.weight(candidate) as f64 / -unit.ln(), index)
        };
        let best = self.iter().map(score).reduce(|best, own| if own.0 > best.0 { own } else { best });
        best.map(|(_, index)| index)
    }
}

#[allow(clippy::cast_precision_loss, reason = "an estimate")]
fn cost(candidate: &Candidate, latency: Duration, heaviest: u64, weight: u64) -> f64 {
    let share = heaviest as f64 / weight as f64;
    latency.as_secs_f64() * (1.0 + candidate.in_flight as f64 * share)
}

/// Draws one in proportion to its weight. The weights are gone through twice, so that nothing has to be kept.
fn draw<I: Iterator<Item = (usize, u64)>>(weights: impl Fn() -> I, chance: u64) -> Option<usize> {
    let total: u64 = weights().map(|(_, weight)| weight).sum();
    // The high half of the product is below the total, and has no bias worth the name.
    let at = (u128::from(chance) * u128::from(total)) >> 64;
    let mut at = u64::try_from(at).unwrap_or(u64::MAX);
    for (index, weight) in weights() {
        match at.checked_sub(weight) {
            Some(rest) => at = rest,
            None => return Some(index),
        }
    }
    None
}
