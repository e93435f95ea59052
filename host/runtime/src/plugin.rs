//! One generation of a plugin: its code, mapped when first needed, and the calls of it, by role.

mod authenticator;
mod calls;
mod command_handler;
mod event_handler;
mod event_middleware;
mod fast;
mod gate;
mod heads;
mod http_middleware;
pub(crate) mod linked;
mod mapped;
mod messaging;
mod p2;
pub(crate) mod p3;
mod queue_handler;
pub(crate) mod roles;
pub(crate) mod streams;
mod uploads;
pub(crate) mod warm;
mod wit;

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use switchyard_core::{
    describe::Description,
    name::{Digest, Generation, ServiceName},
};
use tokio::{sync::Mutex, task::JoinHandle};

use crate::{
    code::Entry,
    engine::Tier,
    error::GuestError,
    figures::Load,
    runtime::Inner,
    settings::{Settings, SettingsError},
    state::Shared,
};

use self::{gate::Gate, mapped::Code, uploads::Uploads};

/// After how long without a call an instance that waits for the next one is given up.
pub const INSTANCE_IDLE_MAX: Duration = Duration::from_secs(10);

/// After how long without a call a plugin's code is unmapped.
pub const CODE_IDLE_MAX: Duration = Duration::from_secs(60);

/// What makes a plugin out of a component.
#[derive(Clone, Debug)]
pub struct PluginSpec {
    /// The service it serves as.
    pub service: ServiceName,
    /// Which activation this is.
    pub generation: Generation,
    /// The component's digest.
    pub digest: Digest,
    /// What was found in it.
    pub description: Arc<Description>,
    /// What it may use.
    pub settings: Settings,
}

/// A component ready to be called.
pub struct Plugin {
    /// Itself, for tasks that outlive the call which began them.
    me: Weak<Self>,
    inner: Arc<Inner>,
    shared: Arc<Shared>,
    digest: Digest,
    generation: Generation,
    description: Arc<Description>,
    gate: Gate,
    uploads: Uploads,
    code: ArcSwapOption<Code>,
    /// Held while code is being mapped, so that the first calls map it once.
    mapping: Mutex<()>,
    /// How often better code was announced: what was read from the cache before that is mapped again.
    refreshes: AtomicU64,
    /// When it was last called, in seconds since `born`.
    last_call_s: AtomicU64,
    born: Instant,
}

// === impl Plugin ===

impl Plugin {
    pub(crate) fn new(inner: Arc<Inner>, spec: PluginSpec) -> Result<Arc<Self>, SettingsError> {
        let limits = &spec.settings.limits;
        let gate = Gate::new(spec.service.clone(), limits.concurrency_max, limits.queue_max);
        let (ports, memory) = (inner.ports.clone(), inner.memory.clone());
        let usage = inner.usages.of(&spec.service);
        let shared = Arc::new(Shared::new(spec.service, spec.generation, spec.settings, ports, memory, usage)?);
        Ok(Arc::new_cyclic(|me| Self {
            me: me.clone(),
            uploads: Uploads::default(),
            gate,
            shared,
            inner,
            digest: spec.digest,
            generation: spec.generation,
            description: spec.description,
            code: ArcSwapOption::empty(),
            mapping: Mutex::new(()),
            refreshes: AtomicU64::new(0),
            last_call_s: AtomicU64::new(0),
            born: Instant::now(),
        }))
    }

    /// The service it serves as.
    pub fn service(&self) -> &ServiceName {
        &self.shared.service
    }

    /// Which activation it is.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// The digest of its component.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What was found in its component.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The compiler of the code it runs now; none while no code is mapped.
    pub fn tier(&self) -> Option<Tier> {
        self.code.load().as_ref().map(|code| code.tier)
    }

    /// Whether its code is in memory.
    pub fn is_mapped(&self) -> bool {
        self.code.load().is_some()
    }

    /// How many calls are inside or waiting, and responses on their way.
    pub fn under_way(&self) -> usize {
        self.gate.under_way() + self.shared.streams.open()
    }

    /// What it is about now.
    pub(crate) fn load(&self) -> Load {
        let (inside, waiting) = (self.gate.inside(), self.gate.waiting());
        Load { inside, waiting, streams: self.shared.streams.open() }
    }

    /// How many bytes its code has, while that is in memory.
    pub(crate) fn mapped_bytes(&self) -> Option<u64> {
        self.code.load().as_ref().map(|code| code.bytes)
    }

    /// How many bytes the linear memories of its service's guests have now, of all generations and versions.
    pub fn memory(&self) -> u64 {
        self.shared.usage.memory()
    }

    /// Takes the best code in the cache into use, once it is mapped. Until then calls use what there is, and those
    /// under way finish with the code they began with.
    pub fn refresh(&self) {
        self.refreshes.fetch_add(1, Relaxed);
        if self.is_mapped() {
            drop(self.map_on_its_own(true));
        }
    }

    /// Gives up instances, and code, that have not been used for long.
    pub(crate) fn sweep(&self, now: Instant) {
        let Some(code) = self.code.load_full() else { return };
        let idle = now.duration_since(self.born).saturating_sub(Duration::from_secs(self.last_call_s.load(Relaxed)));
        code.sweep(now);
        if idle > CODE_IDLE_MAX && self.under_way() == 0 {
            self.code.store(None);
        }
    }

    /// Gives up all instances that wait for a call.
    pub(crate) fn drop_idle_instances(&self) {
        if let Some(code) = self.code.load_full() {
            code.drop_idle();
        }
    }

    async fn code(&self) -> Result<Arc<Code>, GuestError> {
        if let Some(code) = self.code.load_full() {
            return Ok(code);
        }
        let mapped = self.map_on_its_own(false).await;
        mapped.map_err(|error| self.unloadable(error.to_string()))?.map_err(|reason| self.unloadable(reason))
    }

    /// Maps code on a task of its own: a caller that leaves must not end what all others wait for.
    fn map_on_its_own(&self, again: bool) -> JoinHandle<Result<Arc<Code>, String>> {
        let me = self.me.clone();
        tokio::spawn(async move {
            let Some(me) = me.upgrade() else { return Err("it is gone".to_owned()) };
            me.map(again).await
        })
    }

    async fn map(&self, again: bool) -> Result<Arc<Code>, String> {
        let _mapping = self.mapping.lock().await;
        if let Some(code) = self.code.load_full().filter(|_| !again) {
            return Ok(code);
        }
        let winch = self.shared.settings.winch;
        loop {
            let refreshes = self.refreshes.load(Relaxed);
            let code = match self.load_code(self.inner.entry(self.digest, winch).await?).await {
                Ok(code) => code,
                // The index and the file disagree: what is there cannot be trusted, what is compiled again can.
                Err(reason) => {
                    tracing::warn!(service = %self.shared.service, reason, "cached code is unusable; compiling again");
                    self.load_code(self.inner.rebuild(self.digest, winch).await?).await?
                }
            };
            let code = Arc::new(code);
            self.code.store(Some(code.clone()));
            if self.refreshes.load(Relaxed) == refreshes {
                return Ok(code);
            }
        }
    }

    async fn load_code(&self, entry: Entry) -> Result<Code, String> {
        let (inner, shared, digest) = (self.inner.clone(), self.shared.clone(), self.digest);
        let loading = tokio::task::spawn_blocking(move || Code::load(&inner, &shared, digest, &entry));
        loading.await.map_err(|error| error.to_string())?
    }

    fn unloadable(&self, reason: String) -> GuestError {
        GuestError::Unloadable { service: self.shared.service.clone(), reason }
    }
}
