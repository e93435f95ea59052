//! Asks upstreams how they are, each in a rhythm of its own: one that does not answer holds nobody up.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use switchyard_core::health::{Check, Checker};
use switchyard_dispatch::{Dispatcher, Instance, Snapshot};
use tokio::{
    sync::{Semaphore, watch},
    task::AbortHandle,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::retuned;
use crate::config::Config;

/// How many upstreams are asked at the same time.
const PROBES_MAX: usize = 64;

/// What is known of the upstreams that are asked.
pub(crate) struct Probed {
    /// The latest check of each, by its id.
    checks: Mutex<HashMap<String, Check>>,
    /// Rises when something else is believed of one of them.
    changes: watch::Sender<u64>,
}

/// Asks; see the module.
pub(crate) struct Prober {
    dispatcher: Arc<Dispatcher>,
    config: watch::Receiver<Arc<Config>>,
    probed: Arc<Probed>,
    places: Arc<Semaphore>,
    running: HashMap<String, Running>,
}

/// An upstream that is asked, until this is dropped.
struct Running {
    instance: Arc<Instance>,
    task: AbortHandle,
}

// === impl Probed ===

impl Probed {
    /// Nobody has been asked.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { checks: Mutex::default(), changes: watch::channel(0).0 })
    }

    /// The latest check of the upstream with this id.
    pub(crate) fn check(&self, id: &str) -> Option<Check> {
        self.checks().get(id).cloned()
    }

    /// Changes whenever something else is believed of an upstream.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn record(&self, id: &str, check: Check) {
        self.checks().insert(id.to_owned(), check);
    }

    fn forget(&self, id: &str) {
        self.checks().remove(id);
    }

    /// Nobody panics while holding it, and if so its checks are whole.
    fn checks(&self) -> MutexGuard<'_, HashMap<String, Check>> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Prober ===

impl Prober {
    /// Ready to [`run`](Self::run).
    pub(crate) fn new(dispatcher: Arc<Dispatcher>, config: watch::Receiver<Arc<Config>>, probed: Arc<Probed>) -> Self {
        Self { dispatcher, config, probed, places: Arc::new(Semaphore::new(PROBES_MAX)), running: HashMap::new() }
    }

    /// Asks every upstream that is live and says where, until `stop` is cancelled.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut published = self.dispatcher.changes();
        loop {
            published.mark_unchanged();
            self.follow(&self.dispatcher.snapshot());
            tokio::select! {
                () = stop.cancelled() => return,
                more = published.changed() => if more.is_err() { return },
            }
        }
    }

    /// Begins with those that are new, and lets go of those that are gone.
    fn follow(&mut self, snapshot: &Snapshot) {
        let mut wanted: HashMap<&str, &Arc<Instance>> = HashMap::new();
        for instance in snapshot.services.values().flat_map(|service| service.upstreams.iter()) {
            if instance.upstream().is_some_and(|upstream| upstream.health.is_some()) {
                wanted.insert(instance.id(), instance);
            }
        }
        let probed = Arc::clone(&self.probed);
        self.running.retain(|id, running| {
            let stays = wanted.get(id.as_str()).is_some_and(|instance| Arc::ptr_eq(instance, &running.instance));
            if !stays {
                probed.forget(id);
            }
            stays
        });
        for (id, instance) in wanted {
            if !self.running.contains_key(id) {
                let running = self.begin(Arc::clone(instance));
                self.running.insert(id.to_owned(), running);
            }
        }
    }

    fn begin(&self, instance: Arc<Instance>) -> Running {
        let (dispatcher, config) = (Arc::clone(&self.dispatcher), self.config.clone());
        let (probed, places) = (Arc::clone(&self.probed), Arc::clone(&self.places));
        let task = tokio::spawn(probe(dispatcher, config, probed, places, Arc::clone(&instance))).abort_handle();
        Running { instance, task }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn probe(
    dispatcher: Arc<Dispatcher>,
    mut config: watch::Receiver<Arc<Config>>,
    probed: Arc<Probed>,
    places: Arc<Semaphore>,
    instance: Arc<Instance>,
) {
    let mut how = config.borrow_and_update().health;
    let mut checker = Checker::new(how.thresholds);
    loop {
        let due = Instant::now() + how.period;
        let result = {
            let _place = places.acquire().await;
            let began = Instant::now();
            let result = dispatcher.probe(&instance, began + how.timeout).await;
            result.map(|()| began.elapsed()).map_err(|error| (began.elapsed(), error))
        };
        let (took, error) = match result {
            Ok(took) => (took, None),
            Err((took, error)) => (took, Some(error)),
        };
        let moved = checker.record(error.is_none());
        let status = checker.status();
        instance.set_health(status);
        if let Some(change) = moved {
            tracing::info!(id = instance.id(), from = ?change.from, to = ?change.to, error, "health has changed");
        }
        probed.record(instance.id(), Check::of(status, SystemTime::now().into(), took, error));
        if moved.is_some() {
            probed.changes.send_modify(|changes| *changes += 1);
        }
        // Other checks do not wait for the end of a long period.
        let newer = config.wait_for(|config| config.health != how);
        match tokio::time::timeout_at(due, newer).await {
            Err(_) => {}
            Ok(Ok(config)) => {
                how = config.health;
                checker = retuned(&checker, how.thresholds);
            }
            // Nobody tells of configurations any more: the host stops.
            Ok(Err(_)) => return,
        }
    }
}
