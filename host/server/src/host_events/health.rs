//! How instances are, as far as it is told.

use std::collections::BTreeMap;

use switchyard_core::{
    health::{Check, CheckStatus},
    name::ServiceName,
};
use switchyard_dispatch::{Instance, Service, Snapshot};

use crate::health::{Checks, Probed};

/// Whose health it is: the plugin's of a service, whatever its generation, or that of one upstream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Subject {
    pub(super) service: ServiceName,
    /// The upstream's id.
    pub(super) upstream: Option<String>,
}

/// How an instance is.
pub(super) struct Health {
    pub(super) id: String,
    pub(super) status: CheckStatus,
    /// Why it is not well.
    pub(super) error: Option<String>,
    /// What is believed of it before anything was told.
    pub(super) first: CheckStatus,
}

// === impl Health ===

impl Health {
    pub(super) fn all(snapshot: &Snapshot, checks: &Checks, probed: &Probed) -> BTreeMap<Subject, Self> {
        let of_service = |service: &Service| -> Vec<(Subject, Self)> {
            let of = |instance: &Instance| {
                let upstream = instance.upstream().map(|_| instance.id().to_owned());
                let check = match &upstream {
                    Some(id) => probed.check(id),
                    None => checks.get(service.name()).cloned(),
                };
                (Subject { service: service.name().clone(), upstream }, Self::of(service, instance, check.as_ref()))
            };
            service.instances().map(|instance| of(instance)).collect()
        };
        snapshot.services.values().flat_map(|service| of_service(service)).collect()
    }

    fn of(service: &Service, instance: &Instance, check: Option<&Check>) -> Self {
        let is_asked = match instance.upstream() {
            Some(upstream) => upstream.health.is_some(),
            None => service.manifest.health.is_some(),
        };
        // Nothing is known of what is asked before its first check; what is not asked is well from the first.
        let first = if is_asked { CheckStatus::Unknown } else { CheckStatus::Healthy };
        let error = check.and_then(|check| check.error.clone());
        let refusing = || "its breaker is open".to_owned();
        let error = instance.is_refusing().then(refusing).or(error);
        Self { id: instance.id().to_owned(), status: service.status_of(instance), error, first }
    }
}
