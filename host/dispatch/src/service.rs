//! What can be called: services, their instances, and the snapshot of all of them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use switchyard_core::{
    health::{Check, CheckStatus},
    manifest::Manifest,
    name::{Generation, ServiceName},
    route::RouteTable,
};
use switchyard_runtime::Plugin;
use tokio::sync::Notify;

use crate::breaker::Breaker;

/// Everything a request is decided by.
#[derive(Default)]
pub struct Snapshot {
    /// Which service answers which path.
    pub routes: RouteTable<RouteTarget>,
    /// The services by name.
    pub services: BTreeMap<ServiceName, Arc<Service>>,
}

/// Where a route leads.
#[derive(Clone)]
pub struct RouteTarget {
    /// The service.
    pub service: Arc<Service>,
    /// What is cut off the front of the path.
    pub strip_prefix: Option<Arc<str>>,
    /// Time until the response's head, when other than the gateway's.
    pub timeout: Option<Duration>,
}

/// A service that is live.
pub struct Service {
    /// What it says it is.
    pub manifest: Arc<Manifest>,
    /// What answers for it.
    pub instance: Arc<Instance>,
    /// When its name was first registered in this process; it survives new generations.
    pub registered_at: SystemTime,
}

/// One local plugin generation that answers for a service.
pub struct Instance {
    plugin: Arc<Plugin>,
    /// Fresh and closed: a new generation is judged by what it does itself.
    pub(crate) breaker: Breaker,
    in_flight: AtomicUsize,
    drained: Notify,
}

/// Counts one call until it, and its response's body, have ended.
pub(crate) struct InFlight(Arc<Instance>);

// === impl Service ===

impl Service {
    /// Its name.
    pub fn name(&self) -> &ServiceName {
        &self.manifest.name
    }

    /// How it is, given the latest check of its health path: well while it is active, its breaker is not open, and its
    /// health path, if it has one, answers.
    pub fn health(&self, check: Option<&Check>) -> CheckStatus {
        match &self.manifest.health {
            _ if self.instance.is_refusing() => CheckStatus::Unhealthy,
            None => CheckStatus::Healthy,
            Some(_) => check.map_or(CheckStatus::Unknown, |check| check.status),
        }
    }
}

// === impl Instance ===

impl Instance {
    /// An instance of this plugin.
    pub fn new(plugin: Arc<Plugin>) -> Arc<Self> {
        let breaker = Breaker::new(plugin.service().clone(), plugin.generation());
        Arc::new(Self { plugin, breaker, in_flight: AtomicUsize::new(0), drained: Notify::new() })
    }

    /// The plugin that answers.
    pub fn plugin(&self) -> &Arc<Plugin> {
        &self.plugin
    }

    /// Its generation.
    pub fn generation(&self) -> Generation {
        self.plugin.generation()
    }

    /// Whether its breaker is open, so that no call reaches it.
    pub fn is_refusing(&self) -> bool {
        self.breaker.is_open()
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

    pub(crate) fn enter(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        InFlight(self.clone())
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
