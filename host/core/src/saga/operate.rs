//! What people and programs want of a saga: to start, signal, cancel, retry and undo it.
//!
//! Each answers the event to be applied and journalled, or why it is refused; the saga is not changed yet.

use std::sync::Arc;

use serde_json::Value;

use super::{
    Definition, Event, Saga, SagaId, Status, What,
    payload::check_data,
    state::{Phase, State},
};
use crate::timestamp::Timestamp;

/// Why something is not done with a saga.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The data is no object, or has no room.
    #[error("{0}; give less, or an object")]
    Data(String),
    /// Its status does not allow it.
    #[error("the saga is {status}: {why}")]
    Conflict {
        /// Where it stands.
        status: Status,
        /// Why that does not allow it.
        why: &'static str,
    },
    /// No step waits for this signal, or will.
    #[error("the saga is {status}, and no step of it waits for the signal '{signal}', or will")]
    Signal {
        /// Where it stands.
        status: Status,
        /// The signal.
        signal: String,
    },
}

// === impl Saga ===

impl Saga {
    /// Starts a saga: answers it with its first event. Nothing is under way before [`advance`](Self::advance).
    ///
    /// # Errors
    /// When the data is no object, or too large.
    pub fn start(
        id: SagaId,
        definition: Arc<Definition>,
        data: Value,
        now: Timestamp,
    ) -> Result<(Self, Event), Refused> {
        let data = check_data(data).map_err(Refused::Data)?;
        let (name, digest) = (definition.name().to_owned(), definition.digest());
        let state = State::new(&definition, data.clone(), now);
        let what = What::Started { id: id.clone(), name, definition: digest, data };
        Ok((Self { id, definition, state }, Event { at: now, what }))
    }

    /// Has it undone, and end as failed, `cancelled`. What is under way is waited for first.
    ///
    /// # Errors
    /// When it turns back already, has ended, or is at its pivot or past it.
    pub fn cancel(&self, now: Timestamp) -> Result<Event, Refused> {
        self.can_turn_back().map_err(|why| self.conflict(why))?;
        Ok(Event { at: now, what: What::Cancelled })
    }

    /// Has it tried again from where it is stuck, with other data if some is given.
    ///
    /// # Errors
    /// When it is not stuck, or the data is no object or too large.
    pub fn retry(&self, data: Option<Value>, now: Timestamp) -> Result<Event, Refused> {
        if !matches!(self.state.phase, Phase::Stuck { .. }) {
            return Err(self.conflict("only one that is stuck can be retried"));
        }
        let data = data.map(check_data).transpose().map_err(Refused::Data)?;
        Ok(Event { at: now, what: What::Retried { data } })
    }

    /// Has it undone because an operator says so: also one that is stuck since nobody knows whether its pivot was
    /// done. Of one that is stuck while it is undone, the compensation is tried again.
    ///
    /// # Errors
    /// When it turns back by itself, has ended, or is past its pivot.
    pub fn force_compensation(&self, now: Timestamp) -> Result<Event, Refused> {
        self.can_force_compensation().map_err(|why| self.conflict(why))?;
        Ok(Event { at: now, what: What::CompensationForced })
    }

    /// Hands it a signal: to the first step that waits for one of this name, else to the first that will.
    ///
    /// # Errors
    /// When there is no such step, or no room for the data.
    pub fn signal(&self, name: &str, data: Value, now: Timestamp) -> Result<Event, Refused> {
        let missing = || Refused::Signal { status: self.status(), signal: name.to_owned() };
        let step = self.signal_target(name).ok_or_else(missing)?;
        self.has_room(step, &data).map_err(Refused::Data)?;
        Ok(Event { at: now, what: What::SignalReceived { step, name: name.to_owned(), data } })
    }

    fn conflict(&self, why: &'static str) -> Refused {
        Refused::Conflict { status: self.status(), why }
    }
}
