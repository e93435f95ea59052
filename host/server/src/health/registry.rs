//! What the registry says of a dependency that is another service of this host.
//!
//! It is passed on as it is: the checks of that service have been through its thresholds already.

use std::time::Duration;

use switchyard_core::{
    health::{Check, CheckStatus},
    name::ServiceName,
    timestamp::Timestamp,
};
use switchyard_dispatch::Snapshot;

use super::Checks;

/// What is known of a service.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Known {
    /// It is not there.
    Missing,
    /// The breakers of all its instances are open.
    Refusing,
    /// It is there and has no health path.
    Serving,
    /// It is there, and its health path was asked.
    Checked(Check),
    /// It is as well as the best of its instances.
    Balanced(CheckStatus),
}

/// The dependency's check. Before the host is ready, a service that is missing may still be loading.
pub(super) fn check(name: &str, known: Known, is_ready: bool, now: Timestamp) -> Check {
    match known {
        Known::Missing if is_ready => {
            let error = format!(
                "there is no service {name}; put its component into the plugins folder, or give the dependency a \
                 health-url if it is not a service of this host"
            );
            Check::of(CheckStatus::Unhealthy, now, Duration::ZERO, Some(error))
        }
        Known::Missing => Check::default(),
        Known::Refusing => {
            let error = format!("the service {name}: its breaker is open");
            Check::of(CheckStatus::Unhealthy, now, Duration::ZERO, Some(error))
        }
        Known::Serving => Check::of(CheckStatus::Healthy, now, Duration::ZERO, None),
        Known::Balanced(status) => {
            let error = format!("the service {name}: none of its instances is healthy");
            Check::of(status, now, Duration::ZERO, (status == CheckStatus::Unhealthy).then_some(error))
        }
        Known::Checked(check) => {
            let error = check.error.map(|error| format!("the service {name}: {error}"));
            Check { error, ..check }
        }
    }
}

// === impl Known ===

impl Known {
    /// What is known of the service of this name.
    pub(super) fn of(name: &str, snapshot: &Snapshot, checks: &Checks) -> Self {
        let service = name.parse().ok().and_then(|name: ServiceName| snapshot.services.get(&name));
        match service {
            None => Self::Missing,
            Some(service) if service.is_refusing() => Self::Refusing,
            Some(service) if service.local.is_none() || !service.upstreams.is_empty() => {
                Self::Balanced(service.health(checks.get(service.name())))
            }
            Some(service) if service.manifest.health.is_none() => Self::Serving,
            Some(service) => Self::Checked(checks.get(service.name()).cloned().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn status(known: Known, is_ready: bool, expected: CheckStatus) {
        assert_eq!(check("db", known, is_ready, Timestamp(0)).status, expected);
    }

    #[test]
    fn a_dependency_is_what_its_service_is() {
        status(Known::Missing, false, CheckStatus::Unknown);
        status(Known::Missing, true, CheckStatus::Unhealthy);
        status(Known::Refusing, true, CheckStatus::Unhealthy);
        status(Known::Serving, true, CheckStatus::Healthy);
        status(Known::Balanced(CheckStatus::Unhealthy), true, CheckStatus::Unhealthy);
        status(Known::Checked(Check::default()), true, CheckStatus::Unknown);
        for of_service in [CheckStatus::Healthy, CheckStatus::Unhealthy] {
            let checked = Check::of(of_service, Timestamp(0), Duration::ZERO, None);
            status(Known::Checked(checked), true, of_service);
        }
    }

    #[test]
    fn what_is_missing_says_what_helps() {
        let error = check("db", Known::Missing, true, Timestamp(0)).error.expect("it is unhealthy");
        assert!(error.contains("put its component into the plugins folder"), "{error}");
    }
}
