//! How well the host, its services and its dependencies are.

mod checker;
mod config;

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::Serialize;

use crate::timestamp::Timestamp;

pub use self::{
    checker::{Checker, Thresholds, Transition},
    config::{Config, PERIOD_MAX, PERIOD_MIN},
};

/// The status of the whole host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// What was there at the start is not loaded yet.
    Starting,
    /// All is well.
    Healthy,
    /// A dependency is unhealthy.
    Degraded,
    /// No dependency is unhealthy, and one is not known yet.
    Checking,
    /// The host itself cannot work.
    Unhealthy,
    /// The host is stopping.
    ShuttingDown,
}

/// Where the host is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lifecycle {
    /// It loads what is there.
    #[default]
    Starting,
    /// It works.
    Serving,
    /// It runs and cannot work, since its store does not.
    Failing,
    /// It finishes what is under way.
    ShuttingDown,
}

/// What checks found of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// It answers.
    Healthy,
    /// It does not, or answers that it is not well.
    Unhealthy,
    /// Nobody asked yet.
    #[default]
    Unknown,
}

/// The latest check of a service or dependency.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "HealthCheck")]
pub struct Check {
    /// What is believed of it, by the thresholds.
    pub status: CheckStatus,
    /// How long its latest answer took, in ms; null before the first.
    pub response_time: Option<f64>,
    /// When it was asked last; null before the first time.
    pub last_check: Option<Timestamp>,
    /// Why the latest check failed; null when it did not.
    pub error: Option<String>,
}

/// What `/health` answers. Names and units are public.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report<'a> {
    /// The status of the whole.
    pub status: Status,
    /// Seconds since the start.
    pub uptime: f64,
    /// The host's own version.
    pub version: &'a str,
    /// The latest checks, by name.
    pub dependencies: &'a BTreeMap<String, Check>,
    /// What was counted about requests.
    pub metrics: crate::stats::Metrics,
}

// === impl Status ===

impl Status {
    /// The status of a host at this point of its life, with these dependencies.
    pub fn of(lifecycle: Lifecycle, dependencies: impl IntoIterator<Item = CheckStatus>) -> Self {
        match lifecycle {
            Lifecycle::Starting => Self::Starting,
            Lifecycle::Failing => Self::Unhealthy,
            Lifecycle::ShuttingDown => Self::ShuttingDown,
            Lifecycle::Serving => dependencies.into_iter().fold(Self::Healthy, |whole, one| match (whole, one) {
                (Self::Degraded, _) | (_, CheckStatus::Unhealthy) => Self::Degraded,
                (Self::Checking, _) | (_, CheckStatus::Unknown) => Self::Checking,
                (whole, CheckStatus::Healthy) => whole,
            }),
        }
    }

    /// The HTTP status that tells load balancers the same.
    pub fn http_status(self) -> u16 {
        match self {
            Self::Starting | Self::Healthy | Self::Degraded | Self::Checking => 200,
            Self::Unhealthy | Self::ShuttingDown => 503,
        }
    }
}

// === impl Check ===

impl Check {
    /// A check that was answered after `took`, or failed for this reason.
    pub fn of(status: CheckStatus, at: Timestamp, took: Duration, error: Option<String>) -> Self {
        let response_time = Some((took.as_secs_f64() * 1_000_000.0).round() / 1_000.0);
        Self { status, response_time, last_check: Some(at), error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_dependency_decides_while_serving() {
        use CheckStatus::{Healthy, Unhealthy, Unknown};
        for (dependencies, status) in [
            (vec![], Status::Healthy),
            (vec![Healthy, Healthy], Status::Healthy),
            (vec![Healthy, Unknown], Status::Checking),
            (vec![Unknown, Unhealthy, Healthy], Status::Degraded),
            (vec![Unhealthy, Unknown], Status::Degraded),
        ] {
            assert_eq!(Status::of(Lifecycle::Serving, dependencies), status);
        }
    }

    #[test]
    fn the_life_of_the_host_decides_before_its_dependencies() {
        for (lifecycle, status, http) in [
            (Lifecycle::Starting, Status::Starting, 200),
            (Lifecycle::Failing, Status::Unhealthy, 503),
            (Lifecycle::ShuttingDown, Status::ShuttingDown, 503),
        ] {
            let whole = Status::of(lifecycle, [CheckStatus::Unhealthy]);
            assert_eq!((whole, whole.http_status()), (status, http));
        }
        assert_eq!(Status::Degraded.http_status(), 200);
    }

    #[test]
    fn members_are_named_as_clients_know_them() {
        let check = Check::of(CheckStatus::Unhealthy, Timestamp(0), Duration::from_micros(1_500), Some("503".into()));
        let report = Report {
            status: Status::ShuttingDown,
            uptime: 1.5,
            version: "0.1.0",
            dependencies: &BTreeMap::from([("db".to_owned(), check), ("new".to_owned(), Check::default())]),
            metrics: crate::stats::Metrics::default(),
        };
        let expected = serde_json::json!({
            "status": "shutting-down", "uptime": 1.5, "version": "0.1.0",
            "dependencies": {
                "db": { "status": "unhealthy", "responseTime": 1.5, "lastCheck": "1970-01-01T00:00:00.000Z", "error": "503" },
                "new": { "status": "unknown", "responseTime": null, "lastCheck": null, "error": null },
            },
            "metrics": { "requestCount": 0, "errorCount": 0, "averageResponseTime": 0.0, "errorRate": 0.0,
                         "p50": 0.0, "p95": 0.0, "p99": 0.0 },
        });
        assert_eq!(serde_json::to_value(report).unwrap(), expected);
    }
}
