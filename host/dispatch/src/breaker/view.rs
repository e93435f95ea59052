//! Breakers as they are shown, and what is told when one moves.

use std::time::SystemTime;

use schemars::JsonSchema;
use serde::Serialize;
use switchyard_core::{
    breaker::{self, Cause, Metrics, State, Transition},
    name::ServiceName,
    timestamp::Timestamp,
};

use super::{Breaker, now};

/// A breaker at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Breaker")]
pub struct BreakerView {
    /// The instance's: there is one breaker for each.
    pub id: String,
    /// The service that the instance answers for.
    pub service: ServiceName,
    /// The instance's id, as services show it.
    pub instance: String,
    /// Where it stands.
    pub state: State,
    /// Failures in a row.
    pub failure_count: u32,
    /// When it lets calls through again; null unless it is open by itself.
    pub next_attempt: Option<Timestamp>,
    /// What was counted since the instance was made.
    pub metrics: Metrics,
}

/// A breaker that moved.
#[derive(Clone, Debug, PartialEq)]
pub struct BreakerChange {
    /// The breaker's id, which is the instance's.
    pub id: String,
    /// The service that the instance answers for.
    pub service: ServiceName,
    /// Where it stood.
    pub from: State,
    /// Where it stands now. From measuring to measuring: it would have opened.
    pub to: State,
    /// Why.
    pub cause: Cause,
    /// When it lets calls through again, if it has opened by itself.
    pub next_attempt: Option<Timestamp>,
}

// === impl Breaker ===

impl Breaker {
    /// The id of its instance, and its own.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn view(&self) -> BreakerView {
        let machine = self.polled();
        BreakerView {
            id: self.id().to_owned(),
            service: self.service.clone(),
            instance: self.id().to_owned(),
            state: machine.state(),
            failure_count: machine.failure_count(),
            next_attempt: next_attempt(&machine),
            metrics: machine.metrics(),
        }
    }

    pub(super) fn change(&self, machine: &breaker::Breaker, transition: Transition) -> BreakerChange {
        let Transition { from, to, cause } = transition;
        BreakerChange {
            id: self.id().to_owned(),
            service: self.service.clone(),
            from,
            to,
            cause,
            next_attempt: next_attempt(machine),
        }
    }
}

fn next_attempt(machine: &breaker::Breaker) -> Option<Timestamp> {
    let left = machine.deadline()?.saturating_duration_since(now());
    Some(Timestamp::from(SystemTime::now()).plus(left))
}

// === impl BreakerChange ===

impl BreakerChange {
    /// Says it in the log.
    pub(super) fn log(&self) {
        let Self { id, service, from, to, cause, .. } = self;
        match to {
            State::Measuring if from == to => tracing::warn!(id, %service, %cause, "a breaker would have opened"),
            State::Open => tracing::warn!(id, %service, %from, %cause, "a breaker has opened"),
            _ => tracing::info!(id, %service, %from, %to, %cause, "a breaker has moved"),
        }
    }
}
