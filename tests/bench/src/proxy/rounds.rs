//! The rounds of one protocol: each contender at the same fixed rate, then each as fast as it goes.

use std::net::SocketAddr;

use anyhow::{Result, ensure};

use super::{
    Protocol,
    place::{Kind, Place},
};
use crate::{
    load::{
        closed_loop::{Client, closed_loop},
        contender::{Contender, Figures},
        open_loop::open_loop,
        others::Others,
        table::{ROUNDS_MIN, load},
    },
    settings::Settings,
    tell,
};

/// The fixed rate, in hundredths of the rate at which the slowest is saturated.
const RATE_PERCENT: f64 = 40.0;

/// The figures of each contender, by its place, in one round.
struct Round {
    paced: Vec<Figures>,
    saturated: Vec<Figures>,
}

pub(super) struct Measured {
    pub(super) places: Vec<Place>,
    /// Requests a second.
    pub(super) rate: u32,
    pub(super) errors: usize,
    pub(super) discarded: usize,
    /// Hundredths of all cores that other processes took, where the system tells.
    pub(super) others_percent: Option<f64>,
    rounds: Vec<Round>,
}

/// Measures what is at these places.
pub(super) async fn measure<C>(protocol: Protocol, places: Vec<Place>, settings: &Settings) -> Result<Measured>
where
    C: Client<Target = SocketAddr>,
{
    let saturated: Vec<_> =
        places.iter().map(|place| closed_loop::<C>(place.name, [place.pid], place.address)).collect();
    let mut slowest = f64::INFINITY;
    for (place, contender) in places.iter().zip(&saturated) {
        let figures = place.try_out(protocol, places[0].address, contender.as_ref()).await?;
        slowest = slowest.min(figures.per_second);
    }
    let rate = rate_below(slowest);
    let paced: Vec<_> =
        places.iter().map(|place| open_loop::<C>(place.name, [place.pid], rate, place.address)).collect();
    let others = Others::than(places.iter().map(|place| place.pid));
    let mut measured = Measured { places, rate, errors: 0, discarded: 0, others_percent: None, rounds: Vec::new() };
    for round in 1..=settings.rounds {
        tell(&format!("{}: round {round} of {}", protocol.name(), settings.rounds));
        let paced = measured.load(&paced, settings.seconds).await?;
        // They are only read, so they take less time.
        let saturated = measured.load(&saturated, (settings.seconds / 3).max(1)).await?;
        match paced.zip(saturated) {
            Some((paced, saturated)) => measured.rounds.push(Round { paced, saturated }),
            // One error anywhere makes the round no measurement.
            None => measured.discarded += 1,
        }
    }
    measured.others_percent = others.percent();
    let Measured { errors, discarded, .. } = measured;
    ensure!(
        measured.rounds.len() >= ROUNDS_MIN,
        "{}: {errors} errors in {discarded} rounds leave no measurement",
        protocol.name()
    );
    Ok(measured)
}

/// In steps of 500, where that is not too coarse.
#[allow(clippy::cast_possible_truncation, reason = "nothing answers four billion requests a second")]
fn rate_below(saturated: f64) -> u32 {
    let rate = saturated * RATE_PERCENT / 100.0;
    let step = if rate > 1_000.0 { 500.0 } else { 10.0 };
    ((rate / step).floor() * step).max(step) as u32
}

// === impl Measured ===

impl Measured {
    /// Those, by their place, that all are divided by.
    pub(super) fn rivals(&self) -> Vec<usize> {
        (0..self.places.len()).filter(|place| self.places[*place].kind == Kind::Rival).collect()
    }

    /// Loads all in turn; nothing when there was an error.
    async fn load(&mut self, contenders: &[Box<dyn Contender>], seconds: u64) -> Result<Option<Vec<Figures>>> {
        let mut figures = Vec::new();
        for contender in contenders {
            let (outcome, cpu) = load(contender.as_ref(), seconds).await?;
            for error in &outcome.errors {
                tell(&format!("{}: {error}", contender.name()));
            }
            self.errors += outcome.errors.len();
            figures.extend(Some(outcome).filter(|outcome| outcome.errors.is_empty()).map(|o| o.figures(cpu)));
        }
        Ok(Some(figures).filter(|figures| figures.len() == contenders.len()))
    }

    /// Processor time of one request at the fixed rate.
    pub(super) fn cpu_us(&self, place: usize) -> Vec<f64> {
        self.paced(place, |figures| figures.cpu_us)
    }

    /// The same, divided by a rival's in the same round.
    pub(super) fn cpu_ratios(&self, place: usize, rival: usize) -> Vec<f64> {
        let (ours, theirs) = (self.cpu_us(place), self.cpu_us(rival));
        ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect()
    }

    pub(super) fn p50_us(&self, place: usize) -> Vec<f64> {
        self.paced(place, |figures| figures.p50_ms.map(|ms| ms * 1e3))
    }

    pub(super) fn p99_us(&self, place: usize) -> Vec<f64> {
        self.paced(place, |figures| figures.p99_ms.map(|ms| ms * 1e3))
    }

    /// Over calling the upstream in the same round.
    pub(super) fn added_p50_us(&self, place: usize) -> Vec<f64> {
        let upstream = self.p50_us(0);
        self.p50_us(place).iter().zip(upstream).map(|(through, direct)| through - direct).collect()
    }

    /// Over calling the upstream in the same round.
    pub(super) fn added_p99_us(&self, place: usize) -> Vec<f64> {
        let upstream = self.p99_us(0);
        self.p99_us(place).iter().zip(upstream).map(|(through, direct)| through - direct).collect()
    }

    /// Requests a second as fast as it goes.
    pub(super) fn saturated(&self, place: usize) -> Vec<f64> {
        self.rounds.iter().map(|round| round.saturated[place].per_second).collect()
    }

    fn paced(&self, place: usize, of: impl Fn(&Figures) -> Option<f64>) -> Vec<f64> {
        self.rounds.iter().filter_map(|round| of(&round.paced[place])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixed_rate_is_below_half_of_what_saturates() {
        assert_eq!(rate_below(20_000.0), 8_000);
        assert_eq!(rate_below(21_249.0), 8_000);
        assert_eq!(rate_below(1_000.0), 400);
        assert_eq!(rate_below(3.0), 10);
    }
}
