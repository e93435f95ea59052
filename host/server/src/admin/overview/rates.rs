//! Looks at the counters once a second, so that what is shown are rates of the moment, and the latest five minutes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use switchyard_core::{name::ServiceName, timestamp::Timestamp};
use switchyard_dispatch::{Callee, Dispatcher, Snapshot};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::window::{Delta, Figures, Reading, STEP, Window};

/// The time between two looks.
pub(super) const PERIOD: Duration = Duration::from_secs(1);

/// The most services, and the most upstreams, that figures are kept of; the others, by name, show none.
pub(super) const THINGS_MAX: usize = 1_000;

/// The figures of everything.
#[derive(Default)]
pub(crate) struct Rates {
    seen: Mutex<Seen>,
}

/// What was seen at the latest look.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) gateway: Window,
    pub(super) services: BTreeMap<ServiceName, Window>,
    /// What of their calls came from the gateway.
    pub(super) from_gateway: BTreeMap<ServiceName, Window>,
    /// By the instance's id.
    pub(super) upstreams: BTreeMap<String, Window>,
    pub(super) edges: BTreeMap<(ServiceName, Callee), Window>,
    /// When the newest point of the charts ended.
    pub(super) latest_point: Option<Timestamp>,
    looks: usize,
}

// === impl Rates ===

impl Rates {
    /// Looks until `stop` is cancelled.
    pub(crate) async fn run(
        self: Arc<Self>,
        dispatcher: Arc<Dispatcher>,
        gateway: switchyard_gateway::Handle,
        stop: CancellationToken,
    ) {
        let mut period = interval(PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut before = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                now = period.tick() => {
                    self.look(&dispatcher, gateway.tally().into(), now.duration_since(before), SystemTime::now());
                    before = now;
                }
            }
        }
    }

    /// Looks once, so long after the look before.
    pub(super) fn look(&self, dispatcher: &Dispatcher, gateway: Reading, took: Duration, at: SystemTime) {
        // Edges first: a call between services is then never among the service's own and not yet among theirs.
        let edges = dispatcher.edges();
        let snapshot = dispatcher.snapshot();
        let mut seen = self.seen();
        seen.looks += 1;
        let is_point = seen.looks.is_multiple_of(STEP);
        if is_point {
            seen.latest_point = Some(at.into());
        }
        seen.gateway.look(gateway, took, is_point);
        let mut known = std::mem::take(&mut seen.edges);
        let mut inward = BTreeMap::<Arc<str>, (u64, u64)>::new();
        for edge in edges {
            let key = (edge.caller, edge.callee);
            let mut window = known.remove(&key).unwrap_or_default();
            let reading = Reading { calls: edge.calls, failures: edge.failures, buckets: None };
            let delta = window.look(reading, took, is_point);
            if let Callee::Service(callee) = &key.1 {
                let sum = inward.entry(Arc::clone(callee)).or_default();
                *sum = (sum.0 + delta.calls, sum.1 + delta.failures);
            }
            seen.edges.insert(key, window);
        }
        seen.services(&snapshot, &inward, took, is_point);
        seen.upstreams(dispatcher, &snapshot, took, is_point);
    }

    /// What was seen. Nobody panics while holding it, and if so the figures are whole enough to be shown.
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Seen ===

impl Seen {
    /// `inward` are the calls of each service that came from other services.
    fn services(
        &mut self,
        snapshot: &Snapshot,
        inward: &BTreeMap<Arc<str>, (u64, u64)>,
        took: Duration,
        is_point: bool,
    ) {
        let mut known = std::mem::take(&mut self.services);
        let mut from_gateway = std::mem::take(&mut self.from_gateway);
        for (name, service) in snapshot.services.iter().take(THINGS_MAX) {
            let mut window = known.remove(name).unwrap_or_default();
            let delta: Delta = window.look(service.stats.tally().into(), took, is_point);
            self.services.insert(name.clone(), window);
            let mut window = from_gateway.remove(name).unwrap_or_default();
            window.push(delta.without(inward.get(name.as_str()).copied().unwrap_or_default()), is_point);
            self.from_gateway.insert(name.clone(), window);
        }
    }

    /// Those of upstreams are what their breakers have counted, without what those refused.
    fn upstreams(&mut self, dispatcher: &Dispatcher, snapshot: &Snapshot, took: Duration, is_point: bool) {
        let mut known = std::mem::take(&mut self.upstreams);
        if snapshot.services.values().all(|service| service.upstreams.is_empty()) {
            return;
        }
        let breakers: BTreeMap<String, _> =
            dispatcher.breakers().into_iter().map(|one| (one.id, one.metrics)).collect();
        let upstreams = snapshot.services.values().flat_map(|service| service.upstreams.iter());
        for upstream in upstreams.take(THINGS_MAX) {
            let Some(metrics) = breakers.get(upstream.id()) else { continue };
            let calls = metrics.requests.saturating_sub(metrics.rejected);
            let mut window = known.remove(upstream.id()).unwrap_or_default();
            window.look(Reading { calls, failures: metrics.failures, buckets: None }, took, is_point);
            self.upstreams.insert(upstream.id().to_owned(), window);
        }
    }

    /// The figures of a service at the moment.
    pub(super) fn of_service(&self, name: &ServiceName) -> Figures {
        self.services.get(name).map(Window::now).unwrap_or_default()
    }
}
