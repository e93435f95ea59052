//! Medians, spreads, and the table that is printed.

use serde_json::json;

use crate::wrk::{Load, Outcome};

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

/// Zero when no round counted.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

fn spread(values: &[f64]) -> (f64, f64) {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(0.0, f64::max);
    (if low.is_finite() { low } else { 0.0 }, high)
}

/// The processor and its cores, as far as the system tells.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown processor");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {cores} cores", model.trim_start_matches([' ', '\t', ':']))
}
