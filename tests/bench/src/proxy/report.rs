//! The table of one protocol.

use serde_json::{Value, json};

use super::{
    Protocol,
    place::{Kind, Place},
    rounds::Measured,
};
use crate::figures::{median, spread};

/// Prints Markdown.
pub(super) fn print(protocol: Protocol, measured: &Measured, cores_awake: bool) {
    let Measured { places, rate, discarded, .. } = measured;
    let rivals = measured.rivals();
    println!("\n### {} on both sides\n", protocol.name());
    let cores =
        if cores_awake { "cores stay awake" } else { "cores may halt: run as root where Linux can keep them awake" };
    let others =
        measured.others_percent.map_or_else(String::new, |percent| format!(" others took {percent:.0} % of them;"));
    println!("{rate} requests a second; {cores};{others} {discarded} rounds discarded.\n");
    let ratios: String = rivals.iter().map(|rival| format!(" CPU ÷ {} |", places[*rival].name)).collect();
    println!("| | CPU µs |{ratios} p50 µs | p99 µs | added p50 µs | added p99 µs | saturated/s |");
    println!("| --- |{}", " --- |".repeat(6 + rivals.len()));
    for (place, Place { kind, name, .. }) in places.iter().enumerate() {
        let none = *kind == Kind::Upstream;
        let compared = |values: Vec<f64>, digits| if none { "–".to_owned() } else { cell(&values, digits) };
        let cpu = cell(&measured.cpu_us(place), 1);
        let ratios: String =
            rivals.iter().map(|rival| format!(" {} |", compared(measured.cpu_ratios(place, *rival), 2))).collect();
        let [p50, p99] = [measured.p50_us(place), measured.p99_us(place)].map(|values| cell(&values, 0));
        let [added_p50, added_p99] =
            [measured.added_p50_us(place), measured.added_p99_us(place)].map(|values| compared(values, 0));
        let saturated = cell(&measured.saturated(place), 0);
        println!("| {name} | {cpu} |{ratios} {p50} | {p99} | {added_p50} | {added_p99} | {saturated} |");
    }
}

pub(super) fn json(protocol: Protocol, measured: &Measured, cores_awake: bool) -> Value {
    let Measured { places, rate, errors, discarded, .. } = measured;
    let row = |place: usize| {
        let ratios = |rival: &usize| (places[*rival].name.to_owned(), json!(measured.cpu_ratios(place, *rival)));
        json!({
            "name": places[place].name,
            "cpuUs": measured.cpu_us(place),
            "cpuRatios": measured.rivals().iter().map(ratios).collect::<serde_json::Map<_, _>>(),
            "p50Us": measured.p50_us(place),
            "p99Us": measured.p99_us(place),
            "addedP50Us": measured.added_p50_us(place),
            "addedP99Us": measured.added_p99_us(place),
            "saturatedPerSecond": measured.saturated(place),
        })
    };
    let rows: Vec<Value> = (0..places.len()).map(row).collect();
    json!({
        "title": protocol.name(), "requestsPerSecond": rate, "coresAwake": cores_awake,
        "othersPercent": measured.others_percent, "errors": errors, "discarded": discarded, "rows": rows,
    })
}

/// The median, and the lowest and highest.
fn cell(values: &[f64], digits: usize) -> String {
    let (low, high) = spread(values);
    format!("{:.digits$} ({low:.digits$} to {high:.digits$})", median(values))
}
