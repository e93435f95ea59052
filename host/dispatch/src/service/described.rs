//! An instance as it is shown.

use std::{borrow::Cow, collections::BTreeMap};

use switchyard_core::{
    health::CheckStatus,
    name::{INTERNAL_SUFFIX, ServiceName},
};

use super::Service;
use crate::instance::Instance;

/// The port under which services call each other.
const INTERNAL_PORT: u16 = 80;

/// What is told of an instance to those who look for one.
#[derive(Clone, Debug)]
pub struct Described<'a> {
    /// Its id.
    pub id: &'a str,
    /// The service.
    pub name: &'a ServiceName,
    /// Where other services reach it: `NAME.internal` for a plugin, the host for an upstream.
    pub address: Cow<'a, str>,
    /// The port of that.
    pub port: u16,
    /// What is asked to find out how it is; none when nobody asks.
    pub health: Option<Cow<'a, str>>,
    /// Its version.
    pub version: &'a semver::Version,
    /// Words to discover it by.
    pub tags: &'a [String],
    /// Further facts.
    pub metadata: &'a BTreeMap<String, String>,
    /// How it is.
    pub status: CheckStatus,
}

// === impl Service ===

impl Service {
    /// What is told of an instance of it.
    pub fn describe<'a>(&'a self, instance: &'a Instance) -> Described<'a> {
        let (id, name, status) = (instance.id(), self.name(), self.status_of(instance));
        match instance.upstream() {
            Some(upstream) => Described {
                id,
                name,
                address: Cow::Borrowed(&upstream.origin.host),
                port: upstream.origin.port,
                health: upstream.health.as_ref().map(|health| Cow::Owned(health.to_string())),
                version: &upstream.version,
                tags: &upstream.tags,
                metadata: &upstream.metadata,
                status,
            },
            None => Described {
                id,
                name,
                address: Cow::Owned(format!("{name}{INTERNAL_SUFFIX}")),
                port: INTERNAL_PORT,
                health: self.manifest.health.as_deref().map(Cow::Borrowed),
                version: &self.manifest.version,
                tags: &self.manifest.tags,
                metadata: &self.manifest.metadata,
                status,
            },
        }
    }
}
