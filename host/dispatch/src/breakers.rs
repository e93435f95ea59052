//! All breakers: seen, steered by operators, and kept to the configuration.
//!
//! An instance's breaker ends with it, so that a new generation is judged by what it does itself. What an operator
//! forced stays with the service's plugin, or with the upstream's id: it is the plugin of whatever generation that he
//! does not want called, or wants called in any case. A version beside the main one does as that is told, unless it was
//! told something itself: otherwise a service that was shut off would be called by way of its newest version.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use switchyard_core::{
    breaker::{Stance, State},
    name::ServiceName,
};
use tokio::{sync::broadcast, time::Instant};

use crate::{
    breaker::{BreakerChange, BreakerPolicy, BreakerView, Listeners},
    dispatcher::Dispatcher,
    instance::{Instance, Target},
    service::Service,
    snapshot::Snapshot,
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
    listeners: Listeners,
}

#[derive(Default)]
struct Rules {
    policy: BreakerPolicy,
    /// What operators forced.
    forced: BTreeMap<Forced, Stance>,
}

/// What an operator can force.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Forced {
    /// The plugin of a service, in all its generations.
    Plugin(ServiceName),
    /// The upstream, or the version beside the main one, with this id.
    Instance(String),
}

// === impl Breakers ===

impl Breakers {
    pub(crate) fn new() -> Self {
        Self { rules: Mutex::default(), listeners: Listeners::new(WAITING_MAX) }
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
        for instance in service.every_instance() {
            instance.breaker.adopt(&self.listeners, config, rules.stance(service, instance));
        }
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Rules ===

impl Rules {
    fn stance(&self, service: &Service, instance: &Instance) -> Stance {
        let configured = || self.policy.of(service.name()).mode.stance();
        let of_main =
            || self.forced.get(&Forced::Plugin(service.name().clone())).filter(|_| instance.plugin().is_some());
        self.forced.get(&Forced::of(service, instance)).or_else(of_main).copied().unwrap_or_else(configured)
    }

    fn operate(&mut self, service: &Service, instance: &Instance, action: BreakerAction) {
        let forced = Forced::of(service, instance);
        let stance = match action {
            BreakerAction::Open => Stance::ForcedOpen,
            BreakerAction::Close => Stance::ForcedClosed,
            BreakerAction::Measure => Stance::Measuring,
            BreakerAction::Reset => {
                self.forced.remove(&forced);
                return instance.breaker.reset(self.stance(service, instance));
            }
        };
        self.forced.insert(forced, stance);
        instance.breaker.stand(stance);
    }
}

// === impl Forced ===

impl Forced {
    fn of(service: &Service, instance: &Instance) -> Self {
        let is_main = service.local.as_ref().is_some_and(|main| std::ptr::eq(&**main, instance));
        match instance.target() {
            Target::Plugin(_) if is_main => Self::Plugin(service.name().clone()),
            Target::Plugin(_) | Target::Upstream(_) => Self::Instance(instance.id().to_owned()),
        }
    }
}

// === impl Dispatcher ===

impl Dispatcher {
    /// The breakers of everything that is live, by service.
    pub fn breakers(&self) -> Vec<BreakerView> {
        self.snapshot()
            .services
            .values()
            .flat_map(|service| service.every_instance())
            .map(|one| one.breaker.view())
            .collect()
    }

    /// Goes by this configuration from now on. No breaker loses what it has counted, or its state, unless the mode of
    /// its service has changed.
    pub fn set_breaker_policy(&self, policy: BreakerPolicy) {
        let mut rules = self.breakers.rules();
        rules.policy = policy;
        self.snapshot().services.values().for_each(|service| self.breakers.apply(&rules, service));
    }

    /// Does what an operator wants with a breaker, by its id, or with all of a service, by its name, and answers the
    /// first; none when there is no such. What is forced holds until it is reset, also for new generations of a plugin,
    /// and while this process lives.
    pub fn operate_breaker(&self, id: &str, action: BreakerAction) -> Option<BreakerView> {
        let mut rules = self.breakers.rules();
        let snapshot = self.snapshot();
        let services = snapshot.services.values();
        let mut instances = services.flat_map(|service| service.every_instance().map(move |one| (service, one)));
        // A service may be called as an instance of another one: ids are looked for first.
        let (service, instance) = match instances.find(|(_, instance)| instance.id() == id) {
            Some((service, instance)) => {
                rules.operate(service, instance, action);
                (service, instance)
            }
            None => {
                let service = snapshot.services.get(&id.parse::<ServiceName>().ok()?)?;
                service.every_instance().for_each(|instance| rules.operate(service, instance, action));
                (service, service.every_instance().next()?)
            }
        };
        // What the main version is told is told to those beside it.
        self.breakers.apply(&rules, service);
        Some(instance.breaker.view())
    }

    /// Has breakers move whose time has come, also when nobody calls, and answers when the next one's comes.
    pub fn poll_breakers(&self) -> Option<Instant> {
        let snapshot = self.snapshot();
        let instances = snapshot.services.values().flat_map(|service| service.every_instance());
        instances.filter_map(|instance| instance.breaker.poll()).min()
    }

    /// How often breakers of each service have come to stand where, since the host started.
    pub fn breaker_moves(&self) -> Vec<((ServiceName, State), u64)> {
        self.breakers.listeners.moves()
    }

    /// Each move of a breaker from now on, in order.
    pub fn breaker_changes(&self) -> broadcast::Receiver<BreakerChange> {
        self.breakers.listeners.subscribe()
    }
}
