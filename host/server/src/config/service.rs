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

use schemars::JsonSchema;
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

use super::{
    Config, balancer, breaker,
    check::{Wrong, wrong},
    retry,
    spanned::Spanned,
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

/// `[services.NAME]`, as it is written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(rename = "Service")]
pub(super) struct Raw {
    /// What `wasi:config/store` answers.
    config: BTreeMap<String, String>,
    /// The same, from elsewhere, and shown nowhere.
    secrets: BTreeMap<Spanned<String>, Spanned<secrets::Raw>>,
    /// Environment variables.
    env: BTreeMap<String, String>,
    /// Hosts it may call: `host`, `host:port`, `*.domain`, `*`; private and loopback ones by address, network, or as
    /// `localhost`.
    #[schemars(extend("default" = []))]
    outbound: Vec<Spanned<String>>,
    /// Folders it sees, by the path that it sees them under.
    folders: BTreeMap<Spanned<String>, folders::Raw>,
    /// What it may use when grants are explicit, and buckets of other services: `publish:`, `subscribe:TOPIC-PATTERN`,
    /// `queue:`, `saga:`, `bucket:NAME`.
    #[schemars(extend("default" = []))]
    grants: Vec<Spanned<String>>,
    /// Fresh or reused instances; the manifest's when nothing is said.
    guests: Option<Guests>,
    /// As of `[plugins]`.
    winch: Option<bool>,
    /// As of `[plugins]`.
    reload: Option<Reload>,
    /// All linear memories of an instance.
    #[schemars(extend("default" = "128MiB"))]
    memory_max: Option<Spanned<ByteSize>>,
    /// Elements of all tables of an instance.
    #[schemars(range(min = 1), extend("default" = 100000))]
    tables_max: Option<Spanned<u32>>,
    /// CPU time of a call, at least 10ms.
    #[schemars(extend("default" = "1s"))]
    cpu_max: Option<Spanned<HumanDuration>>,
    /// Wall time of a call.
    #[schemars(extend("default" = "30s"))]
    deadline: Option<Spanned<HumanDuration>>,
    /// Calls at once.
    #[schemars(range(min = 1), extend("default" = 64))]
    concurrency_max: Option<Spanned<u32>>,
    /// Calls that wait, then 503.
    #[schemars(extend("default" = 1000))]
    queue_max: Option<u32>,
    /// Responses still on their way after their head.
    #[schemars(range(min = 1), extend("default" = 100))]
    streams_max: Option<Spanned<u32>>,
    /// Requests to other hosts under way.
    #[schemars(range(min = 1), extend("default" = 32))]
    outbound_max: Option<Spanned<u32>>,
    /// Lines a second; the rest is counted.
    #[schemars(range(min = 1), extend("default" = 100))]
    log_rate: Option<Spanned<u32>>,
    /// Keys and values of its bucket.
    #[schemars(extend("default" = "1GiB"))]
    bucket_max: Option<Spanned<ByteSize>>,
    /// A value; at most 8MiB.
    #[schemars(extend("default" = "1MiB"))]
    value_max: Option<Spanned<ByteSize>>,
    /// What it says here wins over `[breaker]`, member by member.
    pub(super) breaker: Option<breaker::Raw>,
    /// Over `[retry]`, likewise.
    pub(super) retry: Option<retry::Raw>,
    /// Over `[balancer]`, likewise.
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
