//! How services are, as far as it is told.

use std::collections::BTreeMap;

use switchyard_core::{
    health::{Check, CheckStatus},
    name::ServiceName,
};
use switchyard_dispatch::{Service, Snapshot};

use crate::health::Checks;

/// How a service is.
pub(super) struct Health {
    pub(super) status: CheckStatus,
    /// Why it is not well.
    pub(super) error: Option<String>,
    /// What is believed of it before anything was told.
    pub(super) first: CheckStatus,
}

// === impl Health ===

impl Health {
    pub(super) fn all(snapshot: &Snapshot, checks: &Checks) -> BTreeMap<ServiceName, Self> {
        let services = snapshot.services.values();
        services.map(|service| (service.name().clone(), Self::of(service, checks.get(service.name())))).collect()
    }

    fn of(service: &Service, check: Option<&Check>) -> Self {
        // Nothing is known of a health path before its first check; without one a service is well from the first.
        let first = if service.manifest.health.is_some() { CheckStatus::Unknown } else { CheckStatus::Healthy };
        let error = check.and_then(|check| check.error.clone());
        let refusing = || "its breaker is open".to_owned();
        Self { status: service.health(check), error: service.instance.is_refusing().then(refusing).or(error), first }
    }
}
