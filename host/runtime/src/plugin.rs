//! One generation of a plugin: its code, mapped when first needed, and the calls of it.

mod fast;
mod gate;
mod p2;
mod p3;
pub(crate) mod warm;

use std::{
    sync::{
        Arc,
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
use tokio::sync::Mutex;

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
    pub(crate) fn new(inner: Arc<Inner>, spec: PluginSpec) -> Option<Self> {
        let limits = &spec.settings.limits;
        Some(Self {
            role: spec.description.http_role()?,
            gate: Gate::new(spec.service.clone(), limits.concurrency_max, limits.queue_max),
            shared: Arc::new(Shared::new(spec.service, spec.settings, inner.ports.clone())),
            inner,
            digest: spec.digest,
            generation: spec.generation,
            description: spec.description,
            code: ArcSwapOption::empty(),
            mapping: Mutex::new(()),
            last_call_s: AtomicU64::new(0),
            born: Instant::now(),
        })
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

    /// Lets the next call use the best code in the cache. Calls under way finish with the code they began with.
    pub fn refresh(&self) {
        self.code.store(None);
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
        let answer = async {
            let permit = self.gate.enter(&context).await?;
            let code = self.code().await?;
            match &code.kind {
                Kind::Fast(fast) => fast.call(&self.inner, &self.shared, context, request, permit).await,
                Kind::P2(streaming) => streaming.call(&self.inner, &self.shared, context, request, permit).await,
                Kind::P3(concurrent) => concurrent.call(&self.shared, context, request, permit).await,
            }
        };
        match tokio::time::timeout_at(deadline, answer).await {
            Ok(answer) => answer,
            Err(_) if self.gate.is_full() => Err(self.gate.busy("no place became free in time")),
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
        let _mapping = self.mapping.lock().await;
        if let Some(code) = self.code.load_full() {
            return Ok(code);
        }
        let entry = self.inner.entry(self.digest).await.map_err(|reason| self.unloadable(reason))?;
        let this = (self.inner.clone(), self.shared.clone(), self.role, self.digest);
        let load = move || Code::load(&this.0, &this.1, this.2, this.3, &entry);
        let loaded = tokio::task::spawn_blocking(load).await.map_err(|error| self.unloadable(error.to_string()))?;
        let code = match loaded {
            Ok(code) => Arc::new(code),
            // The index and the file disagree: what is there cannot be trusted, what is compiled again can.
            Err(reason) => {
                tracing::warn!(service = %self.shared.service, reason, "cached code is unusable; compiling again");
                let entry = self.inner.rebuild(self.digest).await.map_err(|reason| self.unloadable(reason))?;
                let this = (self.inner.clone(), self.shared.clone(), self.role, self.digest);
                let load = move || Code::load(&this.0, &this.1, this.2, this.3, &entry);
                let loaded =
                    tokio::task::spawn_blocking(load).await.map_err(|error| self.unloadable(error.to_string()))?;
                Arc::new(loaded.map_err(|reason| self.unloadable(reason))?)
            }
        };
        self.code.store(Some(code.clone()));
        Ok(code)
    }

    fn unloadable(&self, reason: String) -> GuestError {
        GuestError::Unloadable { service: self.shared.service.clone(), reason }
    }
}

// === impl Code ===

impl Code {
    /// Maps and links the best code of an entry.
    fn load(inner: &Inner, shared: &Arc<Shared>, role: Role, digest: Digest, entry: &Entry) -> Result<Self, String> {
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
                Role::WasiHttp03 => Kind::P3(p3::Concurrent::new(pre, shared, reused)?),
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
