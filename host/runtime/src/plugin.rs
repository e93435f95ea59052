//! One generation of a plugin: its code, mapped when first needed, and the calls of it.

mod fast;
mod gate;
mod p2;
mod p3;
pub(crate) mod warm;

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use http::{Request, Response};
use switchyard_core::{
    describe::{Description, Role},
    manifest::Guests,
    name::{Digest, Generation, ServiceName},
};
use tokio::{sync::Mutex, task::JoinHandle};

use crate::{
    body::Body,
    code::Entry,
    context::CallContext,
    engine::{Allocator, Tier},
    error::GuestError,
    runtime::Inner,
    settings::Settings,
    state::Shared,
};

use self::gate::Gate;

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
    role: Role,
    gate: Gate,
    code: ArcSwapOption<Code>,
    /// Held while code is being mapped, so that the first calls map it once.
    mapping: Mutex<()>,
    /// How often better code was announced: what was read from the cache before that is mapped again.
    refreshes: AtomicU64,
    /// When it was last called, in seconds since `born`.
    last_call_s: AtomicU64,
    born: Instant,
}

/// Mapped code, linked, with the instances made of it.
struct Code {
    tier: Tier,
    kind: Kind,
}

enum Kind {
    Fast(fast::Fast),
    P2(Arc<p2::Streaming>),
    P3(p3::Concurrent),
}

// === impl Plugin ===

impl Plugin {
    pub(crate) fn new(inner: Arc<Inner>, spec: PluginSpec) -> Option<Arc<Self>> {
        let role = spec.description.http_role()?;
        let limits = spec.settings.limits.clone();
        Some(Arc::new_cyclic(|me| Self {
            me: me.clone(),
            role,
            gate: Gate::new(spec.service.clone(), limits.concurrency_max, limits.queue_max),
            shared: Arc::new(Shared::new(spec.service, spec.settings, inner.ports.clone())),
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

    /// How many calls are inside or waiting.
    pub fn under_way(&self) -> usize {
        self.gate.under_way()
    }

    /// Takes the best code in the cache into use, once it is mapped. Until then calls use what there is, and those
    /// under way finish with the code they began with.
    pub fn refresh(&self) {
        self.refreshes.fetch_add(1, Relaxed);
        if self.is_mapped() {
            drop(self.map_on_its_own(true));
        }
    }

    /// Calls the guest. The response's head is there, or the call has failed, by the context's deadline and the
    /// service's own, whichever is first.
    ///
    /// # Errors
    /// When it is too busy, too slow, or fails; see [`GuestError`].
    pub async fn call(&self, mut context: CallContext, request: Request<Body>) -> Result<Response<Body>, GuestError> {
        let began = tokio::time::Instant::now();
        self.last_call_s.store(self.born.elapsed().as_secs(), Relaxed);
        context.deadline = context.deadline.min(began + self.shared.settings.limits.deadline);
        let deadline = context.deadline;
        let begun = Arc::default();
        let answer = async {
            let admission = self.gate.enter(&context, &begun).await?;
            let code = self.code().await?;
            match &code.kind {
                Kind::Fast(fast) => fast.call(&self.inner, &self.shared, context, request, admission).await,
                Kind::P2(streaming) => streaming.call(&self.inner, &self.shared, context, request, admission).await,
                Kind::P3(concurrent) => concurrent.call(&self.shared, context, request, admission).await,
            }
        };
        match tokio::time::timeout_at(deadline, answer).await {
            Ok(answer) => answer,
            // It has not reached the guest, so trying again repeats nothing.
            Err(_) if !begun.load(Relaxed) => Err(self.gate.busy("no place became free in time")),
            Err(_) => {
                let after = began.elapsed();
                Err(GuestError::TimedOut { service: self.shared.service.clone(), after })
            }
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
        loop {
            let refreshes = self.refreshes.load(Relaxed);
            let code = match self.load(self.inner.entry(self.digest).await?).await {
                Ok(code) => code,
                // The index and the file disagree: what is there cannot be trusted, what is compiled again can.
                Err(reason) => {
                    tracing::warn!(service = %self.shared.service, reason, "cached code is unusable; compiling again");
                    self.load(self.inner.rebuild(self.digest).await?).await?
                }
            };
            let code = Arc::new(code);
            self.code.store(Some(code.clone()));
            if self.refreshes.load(Relaxed) == refreshes {
                return Ok(code);
            }
        }
    }

    async fn load(&self, entry: Entry) -> Result<Code, String> {
        let (inner, shared, role, digest) = (self.inner.clone(), self.shared.clone(), self.role, self.digest);
        let loading = tokio::task::spawn_blocking(move || Code::load(&inner, &shared, role, digest, &entry));
        loading.await.map_err(|error| error.to_string())?
    }

    fn unloadable(&self, reason: String) -> GuestError {
        GuestError::Unloadable { service: self.shared.service.clone(), reason }
    }
}

// === impl Code ===

impl Code {
    /// Maps and links the best code of an entry.
    fn load(
        inner: &Arc<Inner>,
        shared: &Arc<Shared>,
        role: Role,
        digest: Digest,
        entry: &Entry,
    ) -> Result<Self, String> {
        let (tier, file) = entry.best().ok_or_else(|| format!("there is no code for {digest}"))?;
        let track = entry.description.track;
        let (file, path) = inner.cache.verified(file).map_err(|error| error.to_string())?;
        let mapped = [Allocator::Pool, Allocator::OnDemand].into_iter().map(|allocator| {
            let engine = inner.engines.get(track, tier, allocator)?;
            crate::code::map::component(engine, &file, &path)
                .map_err(|error| crate::code::CodeError::Refused(path.clone(), format!("{error:#}")).to_string())
        });
        // What is over the pool's limits is made on demand, under the service's own limits.
        let mut component = Err(String::new());
        for attempt in mapped {
            component = attempt;
            if component.is_ok() {
                break;
            }
        }
        let component = component?;
        let kind = || -> wasmtime::Result<Kind> {
            let linker = crate::linker::linker(component.engine(), track)?;
            let pre = linker.instantiate_pre(&component)?;
            let reused = shared.settings.guests == Guests::Reused;
            Ok(match role {
                Role::HttpHandler => Kind::Fast(fast::Fast::new(pre, reused)?),
                Role::WasiHttp03 => Kind::P3(p3::Concurrent::new(inner, pre, shared, reused)?),
                Role::WasiHttp02 | Role::Manifest => Kind::P2(Arc::new(p2::Streaming::new(pre, reused)?)),
            })
        };
        Ok(Self { tier, kind: kind().map_err(|error| format!("{error:#}"))? })
    }

    fn sweep(&self, now: Instant) {
        match &self.kind {
            Kind::Fast(fast) => fast.warm.sweep(now),
            Kind::P2(streaming) => streaming.warm.sweep(now),
            // Its workers end themselves.
            Kind::P3(_) => {}
        }
    }

    fn drop_idle(&self) {
        match &self.kind {
            Kind::Fast(fast) => fast.warm.clear(),
            Kind::P2(streaming) => streaming.warm.clear(),
            Kind::P3(_) => {}
        }
    }
}
