//! Something that can answer for a service, and what is known of it.

mod health;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use switchyard_core::{
    balance::{self, Candidate, Ewma},
    health::CheckStatus,
    name::{Generation, ServiceName},
    timestamp::Timestamp,
    upstream::Upstream,
};
use switchyard_runtime::Plugin;
use tokio::sync::Notify;

use self::health::Health;
use crate::{
    breaker::Breaker,
    clock,
    meter::Meter,
    upstream::{InvalidTls, UpstreamClient},
};

/// One local plugin generation, or one upstream, that answers for a service. It lives on from one snapshot to the next,
/// and everything that is counted about it with it.
pub struct Instance {
    id: Arc<str>,
    /// The id as balancers know it.
    identity: u64,
    target: Target,
    /// Fresh and closed: a new generation is judged by what it does itself.
    pub(crate) breaker: Breaker,
    health: Health,
    /// When it was known to live last, in ms since 1970; 0 means never.
    seen: AtomicU64,
    /// How long its answers take, as [`Ewma::to_bits`] has it. Kept only where somebody chooses by it.
    latency: AtomicU64,
    /// What is counted of its requests, when it is an upstream.
    pub(crate) meter: Meter,
    in_flight: AtomicUsize,
    drained: Notify,
}

/// What answers.
pub enum Target {
    /// A plugin of this host.
    Plugin(Arc<Plugin>),
    /// A server outside.
    Upstream(Arc<UpstreamClient>),
}

/// Counts one call until it, and its response's body, have ended.
pub(crate) struct InFlight(Arc<Instance>);

// === impl Instance ===

impl Instance {
    /// An instance of this plugin. Its id is SERVICE-GENERATION, and never used twice while the host runs.
    pub fn new(plugin: Arc<Plugin>) -> Arc<Self> {
        let id = format!("{}-{}", plugin.service(), plugin.generation());
        let service = plugin.service().clone();
        Self::of_target(id.into(), service, Target::Plugin(plugin))
    }

    /// An instance of this upstream, by its own id. Nothing is connected before it is called.
    ///
    /// # Errors
    /// When what it says about TLS cannot be followed.
    pub fn of_upstream(upstream: Arc<Upstream>) -> Result<Arc<Self>, InvalidTls> {
        let (id, service) = (upstream.id.as_str().into(), upstream.name.clone());
        let client = UpstreamClient::new(upstream)?;
        Ok(Self::of_target(id, service, Target::Upstream(Arc::new(client))))
    }

    fn of_target(id: Arc<str>, service: ServiceName, target: Target) -> Arc<Self> {
        Arc::new(Self {
            identity: balance::hash(id.as_bytes()),
            breaker: Breaker::new(service, Arc::clone(&id)),
            id,
            target,
            health: Health::new(clock::now()),
            seen: AtomicU64::new(0),
            latency: AtomicU64::new(Ewma::default().to_bits()),
            meter: Meter::default(),
            in_flight: AtomicUsize::new(0),
            drained: Notify::new(),
        })
    }

    /// Its id, which is also its breaker's.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What answers.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The plugin that answers, when it is one.
    pub fn plugin(&self) -> Option<&Arc<Plugin>> {
        match &self.target {
            Target::Plugin(plugin) => Some(plugin),
            Target::Upstream(_) => None,
        }
    }

    /// The upstream that answers, when it is one.
    pub fn upstream(&self) -> Option<&Arc<Upstream>> {
        match &self.target {
            Target::Plugin(_) => None,
            Target::Upstream(client) => Some(client.upstream()),
        }
    }

    /// Which activation it is, when it is a plugin.
    pub fn generation(&self) -> Option<Generation> {
        self.plugin().map(|plugin| plugin.generation())
    }

    /// Whether its breaker is open, so that no call reaches it.
    pub fn is_refusing(&self) -> bool {
        self.breaker.is_open()
    }

    /// Whether a call would be let through; a half-open breaker is asked only while nothing is under way, as it may have
    /// all the probes that it wants.
    pub(crate) fn takes_call(&self) -> bool {
        self.breaker.is_closed() || (self.in_flight() == 0 && !self.is_refusing())
    }

    /// What its health checks say.
    pub fn health(&self) -> CheckStatus {
        self.health.status()
    }

    /// Says what its health checks say, after each of them or when that changes.
    pub fn set_health(&self, status: CheckStatus) {
        self.health.set(status, clock::now());
        if status == CheckStatus::Healthy {
            self.note_alive();
        }
    }

    /// Notes that it has shown that it lives.
    pub fn note_alive(&self) {
        self.seen.store(Timestamp::from(SystemTime::now()).0, Ordering::Relaxed);
    }

    /// When a check or a heartbeat last said that it lives; none when there are neither.
    pub fn last_seen(&self) -> Option<Timestamp> {
        Some(self.seen.load(Ordering::Relaxed)).filter(|seen| *seen > 0).map(Timestamp)
    }

    /// How many calls, with their responses' bodies, are under way.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Acquire)
    }

    /// Resolves when no call is under way. Meaningful once no snapshot names it any more.
    pub async fn drained(&self) {
        loop {
            let notified = self.drained.notified();
            if self.in_flight() == 0 {
                return;
            }
            notified.await;
        }
    }

    /// What was counted of its requests; nothing, when it is a plugin.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Its share beside others of the service.
    pub fn weight(&self) -> u32 {
        self.upstream().map_or(1, |upstream| upstream.weight)
    }

    pub(crate) fn enter(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        InFlight(self.clone())
    }

    /// As a balancer sees it.
    pub(crate) fn candidate(&self, now: Duration, is_tried: bool) -> Candidate {
        let (status, since) = self.health.read();
        let is_healthy = status != CheckStatus::Unhealthy;
        Candidate {
            identity: self.identity,
            is_local: matches!(self.target, Target::Plugin(_)),
            weight: self.weight(),
            in_flight: self.in_flight(),
            latency: Ewma::from_bits(self.latency.load(Ordering::Relaxed)).read(now),
            is_healthy,
            is_refusing: self.is_refusing(),
            healthy_for: is_healthy.then(|| now.saturating_sub(since)),
            is_tried,
        }
    }

    /// Takes in how long an answer took, or how long it was until there was none.
    pub(crate) fn record_latency(&self, now: Duration, latency: Duration, has_failed: bool) {
        let recorded = |bits| {
            let known = Ewma::from_bits(bits);
            let new = if has_failed { known.record_failure(now, latency) } else { known.record(now, latency) };
            Some(new.to_bits())
        };
        // It is never refused; a value that another thread put there meanwhile is taken into account.
        let _ = self.latency.fetch_update(Ordering::Relaxed, Ordering::Relaxed, recorded);
    }
}

// === impl InFlight ===

impl InFlight {
    pub(crate) fn instance(&self) -> &Instance {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.0.in_flight.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.drained.notify_waiters();
        }
    }
}
