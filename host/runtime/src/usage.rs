//! What the guests of each service do and take, counted over all generations and versions of it.
//!
//! A call costs two looks at the clock and a few relaxed atomic operations; what instances hold is counted where it is
//! limited anyway.

mod calls;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use switchyard_core::{
    histogram::{Distribution, Histogram, SHORT},
    name::ServiceName,
};

pub(crate) use self::calls::{CallRole, Counting};
use self::calls::{OUTCOMES, ROLES};

/// The counters of one service.
#[derive(Debug)]
pub(crate) struct Usage {
    calls: [[AtomicU64; OUTCOMES.len()]; ROLES.len()],
    durations: Histogram,
    cpu_ns: AtomicU64,
    memory: AtomicU64,
    guests: AtomicU64,
}

/// The counters of all services that there are.
#[derive(Debug, Default)]
pub(crate) struct Usages(Mutex<HashMap<ServiceName, Arc<Usage>>>);

/// What the guests of a service do and take.
#[derive(Clone, Debug)]
pub struct UsageView {
    /// The service.
    pub service: ServiceName,
    /// Calls that have ended: in which role, how, and how many. Those of which there are none are left out.
    pub calls: Vec<(&'static str, &'static str, u64)>,
    /// How long they took, from when somebody wanted them; of HTTP to the head of the response.
    pub durations: Distribution,
    /// CPU time that its guests have used.
    pub cpu: Duration,
    /// Bytes in linear memories of its instances now.
    pub memory: u64,
    /// Its instances now, those that wait for a call too.
    pub guests: u64,
}

// === impl Usage ===

impl Default for Usage {
    fn default() -> Self {
        Self {
            calls: [const { [const { AtomicU64::new(0) }; OUTCOMES.len()] }; ROLES.len()],
            durations: Histogram::new(&SHORT),
            cpu_ns: AtomicU64::new(0),
            memory: AtomicU64::new(0),
            guests: AtomicU64::new(0),
        }
    }
}

impl Usage {
    /// A guest has computed for so long.
    pub(crate) fn computed(&self, ns: u64) {
        self.cpu_ns.fetch_add(ns, Relaxed);
    }

    /// There is another instance.
    pub(crate) fn came(&self) {
        self.guests.fetch_add(1, Relaxed);
    }

    /// The memories of an instance have grown by so many bytes.
    pub(crate) fn grew(&self, bytes: u64) {
        self.memory.fetch_add(bytes, Relaxed);
    }

    /// An instance with memories of so many bytes is gone.
    pub(crate) fn left(&self, bytes: u64) {
        self.guests.fetch_sub(1, Relaxed);
        self.memory.fetch_sub(bytes, Relaxed);
    }

    /// Bytes in linear memories of its instances now.
    pub(crate) fn memory(&self) -> u64 {
        self.memory.load(Relaxed)
    }

    fn view(&self, service: &ServiceName) -> UsageView {
        let calls = ROLES.into_iter().zip(&self.calls).flat_map(|(role, outcomes)| {
            OUTCOMES.into_iter().zip(outcomes).map(move |(outcome, count)| (role, outcome, count.load(Relaxed)))
        });
        UsageView {
            service: service.clone(),
            calls: calls.filter(|(.., count)| *count > 0).collect(),
            durations: self.durations.read(),
            cpu: Duration::from_nanos(self.cpu_ns.load(Relaxed)),
            memory: self.memory(),
            guests: self.guests.load(Relaxed),
        }
    }
}

// === impl Usages ===

impl Usages {
    /// The counters of a service. Those of services that have no plugin any more are forgotten.
    pub(crate) fn of(&self, service: &ServiceName) -> Arc<Usage> {
        let mut all = self.lock();
        all.retain(|_, usage| Arc::strong_count(usage) > 1);
        Arc::clone(all.entry(service.clone()).or_default())
    }

    /// All of them.
    pub(crate) fn views(&self) -> Vec<UsageView> {
        self.lock().iter().map(|(service, usage)| usage.view(service)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ServiceName, Arc<Usage>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::GuestError;

    #[test]
    fn a_call_is_counted_by_how_it_ended_also_when_nobody_waits_for_it_any_more() {
        let usages = Usages::default();
        let service: ServiceName = "shop".parse().unwrap();
        let usage = usages.of(&service);
        let began = tokio::time::Instant::now();
        let count = || Counting::begin(&usage, CallRole::Http, began);
        count().end(&Ok(()));
        count().end::<()>(&Err(GuestError::TimedOut { service: service.clone(), after: Duration::ZERO }));
        drop(count());
        let view = &usages.views()[0];
        assert_eq!(view.calls, [("http", "ok", 1), ("http", "timeout", 1), ("http", "cancelled", 1)]);
        assert_eq!(view.durations.count(), 3);
    }

    #[test]
    fn a_service_counts_on_for_as_long_as_one_of_its_generations_is_there() {
        let usages = Usages::default();
        let (a, b): (ServiceName, ServiceName) = ("a".parse().unwrap(), "b".parse().unwrap());
        let first = usages.of(&a);
        first.computed(7);
        let second = usages.of(&a);
        drop(first);
        assert_eq!(usages.of(&a).view(&a).cpu, Duration::from_nanos(7));
        drop(second);
        let _b = usages.of(&b);
        assert_eq!(usages.views().len(), 1);
    }
}
