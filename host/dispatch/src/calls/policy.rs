//! What the configuration says of calls.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::HeaderName;
use switchyard_core::{
    balance, health,
    name::ServiceName,
    retry::{self, BudgetConfig},
};

use crate::{dispatcher::Dispatcher, service::Service, snapshot::Snapshot};

/// The settings of all services.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallPolicy {
    /// Of services that are not named.
    pub default: CallSettings,
    /// Of those that are.
    pub services: BTreeMap<ServiceName, CallSettings>,
}

/// The settings of one service.
#[derive(Clone, Debug, PartialEq)]
pub struct CallSettings {
    /// How one of its instances is chosen.
    pub balancer: balance::Config,
    /// The header that leads requests with the same value to the same instance, with the balancer `consistent-hash`;
    /// none means the client's address.
    pub hash_header: Option<HeaderName>,
    /// How calls are repeated.
    pub retry: retry::Policy,
    /// How many of all calls may be.
    pub budget: BudgetConfig,
    /// When it is worth coming back if no instance is healthy: the period of health checks. Default 10 s.
    pub health_period: Duration,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self {
            balancer: balance::Config::default(),
            hash_header: None,
            retry: retry::Policy::default(),
            budget: BudgetConfig::default(),
            health_period: health::Config::default().period,
        }
    }
}

/// The settings that hold, each of them once.
pub(crate) struct Policies(Mutex<Shared>);

struct Shared {
    default: Arc<CallSettings>,
    services: BTreeMap<ServiceName, Arc<CallSettings>>,
}

/// Those of a service that nobody has published yet.
pub(super) fn default_settings() -> Arc<CallSettings> {
    static DEFAULT: LazyLock<Arc<CallSettings>> = LazyLock::new(Arc::default);
    Arc::clone(&DEFAULT)
}

// === impl Policies ===

impl Policies {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Shared { default: default_settings(), services: BTreeMap::new() }))
    }

    /// Has the settings applied to a snapshot's services before `publish` makes it the live one.
    pub(crate) fn adopt(&self, snapshot: Snapshot, publish: impl FnOnce(Snapshot)) {
        let shared = self.lock();
        snapshot.services.values().for_each(|service| shared.apply(service));
        publish(snapshot);
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Shared ===

impl Shared {
    fn apply(&self, service: &Service) {
        service.calls.configure(self.services.get(service.name()).unwrap_or(&self.default));
    }
}

// === impl Dispatcher ===

impl Dispatcher {
    /// Goes by this configuration from now on; calls under way finish by the one that they began with.
    pub fn set_call_policy(&self, policy: CallPolicy) {
        let CallPolicy { default, services } = policy;
        let services = services.into_iter().map(|(name, settings)| (name, Arc::new(settings))).collect();
        let mut shared = self.policies.lock();
        *shared = Shared { default: Arc::new(default), services };
        self.snapshot().services.values().for_each(|service| shared.apply(service));
    }
}
