//! All breakers: seen, steered by operators, and kept to the configuration.
//!
//! An instance's breaker ends with it, so that a new generation is judged by what it does itself. What an operator
//! forced stays with the service: it is the service that he does not want called, or wants called in any case.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use switchyard_core::{breaker::Stance, name::ServiceName};
use tokio::{sync::broadcast, time::Instant};

use crate::{
    breaker::{BreakerChange, BreakerPolicy, BreakerView},
    dispatcher::Dispatcher,
    service::{Service, Snapshot},
};

/// Transitions that wait for a listener; one that is slower misses the oldest.
const WAITING_MAX: usize = 1_024;

/// What an operator can do with a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerAction {
    /// Refuse all calls.
    Open,
    /// Let all calls through, whatever becomes of them.
    Close,
    /// Let all calls through, and say when it would have opened.
    Measure,
    /// Take back what was forced, and begin anew.
    Reset,
}

/// What holds for the breakers of instances to come.
pub(crate) struct Breakers {
    rules: Mutex<Rules>,
    listeners: broadcast::Sender<BreakerChange>,
}

#[derive(Default)]
struct Rules {
    policy: BreakerPolicy,
    /// What operators forced.
    forced: BTreeMap<ServiceName, Stance>,
}

// === impl Breakers ===

impl Breakers {
    pub(crate) fn new() -> Self {
        Self { rules: Mutex::default(), listeners: broadcast::Sender::new(WAITING_MAX) }
    }

    /// Has the rules applied to a snapshot's instances before `publish` makes it the live one: no rule may change in
    /// between.
    pub(crate) fn adopt(&self, snapshot: Snapshot, publish: impl FnOnce(Snapshot)) {
        let rules = self.rules();
        snapshot.services.values().for_each(|service| self.apply(&rules, service));
        publish(snapshot);
    }

    fn apply(&self, rules: &Rules, service: &Service) {
        let config = rules.policy.of(service.name()).config;
        service.instance.breaker.adopt(&self.listeners, config, rules.stance(service.name()));
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Rules ===

impl Rules {
    fn stance(&self, service: &ServiceName) -> Stance {
        let configured = || self.policy.of(service).mode.stance();
        self.forced.get(service).copied().unwrap_or_else(configured)
    }
}

// === impl Dispatcher ===

impl Dispatcher {
    /// The breakers of everything that is live, by service.
    pub fn breakers(&self) -> Vec<BreakerView> {
        self.snapshot().services.values().map(|service| service.instance.breaker.view()).collect()
    }

    /// Goes by this configuration from now on. No breaker loses what it has counted, or its state, unless the mode of
    /// its service has changed.
    pub fn set_breaker_policy(&self, policy: BreakerPolicy) {
        let mut rules = self.breakers.rules();
        rules.policy = policy;
        self.snapshot().services.values().for_each(|service| self.breakers.apply(&rules, service));
    }

    /// Does what an operator wants with a breaker, by its id or its service's name; none when there is no such. What is
    /// forced holds until it is reset, also for new generations of the service, and while this process lives.
    pub fn operate_breaker(&self, id: &str, action: BreakerAction) -> Option<BreakerView> {
        let mut rules = self.breakers.rules();
        let service = self.service_of_breaker(id)?;
        let (name, breaker) = (service.name(), &service.instance.breaker);
        let stance = match action {
            BreakerAction::Open => Stance::ForcedOpen,
            BreakerAction::Close => Stance::ForcedClosed,
            BreakerAction::Measure => Stance::Measuring,
            BreakerAction::Reset => {
                rules.forced.remove(name);
                breaker.reset(rules.stance(name));
                return Some(breaker.view());
            }
        };
        rules.forced.insert(name.clone(), stance);
        breaker.stand(stance);
        Some(breaker.view())
    }

    /// Has breakers move whose time has come, also when nobody calls, and answers when the next one's comes.
    pub fn poll_breakers(&self) -> Option<Instant> {
        self.snapshot().services.values().filter_map(|service| service.instance.breaker.poll()).min()
    }

    /// Each move of a breaker from now on, in order.
    pub fn breaker_changes(&self) -> broadcast::Receiver<BreakerChange> {
        self.breakers.listeners.subscribe()
    }

    fn service_of_breaker(&self, id: &str) -> Option<Arc<Service>> {
        let snapshot = self.snapshot();
        let by_name = id.parse::<ServiceName>().ok().and_then(|name| snapshot.services.get(&name));
        // A service may be called as another one's instance: ids are looked for first.
        let by_id = snapshot.services.values().find(|service| service.instance.breaker.id() == id);
        by_id.or(by_name).cloned()
    }
}
