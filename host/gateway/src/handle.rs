//! What the rest of the host says to a gateway, and asks of it, while it runs.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use arc_swap::ArcSwap;
use switchyard_core::{
    health::{Check, Lifecycle, Status},
    name::ServiceName,
    rollout::Tally,
    stats::Metrics,
};
use switchyard_dispatch::{Dispatcher, Stats};

use crate::{
    access_log,
    counts::Counts,
    options::Options,
    policy::{Active, Policy},
    rate_limit::Limits,
    tls::Tls,
};

/// A cheap clone that reaches a running gateway.
#[derive(Clone)]
pub struct Handle(pub(crate) Arc<Shared>);

/// What all connections of a gateway share.
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) stats: Stats,
    pub(crate) counts: Counts,
    /// Writes lines of requests.
    pub(crate) access_log: access_log::Writer,
    /// Taken once by each request.
    pub(crate) policy: ArcSwap<Active>,
    pub(crate) limits: Limits,
    /// Taken once by each connection; none when plain HTTP is spoken.
    pub(crate) tls: Option<ArcSwap<Tls>>,
    /// Requests that a mirror should have got, and whose body could not be held for it.
    pub(crate) unmirrored: AtomicU64,
    pub(crate) started: Instant,
    /// Read by `/health` and `/services` only, so a lock is cheap enough.
    state: Mutex<State>,
}

/// What the gateway was told about the host.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) lifecycle: Lifecycle,
    pub(crate) dependencies: BTreeMap<String, Check>,
    pub(crate) services: BTreeMap<ServiceName, Check>,
}

// === impl Handle ===

impl Handle {
    /// The figures of all requests so far.
    pub fn metrics(&self) -> Metrics {
        self.0.stats.metrics()
    }

    /// The same as counters, of which two moments can be compared.
    pub fn tally(&self) -> Tally {
        self.0.stats.tally()
    }

    /// How many requests a mirror should have got and did not: their bodies were longer than 64 KiB, or of a length that
    /// was not known.
    pub fn unmirrored(&self) -> u64 {
        self.0.unmirrored.load(Relaxed)
    }

    /// The status that `/health` answers.
    pub fn status(&self) -> Status {
        self.0.state().status()
    }

    /// Decides by this policy from the next request on. What was counted and fetched for the one before stands.
    pub fn set_policy(&self, policy: Policy) {
        let active = Active::new(policy, Some(&self.0.policy.load()));
        self.0.policy.store(Arc::new(active));
    }

    /// Shows this certificate from the next handshake on. A gateway that was started without TLS goes on without.
    pub fn set_tls(&self, tls: Tls) {
        if let Some(current) = &self.0.tls {
            current.store(Arc::new(tls));
        }
    }

    /// Says where the host is in its life; a gateway is born starting.
    pub fn set_lifecycle(&self, lifecycle: Lifecycle) {
        self.0.state().lifecycle = lifecycle;
    }

    /// Says that the host is stopping, so that `/health` answers 503. It goes on serving until its token is
    /// cancelled.
    pub fn begin_shutdown(&self) {
        self.set_lifecycle(Lifecycle::ShuttingDown);
    }

    /// Shows the latest check of a dependency in `/health`. One that was not checked yet is
    /// [`Check::default`], so that the whole is `checking`.
    pub fn set_dependency(&self, name: &str, check: Check) {
        self.0.state().dependencies.insert(name.to_owned(), check);
    }

    /// No longer shows a dependency in `/health`.
    pub fn remove_dependency(&self, name: &str) {
        self.0.state().dependencies.remove(name);
    }

    /// Shows the latest check of a service's health path in `/services`.
    pub fn set_service_check(&self, service: ServiceName, check: Check) {
        self.0.state().services.insert(service, check);
    }

    /// Forgets the checks of a service that is gone, or no longer has a health path.
    pub fn remove_service_check(&self, service: &ServiceName) {
        self.0.state().services.remove(service);
    }
}

// === impl Shared ===

impl Shared {
    pub(crate) fn new(options: Options, dispatcher: Arc<Dispatcher>) -> Self {
        let policy = ArcSwap::from_pointee(Active::new(options.policy.clone(), None));
        let (started, limits) = (Instant::now(), Limits::new(tokio::time::Instant::now()));
        let (stats, unmirrored, state) = (Stats::default(), AtomicU64::new(0), Mutex::default());
        let (counts, access_log) = (Counts::default(), access_log::Writer::default());
        let tls = options.tls.clone().map(ArcSwap::from_pointee);
        Self { options, dispatcher, stats, counts, access_log, policy, limits, tls, unmirrored, started, state }
    }

    /// The state, locked; nobody panics while holding it, and if so the values are still whole.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    pub(crate) fn status(&self) -> Status {
        Status::of(self.lifecycle, self.dependencies.values().map(|check| check.status))
    }
}
