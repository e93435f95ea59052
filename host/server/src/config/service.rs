//! `[services.NAME]`: what a service gets and may use, and how it is called.

mod folders;
mod grants;
mod limits;
mod secrets;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use serde::Deserialize;
use switchyard_core::{
    manifest::Guests,
    name::ServiceName,
    outbound::AllowList,
    rollout::Reload,
    units::{ByteSize, HumanDuration},
};
use switchyard_delivery::config::Grant;
use switchyard_runtime::settings::{Access, Folder, Settings};
use switchyard_store::BucketLimits;
use toml::Spanned;

use super::{
    Config, balancer, breaker,
    check::{Wrong, wrong},
    retry,
};

use self::{grants::Granted, limits::Limits, secrets::Secrets};

/// What is said of a service; what is not is left to the manifest, then to the defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Service {
    config: BTreeMap<String, String>,
    secrets: Secrets,
    env: BTreeMap<String, String>,
    outbound: Vec<String>,
    folders: BTreeMap<String, Folder>,
    /// Buckets of other services.
    buckets: BTreeMap<String, Access>,
    /// What it may use when grants are explicit.
    pub(super) grants: BTreeSet<Grant>,
    guests: Option<Guests>,
    /// Whether Winch may compile it.
    winch: Option<bool>,
    /// How a new version takes over.
    reload: Option<Reload>,
    limits: Limits,
}

/// The table as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Raw {
    config: BTreeMap<String, String>,
    secrets: BTreeMap<Spanned<String>, Spanned<secrets::Raw>>,
    env: BTreeMap<String, String>,
    outbound: Vec<Spanned<String>>,
    folders: BTreeMap<Spanned<String>, folders::Raw>,
    grants: Vec<Spanned<String>>,
    guests: Option<Guests>,
    winch: Option<bool>,
    reload: Option<Reload>,
    memory_max: Option<Spanned<ByteSize>>,
    tables_max: Option<Spanned<u32>>,
    cpu_max: Option<Spanned<HumanDuration>>,
    deadline: Option<Spanned<HumanDuration>>,
    concurrency_max: Option<Spanned<u32>>,
    queue_max: Option<u32>,
    streams_max: Option<Spanned<u32>>,
    outbound_max: Option<Spanned<u32>>,
    log_rate: Option<Spanned<u32>>,
    bucket_max: Option<Spanned<ByteSize>>,
    value_max: Option<Spanned<ByteSize>>,
    pub(super) breaker: Option<breaker::Raw>,
    pub(super) retry: Option<retry::Raw>,
    pub(super) balancer: Option<balancer::Raw>,
}

/// Checks all of them; `base` is the folder that relative paths start from.
pub(super) fn services(raw: BTreeMap<ServiceName, Raw>, base: &Path) -> Result<BTreeMap<ServiceName, Service>, Wrong> {
    raw.into_iter().map(|(name, raw)| Ok((name, service(raw, base)?))).collect()
}

fn service(raw: Raw, base: &Path) -> Result<Service, Wrong> {
    for entry in &raw.outbound {
        if let Err(invalid) = AllowList::parse(&[entry.as_ref()]) {
            return wrong(entry, invalid.to_string());
        }
    }
    let limits = limits::limits(&raw)?;
    let Granted { grants, buckets } = grants::grants(raw.grants)?;
    Ok(Service {
        secrets: secrets::secrets(raw.secrets, &raw.config, base)?,
        config: raw.config,
        env: raw.env,
        outbound: raw.outbound.into_iter().map(Spanned::into_inner).collect(),
        folders: folders::folders(raw.folders, base)?,
        buckets,
        grants,
        guests: raw.guests,
        winch: raw.winch,
        reload: raw.reload,
        limits,
    })
}

// === impl Config ===

impl Config {
    /// What a service's guests get, given what its manifest says about guests.
    pub(crate) fn settings(&self, service: &ServiceName, manifest: Option<Guests>) -> Settings {
        let said = self.services.get(service).cloned().unwrap_or_default();
        let (secrets, missing) = said.secrets.sorted();
        Settings {
            config: said.config,
            secrets,
            missing,
            env: said.env,
            guests: said.guests.or(manifest).unwrap_or(Settings::default().guests),
            winch: self.winch(service),
            outbound: said.outbound,
            folders: said.folders,
            buckets: said.buckets,
            limits: said.limits.of_guests(),
        }
    }

    /// Whether Winch may compile a service.
    pub(crate) fn winch(&self, service: &ServiceName) -> bool {
        let own = self.services.get(service).and_then(|said| said.winch);
        own.unwrap_or(self.plugins.winch)
    }

    /// How a new version of a service takes over.
    pub(crate) fn reload(&self, service: &ServiceName) -> Reload {
        let own = self.services.get(service).and_then(|said| said.reload);
        own.unwrap_or(self.plugins.reload)
    }

    /// The key-value buckets that have limits of their own, each with both.
    pub(crate) fn bucket_limits(&self) -> BTreeMap<Arc<str>, BucketLimits> {
        let of_service =
            |(name, service): (&ServiceName, &Service)| Some((name.as_str().into(), service.limits.of_bucket()?));
        self.services.iter().filter_map(of_service).collect()
    }

    /// Whether it says something that depends on more than its own file, and so may change while that does not.
    pub(crate) fn reads_other_files(&self) -> bool {
        self.services.values().any(|service| service.secrets.reads_files())
    }
}

#[cfg(test)]
mod tests;
