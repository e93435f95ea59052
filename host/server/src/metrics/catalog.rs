//! Every family, by its name. METRICS.md is made from here.
//!
//! Where OpenTelemetry's semantic conventions have a name for it, that is the name, for attributes too; all else begins
//! with `switchyard`.

pub(crate) mod delivery;
pub(crate) mod host;
pub(crate) mod http;
pub(crate) mod services;
#[cfg(test)]
pub(crate) mod table;

use super::model::{Family, Kind};

/// The attribute that says of which service it is.
const SERVICE: &str = "switchyard.service";

/// The families of a page, under its heading.
#[cfg(test)]
pub(crate) type Page = (&'static str, &'static [&'static Family]);

/// All of them.
#[cfg(test)]
pub(crate) const PAGES: [Page; 8] = [
    ("HTTP", http::ALL),
    ("Services", services::ALL),
    ("Events", delivery::EVENTS),
    ("Queues", delivery::QUEUES),
    ("Sagas", delivery::SAGAS),
    ("Store", host::STORE),
    ("Runtime", host::RUNTIME),
    ("Host", host::HOST),
];

const fn counter(
    name: &'static str,
    unit: &'static str,
    attributes: &'static [&'static str],
    help: &'static str,
) -> Family {
    Family { name, kind: Kind::Counter, unit, attributes, help }
}

const fn level(
    name: &'static str,
    unit: &'static str,
    attributes: &'static [&'static str],
    help: &'static str,
) -> Family {
    Family { name, kind: Kind::Level, unit, attributes, help }
}

const fn gauge(
    name: &'static str,
    unit: &'static str,
    attributes: &'static [&'static str],
    help: &'static str,
) -> Family {
    Family { name, kind: Kind::Gauge, unit, attributes, help }
}

const fn durations(name: &'static str, attributes: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Kind::Histogram, unit: "s", attributes, help }
}
