//! The breaker in front of each instance: core's machine, with a clock, with chance, and with listeners.
//!
//! While it is closed a call costs one atomic read on its way in and one short lock on its way out, and nothing is
//! allocated. What moves it is told in the order in which it happened, since that is done under the lock.

mod admitted;
mod listeners;
mod outcome;
mod policy;
mod view;

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use switchyard_core::{
    breaker::{self, Config, Decision, Outcome, Pass, Permit, Receipt, Stance, State, Transition},
    name::ServiceName,
};
use tokio::time::Instant;

pub(crate) use self::{
    admitted::Admitted,
    listeners::Listeners,
    outcome::{of_call, of_error},
};
pub use self::{
    policy::{BreakerMode, BreakerPolicy, BreakerSettings},
    view::{BreakerChange, BreakerView},
};
use crate::error::CallError;

/// When it is worth asking again whether an operator still wants a breaker open.
const FORCED_OPEN_PAUSE: Duration = Duration::from_secs(5);

/// The breaker of one instance.
pub(crate) struct Breaker {
    service: ServiceName,
    /// The id of its instance, and its own.
    id: Arc<str>,
    /// What calls are admitted by, as bits; 0 while they have to ask.
    pass: AtomicU64,
    machine: Mutex<breaker::Breaker>,
    /// Whom transitions are told; nobody before the instance is published.
    listeners: OnceLock<Listeners>,
}

// === impl Breaker ===

impl Breaker {
    /// A closed one with the default numbers.
    pub(crate) fn new(service: ServiceName, id: Arc<str>) -> Self {
        let machine = breaker::Breaker::new(Config::default(), now());
        let pass = AtomicU64::new(machine.pass().map_or(0, Pass::to_bits));
        Self { service, id, pass, machine: Mutex::new(machine), listeners: OnceLock::new() }
    }

    /// Lets a call through that has to be answered by `deadline`.
    ///
    /// # Errors
    /// When it is open, or enough calls probe already.
    pub(crate) fn admit(&self, deadline: Instant) -> Result<Admitted<'_>, CallError> {
        let permit = match self.pass() {
            Some(pass) => pass.permit_with(now),
            None => self.ask()?,
        };
        Ok(Admitted::new(self, permit, deadline))
    }

    /// Takes in that an answer broke off which had begun well.
    pub(crate) fn broke_off(&self, receipt: Receipt) {
        let now = now();
        let mut machine = self.lock();
        let transition = machine.broke_off(now, receipt, fraction);
        self.told(&machine, transition);
    }

    /// Where it stands now.
    pub(crate) fn state(&self) -> State {
        self.polled().state()
    }

    /// Whether it refuses every call.
    pub(crate) fn is_open(&self) -> bool {
        self.pass().is_none() && self.state().refuses_all()
    }

    /// Whether it lets every call through.
    pub(crate) fn is_closed(&self) -> bool {
        self.pass().is_some()
    }

    /// Does what is due, and answers when something is due next.
    pub(crate) fn poll(&self) -> Option<Instant> {
        if self.pass().is_some() {
            return None;
        }
        self.polled().deadline().map(Instant::from_std)
    }

    /// Begins to tell these listeners, and goes by these settings.
    pub(crate) fn adopt(&self, listeners: &Listeners, config: Config, stance: Stance) {
        let is_new = self.listeners.set(listeners.clone()).is_ok();
        let mut machine = self.lock();
        machine.reconfigure(config);
        let transition = machine.stand(stance);
        // How the configuration has it begin is no news; that it begins by refusing is.
        self.told(&machine, transition.filter(|transition| !is_new || transition.to.refuses_all()));
        // Other numbers may make another pass without any transition.
        self.renew(&machine);
    }

    /// Takes what an operator wants.
    pub(crate) fn stand(&self, stance: Stance) {
        let mut machine = self.lock();
        let transition = machine.stand(stance);
        self.told(&machine, transition);
    }

    /// Begins anew.
    pub(crate) fn reset(&self, stance: Stance) {
        let mut machine = self.lock();
        let transition = machine.reset(stance);
        self.told(&machine, transition);
        self.renew(&machine);
    }

    fn pass(&self) -> Option<Pass> {
        Pass::from_bits(self.pass.load(Ordering::Acquire))
    }

    fn ask(&self) -> Result<Permit, CallError> {
        let now = now();
        let mut machine = self.lock();
        match machine.admit(now) {
            Decision::Admit(permit, transition) => {
                self.told(&machine, transition);
                Ok(permit)
            }
            Decision::Refuse { retry_after } => Err(self.refusal(machine.state(), retry_after)),
        }
    }

    fn refusal(&self, state: State, retry_after: Option<Duration>) -> CallError {
        let id = self.id();
        let detail = match state {
            State::HalfOpen => format!("the breaker '{id}' is half-open, and as many calls probe as may"),
            State::ForcedOpen => format!("the breaker '{id}' is kept open by an operator"),
            _ => format!("the breaker '{id}' is open, since calls of the service '{}' failed", self.service),
        };
        CallError::BreakerOpen { detail, retry_after: retry_after.unwrap_or(FORCED_OPEN_PAUSE) }
    }

    fn record(&self, permit: Permit, outcome: Outcome) {
        let now = now();
        let mut machine = self.lock();
        let transition = machine.record(now, permit, outcome, fraction);
        self.told(&machine, transition);
    }

    /// The machine, with what is due by now done.
    fn polled(&self) -> MutexGuard<'_, breaker::Breaker> {
        let now = now();
        let mut machine = self.lock();
        let transition = machine.poll(now);
        self.told(&machine, transition);
        machine
    }

    /// Nobody panics while holding it, and if so the values are still whole.
    fn lock(&self) -> MutexGuard<'_, breaker::Breaker> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn renew(&self, machine: &breaker::Breaker) {
        self.pass.store(machine.pass().map_or(0, Pass::to_bits), Ordering::Release);
    }

    fn told(&self, machine: &breaker::Breaker, transition: Option<Transition>) {
        let Some(transition) = transition else { return };
        self.renew(machine);
        let change = self.change(machine, transition);
        change.log();
        if let Some(listeners) = self.listeners.get() {
            listeners.tell(change);
        }
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// A number of chance.
pub(crate) fn chance() -> u64 {
    // The keys of a new state are random, so the hash of anything is.
    RandomState::new().hash_one(0)
}

/// A number in [0, 1), of chance.
pub(crate) fn fraction() -> f64 {
    let bits = u32::try_from(chance() >> 32).unwrap_or_default();
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests;
