//! What all calls of one service share, whatever instance takes them: how they are balanced and repeated.

mod attempt;
mod balanced;
mod choose;
mod held;
mod policy;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use arc_swap::ArcSwap;
use switchyard_core::{
    balance::{Balancer, Candidate, Pick},
    retry,
};

pub use self::policy::{CallPolicy, CallSettings};
pub(crate) use self::{balanced::call as balanced, held::Held, policy::Policies};
use crate::clock;

/// What holds for one call only.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallOptions<'a> {
    /// How it is repeated; none means as the service's calls are.
    pub retry: Option<&'a retry::Policy>,
    /// What should lead to the same instance again, as [`hash`](switchyard_core::balance::hash) has it, where the
    /// balancer minds that and the request does not have the header that it goes by. Usually the client's address.
    pub affinity: Option<u64>,
}

/// What the calls of a service share. It is handed on from one snapshot to the next.
pub(crate) struct Calls {
    settings: ArcSwap<CallSettings>,
    /// Made when there is more than one instance to choose from.
    balancer: Mutex<Balancer>,
    budget: Mutex<retry::Budget>,
    /// Attempts beyond the first of their call.
    repeated: AtomicU64,
    /// Attempts that the budget did not allow.
    refused: AtomicU64,
}

/// How often calls of a service were repeated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetryCounts {
    /// Attempts beyond the first of their call.
    pub repeated: u64,
    /// Attempts that were wanted, and that the budget did not allow.
    pub refused: u64,
}

// === impl Calls ===

impl Default for Calls {
    fn default() -> Self {
        Self {
            settings: ArcSwap::from(policy::default_settings()),
            balancer: Mutex::default(),
            budget: Mutex::new(retry::Budget::new(clock::now_std())),
            repeated: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }
}

impl Calls {
    pub(crate) fn settings(&self) -> Arc<CallSettings> {
        self.settings.load_full()
    }

    pub(crate) fn configure(&self, settings: &Arc<CallSettings>) {
        if !Arc::ptr_eq(&self.settings.load(), settings) {
            self.settings.store(Arc::clone(settings));
        }
    }

    /// Counts a first attempt.
    fn begin(&self) {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).deposit(clock::now_std());
    }

    /// Whether one more attempt may take place; if so, it is counted.
    fn may_repeat(&self, settings: &CallSettings) -> bool {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        let may = budget.withdraw(clock::now_std(), settings.budget);
        let counter = if may { &self.repeated } else { &self.refused };
        counter.fetch_add(1, Relaxed);
        may
    }

    /// How often that was.
    pub(crate) fn retries(&self) -> RetryCounts {
        RetryCounts { repeated: self.repeated.load(Relaxed), refused: self.refused.load(Relaxed) }
    }

    fn pick(&self, settings: &CallSettings, candidates: &[Candidate], chance: u64, key: Option<u64>) -> Option<Pick> {
        let config = &settings.balancer;
        if config.kind.takes_turns() {
            let mut turns = self.balancer.lock().unwrap_or_else(PoisonError::into_inner);
            return turns.pick(config, candidates, chance, key);
        }
        Balancer::default().pick(config, candidates, chance, key)
    }
}
