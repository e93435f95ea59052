//! The latest five minutes of the gateway and of services, for charts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use switchyard_core::{name::ServiceName, timestamp::Timestamp, units::HumanDuration};

use super::{
    rates::{PERIOD, Seen},
    window::{POINTS, STEP, Window},
};
use crate::admin::{Sources, query::Query};

/// Figures of the latest minutes, the oldest first.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "History")]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct History {
    /// The time from one point to the next.
    step: HumanDuration,
    /// How many points each line has.
    points: usize,
    /// When the newest point ended; null before the first.
    to: Option<Timestamp>,
    gateway: Lines,
    services: BTreeMap<ServiceName, Lines>,
}

/// What is drawn of one thing.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "HistoryLines")]
#[serde(rename_all = "camelCase")]
struct Lines {
    /// Calls a second.
    rate: Vec<f64>,
    /// Those of them that were answered with a status of 500 or more, or not at all.
    failure_rate: Vec<f64>,
    /// What 95 % of them took no longer than, in milliseconds; null when there were none.
    p95: Vec<Option<f64>>,
}

// === impl History ===

impl History {
    /// That of the services that the query names; of all when it names none.
    pub(super) fn now(query: &Query<'_>, sources: &Sources) -> Self {
        let named: Vec<String> = query.all("service").collect();
        Self::of(&sources.rates.seen(), |name| named.is_empty() || named.iter().any(|one| one == name.as_str()))
    }

    fn of(seen: &Seen, is_asked: impl Fn(&ServiceName) -> bool) -> Self {
        let services = seen.services.iter().filter(|(name, _)| is_asked(name));
        Self {
            step: HumanDuration(PERIOD * u32::try_from(STEP).unwrap_or(u32::MAX)),
            points: POINTS,
            to: seen.latest_point,
            gateway: Lines::of(&seen.gateway),
            services: services.map(|(name, window)| (name.clone(), Lines::of(window))).collect(),
        }
    }
}

// === impl Lines ===

impl Lines {
    fn of(window: &Window) -> Self {
        Self {
            rate: window.points().map(|point| point.rate).collect(),
            failure_rate: window.points().map(|point| point.failure_rate).collect(),
            p95: window.points().map(|point| point.p95).collect(),
        }
    }
}
