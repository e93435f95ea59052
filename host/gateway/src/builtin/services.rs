//! The services as `/services` lists them.

use std::{collections::BTreeMap, time::SystemTime};

use serde::Serialize;
use switchyard_core::{
    health::{Check, CheckStatus},
    name::{INTERNAL_SUFFIX, ServiceName},
    timestamp::Timestamp,
};
use switchyard_dispatch::{Service, Snapshot};

/// The port under which services call each other.
const INTERNAL_PORT: u16 = 80;

/// One instance of a service. Names and order of the members are public.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed<'a> {
    /// The service's name and its generation, which is never used twice while the host runs.
    id: String,
    name: &'a ServiceName,
    /// Where other services reach it.
    address: String,
    port: u16,
    /// Its health path, null when it has none.
    health: Option<&'a str>,
    version: String,
    tags: &'a [String],
    metadata: &'a BTreeMap<String, String>,
    status: CheckStatus,
    registered_at: Timestamp,
    /// When it was last seen alive: at its latest check, or now when being active is all there is to check.
    last_heartbeat: Timestamp,
}

/// All services of a snapshot, by name.
pub(super) fn list<'a>(snapshot: &'a Snapshot, checks: &BTreeMap<ServiceName, Check>) -> Vec<Listed<'a>> {
    snapshot.services.values().map(|service| listed(service, checks.get(service.name()))).collect()
}

fn listed<'a>(service: &'a Service, check: Option<&Check>) -> Listed<'a> {
    let manifest = &service.manifest;
    let seen = check.filter(|_| manifest.health.is_some()).and_then(|check| check.last_check);
    Listed {
        id: format!("{}-{}", manifest.name, service.instance.generation()),
        name: &manifest.name,
        address: format!("{}{INTERNAL_SUFFIX}", manifest.name),
        port: INTERNAL_PORT,
        health: manifest.health.as_deref(),
        version: manifest.version.to_string(),
        tags: &manifest.tags,
        metadata: &manifest.metadata,
        status: service.health(check),
        registered_at: service.registered_at.into(),
        last_heartbeat: seen.unwrap_or_else(|| SystemTime::now().into()),
    }
}
