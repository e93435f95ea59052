//! The tables of METRICS.md.

use std::fmt::Write;

use super::{PAGES, Page};
use crate::metrics::{
    model::{Family, Kind},
    prometheus::{sample_name, with_underscores},
};

/// What stands before the first table, and is written by hand.
const BEGIN: &str = "<!-- What follows is made from host/server/src/metrics/catalog. -->\n";

/// The page as it should be: its beginning as it is written, and the tables.
pub(crate) fn page(written: &str) -> String {
    let beginning = written.split(BEGIN).next().unwrap_or_default();
    let mut page = format!("{beginning}{BEGIN}");
    for (heading, families) in PAGES {
        section(&mut page, (heading, families));
    }
    page
}

fn section(page: &mut String, (heading, families): Page) {
    let _ = write!(
        page,
        "\n## {heading}\n\n| in Prometheus | in OpenTelemetry | kind | labels | |\n| --- | --- | --- | --- | --- |\n"
    );
    for family in families {
        let labels: Vec<_> = family.attributes.iter().map(|name| format!("`{}`", with_underscores(name))).collect();
        let _ = writeln!(
            page,
            "| `{}` | `{}` | {} | {} | {}. |",
            sample_name(family),
            family.name,
            kind(family),
            labels.join(", "),
            family.help,
        );
    }
}

fn kind(family: &Family) -> String {
    let kind = match family.kind {
        Kind::Counter => "counter",
        Kind::Level => "gauge (adds up)",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
        Kind::Info => return "info".to_owned(),
    };
    format!("{kind}, {}", family.unit)
}
