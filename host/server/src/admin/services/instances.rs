//! What can answer for a service, as it is shown.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::JsonSchema;
use serde::Serialize;
use switchyard_core::{
    health::{Check, CheckStatus},
    name::{Digest, Generation},
    timestamp::Timestamp,
    units::HumanDuration,
};
use switchyard_dispatch::{Instance, Service};

use super::Seen;
use crate::host_events::source_name;

/// One thing that can answer for a service.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Instance")]
pub(super) struct InstanceItem<'a> {
    id: &'a str,
    /// `plugin`, or who registered the upstream: `config` or `api`.
    source: &'static str,
    address: Cow<'a, str>,
    port: u16,
    version: &'a semver::Version,
    tags: &'a [String],
    metadata: &'a BTreeMap<String, String>,
    weight: u32,
    status: CheckStatus,
    in_flight: usize,
    /// The latest check; null when nobody asks, and before the first.
    health: Option<Check>,
    #[serde(flatten)]
    own: Own,
}

/// What only plugins, or only upstreams, have.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum Own {
    Plugin {
        generation: Generation,
        digest: Digest,
    },
    Upstream {
        /// `http`, `https` or `h2c`.
        scheme: &'static str,
        /// Null when the configuration registers it.
        registered_at: Option<Timestamp>,
        /// Null before the first sign of life in this process.
        last_heartbeat: Option<Timestamp>,
        ttl: Option<HumanDuration>,
    },
}

/// An instance of this service.
pub(super) fn item<'a>(service: &'a Service, instance: &'a Instance, seen: &Seen<'_>) -> Option<InstanceItem<'a>> {
    let described = service.describe(instance);
    let (source, health, own) = match (instance.plugin(), instance.upstream()) {
        (Some(plugin), _) => {
            let check = seen.checks.get(service.name()).filter(|_| service.manifest.health.is_some());
            let own = Own::Plugin { generation: plugin.generation(), digest: plugin.digest() };
            ("plugin", check.cloned(), own)
        }
        (_, Some(upstream)) => {
            let own = Own::Upstream {
                scheme: upstream.origin.scheme.as_str(),
                registered_at: seen.sources.registrations.registered_at(instance.id()),
                last_heartbeat: seen.sources.registrations.last_seen(instance.id()),
                ttl: upstream.ttl.map(HumanDuration),
            };
            (source_name(upstream.source), seen.sources.probed.check(instance.id()), own)
        }
        (None, None) => return None,
    };
    Some(InstanceItem {
        id: described.id,
        source,
        address: described.address,
        port: described.port,
        version: described.version,
        tags: described.tags,
        metadata: described.metadata,
        weight: instance.weight(),
        status: described.status,
        in_flight: instance.in_flight(),
        health,
        own,
    })
}

// === impl InstanceItem ===

impl InstanceItem<'_> {
    /// Whether it is not known to be unhealthy.
    pub(super) fn may_be_called(&self) -> bool {
        self.status != CheckStatus::Unhealthy
    }

    pub(super) fn tags(&self) -> &[String] {
        self.tags
    }
}
