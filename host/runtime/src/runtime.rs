//! The runtime: engines, code cache and compile children, and the plugins made with them.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use switchyard_core::{
    describe::{Description, Track},
    name::Digest,
};
use tokio::sync::Semaphore;
use wasmtime::{PoolConcurrencyLimitError, Store};

use crate::{
    code::{CodeCache, Entry},
    compile::{self, PrepareError},
    context::CallContext,
    engine::{Engines, POOL_MAX, Tier},
    error::{GuestError, explain},
    figures::Compiles,
    limiter::Refused,
    memory::Memory,
    plugin::{Plugin, PluginSpec, linked::Linked, warm::Guest},
    ports::Ports,
    settings::SettingsError,
    state::{GuestState, Shared},
    usage::Usages,
};

/// How often a call looks for a free slot in a full pool.
const POOL_RETRY: Duration = Duration::from_millis(5);

/// How a runtime is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where compiled code is kept; made private when it does not exist.
    pub cache_dir: PathBuf,
    /// The program that is started as `PROGRAM compile-child …`: the host's own binary.
    pub compiler: PathBuf,
    /// Whether new components are first compiled with Winch, to be live at once.
    pub winch: bool,
    /// Instances in a pool; [`POOL_MAX`] when not given. Less where the address space is smaller.
    pub pool_max: Option<u32>,
    /// Compile children at once; the number of cores when not given.
    pub compiles_max: Option<usize>,
}

/// Why a runtime cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The code cache's folder cannot be used.
    #[error("cannot use the code cache {0}")]
    Cache(PathBuf, #[source] io::Error),
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

/// A component, looked at.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What was found.
    pub description: Arc<Description>,
    /// Whether there is optimised code for it.
    pub optimised: bool,
    /// Whether something had to be compiled; `false` means that all came from the cache.
    pub compiled: bool,
}

/// Runs guests.
pub struct Runtime {
    pub(crate) inner: Arc<Inner>,
}

/// What plugins share.
pub(crate) struct Inner {
    pub(crate) engines: Engines,
    pub(crate) cache: CodeCache,
    pub(crate) ports: Ports,
    /// That of all guests.
    pub(crate) memory: Arc<Memory>,
    /// What is counted of each service.
    pub(crate) usages: Usages,
    /// What is counted of compiling.
    pub(crate) counts: Compiles,
    options: Options,
    compiles: Semaphore,
    /// Where each digest's component lies, for code that must be compiled again.
    sources: Mutex<HashMap<Digest, PathBuf>>,
    /// Held by who compiles a digest.
    turns: Mutex<HashMap<Digest, Arc<tokio::sync::Mutex<()>>>>,
    plugins: Mutex<Vec<Weak<Plugin>>>,
}

// === impl Runtime ===

impl Runtime {
    /// Opens the code cache and reserves what instances need.
    ///
    /// # Errors
    /// When the cache's folder is not this user's alone, or a thread cannot be started.
    pub fn new(options: Options, ports: Ports) -> Result<Self, StartError> {
        let folder = &options.cache_dir;
        let cache = CodeCache::open(folder.clone()).map_err(|error| StartError::Cache(folder.clone(), error))?;
        let engines = Engines::new(options.pool_max.unwrap_or(POOL_MAX)).map_err(StartError::Thread)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let compiles = Semaphore::new(options.compiles_max.unwrap_or(cores));
        let (sources, turns, plugins) = (Mutex::default(), Mutex::default(), Mutex::default());
        let memory = Arc::new(Memory::unlimited());
        let (usages, counts) = (Usages::default(), Compiles::default());
        let inner = Inner { engines, cache, ports, memory, usages, counts, options, compiles, sources, turns, plugins };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Describes a component: from the cache, else by compiling it in a child.
    ///
    /// # Errors
    /// When it is unusable, too expensive, or the child cannot be started.
    pub async fn prepare(&self, wasm: &Path, digest: Digest) -> Result<Prepared, PrepareError> {
        self.prepare_with(wasm, digest, true).await
    }

    /// The same, and there is optimised code: the quick compiler never sees the component.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub async fn prepare_optimised(&self, wasm: &Path, digest: Digest) -> Result<Prepared, PrepareError> {
        self.prepare_with(wasm, digest, false).await
    }

    async fn prepare_with(&self, wasm: &Path, digest: Digest, winch: bool) -> Result<Prepared, PrepareError> {
        self.inner.sources().insert(digest, wasm.to_owned());
        let (entry, compiled) = match self.inner.known(digest, winch) {
            Some(entry) => (entry, false),
            None => (self.inner.compile(digest, self.inner.first_tier(winch)).await?, true),
        };
        let optimised = entry.has(Tier::Cranelift);
        Ok(Prepared { description: Arc::new(entry.description), optimised, compiled })
    }

    /// Makes optimised code for a component that has none; [`Plugin::refresh`] then takes it into use.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub async fn optimise(&self, wasm: &Path, digest: Digest) -> Result<(), PrepareError> {
        self.inner.sources().insert(digest, wasm.to_owned());
        if !self.inner.cache.entry(digest).is_some_and(|entry| entry.has(Tier::Cranelift)) {
            self.inner.compile(digest, Tier::Cranelift).await?;
        }
        Ok(())
    }

    /// Makes a plugin of a prepared component. Its code is mapped with the first call. Opens the folders that it is granted,
    /// which may block where they are on another machine.
    ///
    /// # Errors
    /// When something that its settings promise is not there.
    pub fn plugin(&self, spec: PluginSpec) -> Result<Arc<Plugin>, SettingsError> {
        let plugin = Plugin::new(self.inner.clone(), spec)?;
        let mut plugins = self.inner.plugins();
        plugins.retain(|plugin| plugin.strong_count() > 0);
        plugins.push(Arc::downgrade(&plugin));
        Ok(plugin)
    }

    /// From now on the linear memories of all guests together may grow to so many bytes, and no instance is made beyond
    /// that. Without this, to what each service's own limits allow.
    pub fn limit_memory(&self, bytes: u64) {
        self.inner.memory.limit(bytes);
    }

    /// Removes what is cached of a digest.
    pub fn forget(&self, digest: Digest) {
        self.inner.sources().remove(&digest);
        self.inner.turns.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest);
        self.inner.cache.forget(digest);
    }

    /// Gives up instances and code that nobody has used for long. To be called every few seconds, off the request
    /// path: unmapping takes a while.
    pub fn sweep(&self) {
        let plugins: Vec<_> = self.inner.plugins().iter().filter_map(Weak::upgrade).collect();
        let now = Instant::now();
        for plugin in plugins {
            plugin.sweep(now);
        }
    }
}

// === impl Inner ===

impl Inner {
    /// With what a component is compiled first, `winch` being whether it may be Winch.
    fn first_tier(&self, winch: bool) -> Tier {
        let winch = winch && self.options.winch && self.cache.tier_exists(Tier::Winch, Track::P2);
        if winch { Tier::Winch } else { Tier::Cranelift }
    }

    async fn compile(&self, digest: Digest, tier: Tier) -> Result<Entry, PrepareError> {
        let wasm = self.sources().get(&digest).cloned();
        let Some(wasm) = wasm else { return Err(PrepareError::Host(format!("the component {digest} is not known"))) };
        // One compile of a digest at a time: two plugins may have the same bytes.
        let turn = self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(digest).or_default().clone();
        let _turn = turn.lock().await;
        if let Some(entry) = self.cache.entry(digest).filter(|entry| entry.has(tier) || entry.has(Tier::Cranelift)) {
            return Ok(entry);
        }
        if let Some(error) = self.cache.refusal(digest, tier) {
            return Err(error);
        }
        let _place = self.compiles.acquire().await.map_err(|error| PrepareError::Host(error.to_string()))?;
        let began = Instant::now();
        let made = compile::in_child(&self.options.compiler, &wasm, self.cache.folder(), tier).await;
        self.counts.compiled(tier, made.is_ok(), began.elapsed());
        let made = made.inspect_err(|error| self.give_up(digest, tier, error, began.elapsed()))?;
        tracing::debug!(%digest, tier = ?made.tier, elapsed = ?began.elapsed(), "compiled");
        self.cache.insert(digest, made).map_err(|error| PrepareError::Host(error.to_string()))
    }

    /// What the cache has of a digest, if there is code that may be used.
    fn known(&self, digest: Digest, winch: bool) -> Option<Entry> {
        let known = self.cache.entry(digest);
        let known = known.filter(|entry| entry.best().is_some_and(|(tier, _)| winch || tier == Tier::Cranelift));
        self.counts.looked_up(known.is_some());
        known
    }

    /// Forgets a component of which there is no code: a file that changes without end is another one each time.
    fn give_up(&self, digest: Digest, tier: Tier, error: &PrepareError, took: Duration) {
        self.cache.refused(digest, tier, error, took);
        if self.cache.entry(digest).is_none() {
            self.sources().remove(&digest);
            self.turns.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest);
        }
    }

    /// What is known of a digest, compiled again when the cache has lost it.
    pub(crate) async fn entry(&self, digest: Digest, winch: bool) -> Result<Entry, String> {
        match self.known(digest, winch) {
            Some(entry) => Ok(entry),
            None => self.compile(digest, self.first_tier(winch)).await.map_err(|error| error.to_string()),
        }
    }

    /// Forgets what is cached of a digest and compiles it again.
    pub(crate) async fn rebuild(&self, digest: Digest, winch: bool) -> Result<Entry, String> {
        self.cache.forget(digest);
        self.entry(digest, winch).await
    }

    /// Makes an instance. When the pool is full, idle instances of all plugins make room, and if that is not
    /// enough it waits; the caller bounds the time.
    pub(crate) async fn instantiate(
        &self,
        shared: &Arc<Shared>,
        context: &CallContext,
        linked: &Linked,
    ) -> Result<Guest, GuestError> {
        let mut retried = false;
        loop {
            let mut store = GuestState::store(linked.engine(), shared);
            let meter = store.data().cpu.clone();
            meter.begin(shared.settings.limits.cpu_max);
            let made = meter.meter(std::pin::pin!(linked.instantiate(&mut store))).await;
            match made {
                Ok(exports) => return Ok(Guest::new(store, exports)),
                Err(error) if is_full(&error, &store) => {
                    self.make_room().await;
                    // Its ancestors hold slots until it is done, so it must not wait for one of theirs.
                    if !context.ancestors.is_empty() && std::mem::replace(&mut retried, true) {
                        let reason = "there is no room for another instance".to_owned();
                        return Err(GuestError::Busy { service: shared.service.clone(), reason });
                    }
                }
                Err(error) => return Err(explain(&shared.service, &error, store.data().memory.refused)),
            }
        }
    }

    /// Gives up idle instances of all plugins, and waits a moment for slots to become free.
    pub(crate) async fn make_room(&self) {
        self.drop_idle_instances();
        tokio::time::sleep(POOL_RETRY).await;
    }

    fn drop_idle_instances(&self) {
        let plugins: Vec<_> = self.plugins().iter().filter_map(Weak::upgrade).collect();
        for plugin in plugins {
            plugin.drop_idle_instances();
        }
    }

    fn sources(&self) -> std::sync::MutexGuard<'_, HashMap<Digest, PathBuf>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn plugins(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Plugin>>> {
        self.plugins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether no instance could be made because others hold what it needs: a slot of the pool, or memory.
pub(crate) fn is_full(error: &wasmtime::Error, store: &Store<GuestState>) -> bool {
    error.is::<PoolConcurrencyLimitError>() || store.data().memory.refused == Some(Refused::HostMemory)
}
