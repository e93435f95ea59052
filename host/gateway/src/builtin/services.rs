//! The services as `/services` lists them: a row for each instance.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc, time::SystemTime};

use serde::Serialize;
use switchyard_core::{
    health::{Check, CheckStatus},
    name::ServiceName,
    timestamp::Timestamp,
};
use switchyard_dispatch::{Instance, Service, Snapshot};

/// One instance of a service. Names and order of the members are public.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed<'a> {
    /// The instance's id, which none has after it while the host runs.
    id: &'a str,
    name: &'a ServiceName,
    /// Where other services reach it: `NAME.internal`, or the upstream's host.
    address: Cow<'a, str>,
    port: u16,
    /// What is asked to see how it is, null when nothing is.
    health: Option<Cow<'a, str>>,
    version: String,
    tags: &'a [String],
    metadata: &'a BTreeMap<String, String>,
    status: CheckStatus,
    registered_at: Timestamp,
    /// When it was last seen alive: at its latest check or heartbeat, or now when being there is all there is to check.
    last_heartbeat: Timestamp,
}

/// All instances of a snapshot, by the name of their service.
pub(super) fn list<'a>(snapshot: &'a Snapshot, checks: &BTreeMap<ServiceName, Check>) -> Vec<Listed<'a>> {
    let services = snapshot.services.values();
    let of = |service: &'a Arc<Service>| {
        let check = checks.get(service.name());
        service.instances().map(move |instance| listed(service, instance, check)).collect::<Vec<_>>()
    };
    services.flat_map(of).collect()
}

fn listed<'a>(service: &'a Service, instance: &'a Instance, check: Option<&Check>) -> Listed<'a> {
    let described = service.describe(instance);
    let is_local = instance.plugin().is_some();
    let check = check.filter(|_| is_local && described.health.is_some());
    // The health path of a plugin is asked by the host, which tells the gateway.
    let status = match (described.status, check) {
        (CheckStatus::Unknown, Some(check)) => check.status,
        (status, _) => status,
    };
    let seen = check.and_then(|check| check.last_check).or_else(|| instance.last_seen());
    Listed {
        id: described.id,
        name: described.name,
        address: described.address,
        port: described.port,
        health: described.health,
        version: described.version.to_string(),
        tags: described.tags,
        metadata: described.metadata,
        status,
        registered_at: service.registered_at.into(),
        last_heartbeat: seen.unwrap_or_else(|| SystemTime::now().into()),
    }
}
