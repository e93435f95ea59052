//! Services as the admin API shows them.

use std::collections::BTreeMap;

use serde::Serialize;
use switchyard_core::{
    health::{Check, CheckStatus},
    manifest::Dependency,
    name::{Digest, Generation, ServiceName},
    timestamp::Timestamp,
};
use switchyard_dispatch::{Service, Snapshot};

use super::query::Query;
use crate::{health::Checks, reload::RouteView};

/// One service.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServiceItem<'a> {
    name: &'a ServiceName,
    version: String,
    description: &'a str,
    tags: &'a [String],
    metadata: &'a BTreeMap<String, String>,
    status: CheckStatus,
    registered_at: Timestamp,
    /// Those that may be called: an unhealthy one is left out.
    instances: Vec<InstanceItem>,
    routes: Vec<RouteView>,
    dependencies: Vec<DependencyItem<'a>>,
    /// The latest check; null without a health path, and before the first one.
    health: Option<&'a Check>,
}

/// One thing that can answer for a service.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct InstanceItem {
    id: String,
    generation: Generation,
    digest: Digest,
    in_flight: usize,
}

/// Something that a service needs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DependencyItem<'a> {
    name: &'a str,
    health_url: Option<&'a str>,
}

/// The services that have the name, and all of the tags, that the query asks for.
pub(super) fn list<'a>(
    snapshot: &'a Snapshot,
    checks: &'a Checks,
    query: &Query<'_>,
) -> Vec<(String, ServiceItem<'a>)> {
    let (name, tags): (_, Vec<_>) = (query.first("name"), query.all("tag").collect());
    let named = |service: &Service| name.as_deref().is_none_or(|name| service.name().as_str() == name);
    let tagged = |service: &Service| tags.iter().all(|tag| service.manifest.tags.contains(tag));
    let found = snapshot.services.values().filter(|service| named(service) && tagged(service));
    found.map(|service| (service.name().to_string(), item(service, checks))).collect()
}

/// The service of this name.
pub(super) fn one<'a>(snapshot: &'a Snapshot, checks: &'a Checks, name: &str) -> Option<ServiceItem<'a>> {
    let name: ServiceName = name.parse().ok()?;
    Some(item(snapshot.services.get(&name)?, checks))
}

fn item<'a>(service: &'a Service, checks: &'a Checks) -> ServiceItem<'a> {
    let (manifest, instance) = (&service.manifest, &service.instance);
    let check = checks.get(service.name()).filter(|_| manifest.health.is_some());
    let status = service.health(check);
    let instance = InstanceItem {
        id: format!("{}-{}", service.name(), instance.generation()),
        generation: instance.generation(),
        digest: instance.plugin().digest(),
        in_flight: instance.in_flight(),
    };
    let dependency = |Dependency { name, health_url, .. }: &'a Dependency| DependencyItem {
        name,
        health_url: health_url.as_deref(),
    };
    ServiceItem {
        name: service.name(),
        version: manifest.version.to_string(),
        description: &manifest.description,
        tags: &manifest.tags,
        metadata: &manifest.metadata,
        status,
        registered_at: service.registered_at.into(),
        instances: if status == CheckStatus::Unhealthy { Vec::new() } else { vec![instance] },
        routes: manifest.routes.iter().map(RouteView::of).collect(),
        dependencies: manifest.dependencies.iter().map(dependency).collect(),
        health: check,
    }
}
