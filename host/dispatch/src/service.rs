//! A service that is live, and its instances.

mod described;

use std::{sync::Arc, time::SystemTime};

use switchyard_core::{
    describe::Track,
    health::{Check, CheckStatus},
    manifest::Manifest,
    name::ServiceName,
    upstream::Upstream,
};
use switchyard_runtime::Plugin;

use crate::{
    calls::{Calls, RetryCounts},
    error::CallError,
    instance::Instance,
    stats::Stats,
    traffic::Traffic,
};

pub use self::described::Described;

/// A service that is live: one that a plugin of this host answers for, or upstreams, or both; or one version of it.
#[derive(Clone)]
pub struct Service {
    /// What it says it is. One that has upstreams only is what the first of them is.
    pub manifest: Arc<Manifest>,
    /// The plugin of this host that answers for it.
    pub local: Option<Arc<Instance>>,
    /// The upstreams that do.
    pub upstreams: Arc<[Arc<Instance>]>,
    /// When its name was first registered in this process; it survives new generations.
    pub registered_at: SystemTime,
    /// What is counted about its requests; it survives new generations too.
    pub stats: Arc<Stats>,
    /// Its versions, when there are several: the one that `local` is, and those beside it.
    pub versions: Arc<[Arc<Self>]>,
    /// How its HTTP calls are shared between them; none when `local`, with the upstreams, takes them all.
    pub traffic: Option<Arc<Traffic>>,
    /// What its calls share; so does this.
    pub(crate) calls: Arc<Calls>,
}

// === impl Service ===

impl Service {
    /// A service that is new: registered now, and nothing counted.
    pub fn new(manifest: Arc<Manifest>, local: Option<Arc<Instance>>, upstreams: Vec<Arc<Instance>>) -> Self {
        Self {
            manifest,
            local,
            upstreams: upstreams.into(),
            registered_at: SystemTime::now(),
            stats: Arc::default(),
            versions: Arc::default(),
            traffic: None,
            calls: Arc::default(),
        }
    }

    /// A service that a plugin alone answers for.
    pub fn of_plugin(manifest: Arc<Manifest>, plugin: Arc<Instance>) -> Self {
        Self::new(manifest, Some(plugin), Vec::new())
    }

    /// A service that upstreams alone answer for; none when there is none.
    pub fn of_upstreams(upstreams: Vec<Arc<Instance>>) -> Option<Self> {
        let manifest = Arc::new(manifest_of(upstreams.first()?.upstream()?));
        Some(Self::new(manifest, None, upstreams))
    }

    /// The same in the place of an earlier one of its name: registered when that was, and counted on where that is.
    #[must_use]
    pub fn succeeding(self, previous: &Self) -> Self {
        let (stats, calls) = (Arc::clone(&previous.stats), Arc::clone(&previous.calls));
        Self { registered_at: previous.registered_at, stats, calls, ..self }
    }

    /// The same, registered at another time.
    #[must_use]
    pub fn since(self, registered_at: SystemTime) -> Self {
        Self { registered_at, ..self }
    }

    /// One version of it, with what is counted of that alone. It shares everything else with the others.
    #[must_use]
    pub fn version(&self, manifest: Arc<Manifest>, plugin: Arc<Instance>, stats: Arc<Stats>) -> Self {
        Self { manifest, local: Some(plugin), stats, ..self.clone() }.with_versions(Vec::new(), None)
    }

    /// The same with these versions, and their shares.
    #[must_use]
    pub fn with_versions(self, versions: Vec<Arc<Self>>, traffic: Option<Arc<Traffic>>) -> Self {
        Self { versions: versions.into(), traffic, ..self }
    }

    /// The same as answered by one of its versions only, whatever their shares are.
    #[must_use]
    pub fn answered_by(&self, version: Arc<Self>) -> Self {
        Self { traffic: Traffic::pin(version).map(Arc::new), ..self.clone() }
    }

    /// How often its calls were repeated.
    pub fn retries(&self) -> RetryCounts {
        self.calls.retries()
    }

    /// Its name.
    pub fn name(&self) -> &ServiceName {
        &self.manifest.name
    }

    /// Everything that answers for it: the plugin first.
    pub fn instances(&self) -> impl Iterator<Item = &Arc<Instance>> {
        self.local.iter().chain(self.upstreams.iter())
    }

    /// Everything that answers for it, and for any of its versions: those of the main one first.
    pub fn every_instance(&self) -> impl Iterator<Item = &Arc<Instance>> {
        let main = self.local.as_ref();
        let versions = self.versions.iter().filter_map(|version| version.local.as_ref());
        let beside = versions.filter(move |one| !main.is_some_and(|main| Arc::ptr_eq(main, one)));
        self.instances().chain(beside)
    }

    /// The plugin of this host that answers for it.
    pub fn plugin(&self) -> Option<&Arc<Plugin>> {
        self.local.as_ref()?.plugin()
    }

    /// Whether the breakers of all its instances are open, so that no call reaches it.
    pub fn is_refusing(&self) -> bool {
        self.instances().all(|instance| instance.is_refusing())
    }

    /// How it is, given the latest check of the plugin's health path: as well as the best of its instances.
    pub fn health(&self, check: Option<&Check>) -> CheckStatus {
        let local = self.local.iter().map(|local| match self.status_of(local) {
            CheckStatus::Unknown => check.map_or(CheckStatus::Unknown, |check| check.status),
            known => known,
        });
        let all = local.chain(self.upstreams.iter().map(|upstream| self.status_of(upstream)));
        all.reduce(|best, other| match (best, other) {
            (CheckStatus::Healthy, _) | (_, CheckStatus::Healthy) => CheckStatus::Healthy,
            (CheckStatus::Unknown, _) | (_, CheckStatus::Unknown) => CheckStatus::Unknown,
            _ => CheckStatus::Unhealthy,
        })
        .unwrap_or_default()
    }

    /// How an instance of it is: well while its breaker is not open, and its health checks, if there are any, succeed.
    pub fn status_of(&self, instance: &Instance) -> CheckStatus {
        let is_asked = match instance.upstream() {
            Some(upstream) => upstream.health.is_some(),
            None => self.manifest.health.is_some(),
        };
        match instance.health() {
            _ if instance.is_refusing() => CheckStatus::Unhealthy,
            CheckStatus::Unknown if !is_asked => CheckStatus::Healthy,
            status => status,
        }
    }

    /// The plugin, when nobody else answers, and no call has to be repeated: a guest of 0.2 has one request at a time, so
    /// what ends it is that request's own doing.
    pub(crate) fn sole_plugin(&self) -> Option<(&Arc<Instance>, &Arc<Plugin>)> {
        let local = self.local.as_ref().filter(|_| self.upstreams.is_empty())?;
        Some((local, local.plugin()?)).filter(|(_, plugin)| plugin.description().track == Track::P2)
    }

    /// The plugin's instance, for calls that no upstream can take.
    pub(crate) fn local_for(&self, what: &str) -> Result<(&Arc<Instance>, &Arc<Plugin>), CallError> {
        let found = self.local.as_ref().and_then(|local| Some((local, local.plugin()?)));
        found.ok_or_else(|| {
            let detail = format!("the service '{}' has no plugin on this host that could take {what}", self.name());
            CallError::Unavailable { detail }
        })
    }
}

/// What a service is that an upstream answers for.
fn manifest_of(upstream: &Upstream) -> Manifest {
    let mut manifest = Manifest::of_file(upstream.name.clone(), None);
    manifest.routes.clear();
    manifest.version = upstream.version.clone();
    manifest.tags.clone_from(&upstream.tags);
    manifest.metadata.clone_from(&upstream.metadata);
    manifest
}
