//! The text formats of Prometheus: its own (0.0.4) and OpenMetrics (1.0).
//!
//! Names are made by OpenTelemetry's rules for Prometheus: dots become underscores, the unit is written out at the end, and
//! counters end in `_total`. Bounds are written alike in both formats, so that a series is the same one in either.

use std::fmt::Write;

use http::{HeaderMap, header::ACCEPT};
use switchyard_core::histogram::Distribution;

use super::model::{Family, Gathered, Kind, Label, OVERFLOW, Point, Series};

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    OpenMetrics,
}

/// What is gathered, as text.
pub(crate) fn encode(gathered: &Gathered, format: Format) -> String {
    let mut text = String::with_capacity(64 << 10);
    for series in gathered.0.iter().filter(|series| !series.is_empty()) {
        head(&mut text, series.family, format);
        for (labels, point) in &series.points {
            let named = series.family.attributes.iter().zip(labels);
            write_point(&mut text, series, &pairs(named), point);
        }
        if let Some(point) = &series.overflow {
            write_point(&mut text, series, &pair(OVERFLOW, "true"), point);
        }
    }
    if format == Format::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

/// A family's name, without what a counter's samples have at their end.
pub(crate) fn base_name(family: &Family) -> String {
    let mut name = with_underscores(family.name);
    if let Some(unit) = unit_name(family.unit)
        && !name.ends_with(unit)
    {
        let _ = write!(name, "_{unit}");
    }
    name
}

/// The name that its samples have, apart from those of a histogram.
pub(crate) fn sample_name(family: &Family) -> String {
    match family.kind {
        Kind::Counter => base_name(family) + "_total",
        Kind::Info => base_name(family) + "_info",
        Kind::Level | Kind::Gauge | Kind::Histogram => base_name(family),
    }
}

/// The name of an attribute.
pub(crate) fn with_underscores(name: &str) -> String {
    name.replace('.', "_")
}

fn unit_name(unit: &str) -> Option<&'static str> {
    match unit {
        "s" => Some("seconds"),
        "By" => Some("bytes"),
        // What is in braces only says what is counted.
        _ => None,
    }
}

fn head(text: &mut String, family: &Family, format: Format) {
    let kind = match (family.kind, format) {
        (Kind::Counter, _) => "counter",
        (Kind::Info, Format::OpenMetrics) => "info",
        (Kind::Level | Kind::Gauge, _) | (Kind::Info, Format::Text) => "gauge",
        (Kind::Histogram, _) => "histogram",
    };
    let name = match format {
        Format::Text => sample_name(family),
        Format::OpenMetrics => base_name(family),
    };
    let _ = writeln!(text, "# HELP {name} {}.", family.help);
    let _ = writeln!(text, "# TYPE {name} {kind}");
    if let (Some(unit), Format::OpenMetrics) = (unit_name(family.unit), format) {
        let _ = writeln!(text, "# UNIT {name} {unit}");
    }
}

fn write_point(text: &mut String, series: &Series, labels: &str, point: &Point) {
    let name = sample_name(series.family);
    let braced = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
    let _ = match point {
        Point::Whole(value) => writeln!(text, "{name}{braced} {value}"),
        Point::Real(value) => writeln!(text, "{name}{braced} {}", real(*value)),
        Point::Durations(distribution) => {
            write_durations(text, &name, labels, &braced, distribution);
            Ok(())
        }
    };
}

fn write_durations(text: &mut String, name: &str, labels: &str, braced: &str, of: &Distribution) {
    let comma = if labels.is_empty() { "" } else { "," };
    let mut below = 0;
    let bounds = of.bounds.iter().map(|us| real(seconds(*us * 1_000))).chain(["+Inf".to_owned()]);
    for (bound, count) in bounds.zip(of.counts) {
        below += count;
        let _ = writeln!(text, "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {below}");
    }
    let _ = writeln!(text, "{name}_sum{braced} {}", real(seconds(of.sum_ns)));
    let _ = writeln!(text, "{name}_count{braced} {below}");
}

#[allow(clippy::cast_precision_loss, reason = "exact for the first hundred days of added up time")]
fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// With a point, as OpenMetrics wants bounds: `1.0`.
fn real(value: f64) -> String {
    format!("{value:?}")
}

fn pairs<'a>(named: impl Iterator<Item = (&'a &'static str, &'a Label)>) -> String {
    let there = named.filter_map(|(name, value)| Some(pair(name, value.as_deref()?)));
    there.collect::<Vec<_>>().join(",")
}

fn pair(name: &str, value: &str) -> String {
    let value = value.replace('\\', r"\\").replace('\n', r"\n").replace('"', "\\\"");
    format!("{}=\"{value}\"", with_underscores(name))
}

// === impl Format ===

impl Format {
    /// The one that a client would rather have; its own of Prometheus, where it does not mind.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
        let (mut text, mut open_metrics) = (0.0, 0.0);
        for media in accepted.flat_map(|value| value.split(',')) {
            let mut parts = media.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let (mut quality, mut version) = (1.0_f64, None);
            for (name, value) in parts.filter_map(|part| part.split_once('=')) {
                match name.trim() {
                    "q" => quality = value.trim().parse().unwrap_or(0.0),
                    "version" => version = Some(value.trim().trim_matches('"')),
                    _ => {}
                }
            }
            match kind.as_str() {
                "application/openmetrics-text" if version.is_none_or(|version| version == "1.0.0") => {
                    open_metrics = quality.max(open_metrics);
                }
                // Version 1.0.0 of its own format is another one.
                "text/plain" if version != Some("1.0.0") => text = quality.max(text),
                _ => {}
            }
        }
        if open_metrics > text { Self::OpenMetrics } else { Self::Text }
    }

    /// Its media type.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}
