//! The table that is printed.

use serde_json::json;

use super::wrk::{Load, Outcome};
use crate::figures::{machine, median, spread};

/// What was measured of one contender.
pub(crate) struct Row {
    name: &'static str,
    ratios: Vec<f64>,
    rates: Vec<f64>,
    errors: u64,
}

// === impl Row ===

impl Row {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, ratios: Vec::new(), rates: Vec::new(), errors: 0 }
    }

    /// Adds a round, as a ratio to the base's rate in the same round.
    pub(crate) fn add(&mut self, outcome: &Outcome, base: f64) {
        self.ratios.push(outcome.per_second / base);
        self.rates.push(outcome.per_second);
    }

    /// Counts the errors of a round that is no measurement.
    pub(crate) fn discard(&mut self, errors: u64) {
        self.errors += errors;
    }
}

/// Prints Markdown, then JSON.
pub(crate) fn print(rows: &[Row], rounds: usize, load: &Load) {
    println!("{}; {rounds} rounds of {} s, {} connections\n", machine(), load.seconds, load.connections);
    println!("| path | ratio to native | spread | requests/s | errors |\n| --- | --- | --- | --- | --- |");
    for row in rows {
        let (low, high) = spread(&row.ratios);
        let (ratio, rate) = (median(&row.ratios), median(&row.rates));
        println!("| {} | {ratio:.2} | {low:.2} to {high:.2} | {rate:.0} | {} |", row.name, row.errors);
    }
    let items: Vec<_> = rows
        .iter()
        .map(|row| json!({ "name": row.name, "ratio": median(&row.ratios), "ratios": row.ratios, "requestsPerSecond": row.rates, "errors": row.errors }))
        .collect();
    println!("\n{}", json!({ "machine": machine(), "rounds": rounds, "seconds": load.seconds, "rows": items }));
}
