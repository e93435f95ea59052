//! The rounds of a table, and the table.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    contender::{Contender, Figures, Outcome, cpu_seconds},
    disk::Disk,
    fsyncs::Fsyncs,
};
use crate::{
    figures::{median, spread},
    settings::Settings,
    tell,
};

/// Beyond its span, a load may take this long to come to its end.
const PATIENCE: Duration = Duration::from_secs(60);

/// The fewest rounds without any error that make a table.
pub(crate) const ROUNDS_MIN: usize = 5;

pub(crate) struct Table {
    pub(crate) title: &'static str,
    /// What is counted.
    pub(crate) unit: &'static str,
    pub(crate) contenders: Vec<Box<dyn Contender>>,
    /// The contenders, by their place, that all are divided by.
    pub(crate) bases: Vec<usize>,
}

/// A round that counts: the figures of each contender.
type Round = Vec<Figures>;

/// All rounds of a table.
struct Measured {
    rounds: Vec<Round>,
    /// How many fsyncs each contender made for one unit when it was warmed up.
    shares: Vec<Option<f64>>,
    /// What an fsync cost in each round.
    fsyncs: Vec<f64>,
    errors: usize,
    discarded: usize,
}

// === impl Table ===

impl Table {
    /// Warms all up, runs them in turn, prints the table and answers it as JSON.
    pub(crate) async fn measure(self, disk: &Disk, settings: &Settings) -> Result<Value> {
        let mut shares = Vec::new();
        for contender in &self.contenders {
            shares.push(warm_up(contender.as_ref()).await?);
        }
        let (mut rounds, mut fsyncs, mut errors) = (Vec::new(), Vec::new(), 0);
        for round in 1..=settings.rounds {
            tell(&format!("{}: round {round} of {}", self.title, settings.rounds));
            fsyncs.push(disk.fsync_us()?);
            let mut figures = Round::new();
            for contender in &self.contenders {
                let (outcome, cpu) = load(contender.as_ref(), settings.seconds).await?;
                for error in &outcome.errors {
                    tell(&format!("{}: {error}", contender.name()));
                }
                errors += outcome.errors.len();
                figures.extend(Some(outcome).filter(|outcome| outcome.errors.is_empty()).map(|o| o.figures(cpu)));
            }
            // One error anywhere makes the round no measurement.
            rounds.extend(Some(figures).filter(|figures| figures.len() == self.contenders.len()));
        }
        let discarded = settings.rounds - rounds.len();
        ensure!(
            rounds.len() >= ROUNDS_MIN,
            "{}: {errors} errors in {discarded} rounds leave no measurement",
            self.title
        );
        let measured = Measured { rounds, shares, fsyncs, errors, discarded };
        self.print(&measured);
        Ok(self.json(&measured))
    }

    fn print(&self, measured: &Measured) {
        let Measured { rounds, shares, fsyncs, errors: _, discarded } = measured;
        let (low, high) = spread(fsyncs);
        println!("\n### {}\n", self.title);
        println!("An fsync takes {:.0} µs ({low:.0} to {high:.0}); {discarded} rounds discarded.\n", median(fsyncs));
        let bases: String = self.bases.iter().map(|base| format!(" ÷ {} |", self.contenders[*base].name())).collect();
        println!("| | {}/s | spread | p50 ms | p99 ms | server CPU µs | fsyncs |{bases}", self.unit);
        println!("| --- |{}", " --- |".repeat(6 + self.bases.len()));
        for (place, contender) in self.contenders.iter().enumerate() {
            let rates = column(rounds, place, |figures| Some(figures.per_second));
            let cell = |of: fn(&Figures) -> Option<f64>| cell(&column(rounds, place, of));
            let [p50, p99, cpu] = [cell(|f| f.p50_ms), cell(|f| f.p99_ms), cell(|f| f.cpu_us)];
            let share = self::cell(shares[place].as_slice());
            let (low, high) = spread(&rates);
            let ratios = self.bases.iter().map(|base| {
                let ratios = ratios(rounds, place, *base);
                let (low, high) = spread(&ratios);
                format!(" {:.2} ({low:.2} to {high:.2}) |", median(&ratios))
            });
            let (name, rate, ratios) = (contender.name(), median(&rates), ratios.collect::<String>());
            println!("| {name} | {rate:.0} | {low:.0} to {high:.0} | {p50} | {p99} | {cpu} | {share} |{ratios}");
        }
    }

    fn json(&self, measured: &Measured) -> Value {
        let Measured { rounds, shares, fsyncs, errors, discarded } = measured;
        let row = |place: usize| {
            let ratios = |base: &usize| (self.contenders[*base].name().to_owned(), json!(ratios(rounds, place, *base)));
            json!({
                "name": self.contenders[place].name(),
                "perSecond": column(rounds, place, |figures| Some(figures.per_second)),
                "p50Ms": column(rounds, place, |figures| figures.p50_ms),
                "p99Ms": column(rounds, place, |figures| figures.p99_ms),
                "serverCpuUs": column(rounds, place, |figures| figures.cpu_us),
                "fsyncs": shares[place],
                "ratios": self.bases.iter().map(ratios).collect::<serde_json::Map<_, _>>(),
            })
        };
        let rows: Vec<Value> = (0..self.contenders.len()).map(row).collect();
        json!({ "title": self.title, "fsyncUs": fsyncs, "errors": errors, "discarded": discarded, "rows": rows })
    }
}

/// Loads one contender for a moment, and answers how many fsyncs it makes for one unit, as far as the system tells.
async fn warm_up(contender: &dyn Contender) -> Result<Option<f64>> {
    // Counting costs a little, so it is not done in the rounds.
    let fsyncs = Fsyncs::count(&contender.pids()).await;
    let outcome = load(contender, 1).await?.0;
    ensure!(outcome.errors.is_empty(), "{}, warming up: {}", contender.name(), outcome.errors[0]);
    let Some(fsyncs) = fsyncs else { return Ok(None) };
    Ok(fsyncs.end().await.map(|fsyncs| fsyncs as f64 / outcome.done.max(1) as f64))
}

/// Loads one contender, and answers the seconds of processor time that its servers used.
pub(crate) async fn load(contender: &dyn Contender, seconds: u64) -> Result<(Outcome, Option<f64>)> {
    let span = Duration::from_secs(seconds);
    let pids = contender.pids();
    let before = cpu_seconds(&pids);
    let run = timeout(span + PATIENCE, contender.run(span)).await;
    let outcome = run.with_context(|| format!("{} does not come to an end", contender.name()))?;
    let outcome = outcome.with_context(|| contender.name())?;
    let after = cpu_seconds(&pids);
    Ok((outcome, after.zip(before).map(|(after, before)| after - before)))
}

fn column(rounds: &[Round], place: usize, of: impl Fn(&Figures) -> Option<f64>) -> Vec<f64> {
    rounds.iter().filter_map(|round| of(&round[place])).collect()
}

/// Each round's rate divided by the base's rate in the same round.
fn ratios(rounds: &[Round], place: usize, base: usize) -> Vec<f64> {
    rounds.iter().map(|round| round[place].per_second / round[base].per_second).collect()
}

/// The median, or a dash where nothing was measured.
fn cell(values: &[f64]) -> String {
    if values.is_empty() { "–".to_owned() } else { format!("{:.2}", median(values)) }
}
