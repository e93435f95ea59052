//! Sagas: work in steps over several services that ends done, or undone, or stuck with the reason.
//!
//! A [`Saga`] is what its journal makes of it: [`Saga::apply`] takes in one [`Event`] after the other, live and in
//! replay alike. Nothing else changes it. What to do is a function of that state: [`Saga::decide`] says which events
//! are due now; when there are none, which commands are to be under way, and when to ask again. Since it says that of
//! any state, going on after a crash is going on. What participants answer becomes an event by [`Saga::record`], what
//! people want by [`Saga::cancel`], [`Saga::retry`], [`Saga::force_compensation`] and [`Saga::signal`].
//!
//! One turn of whoever owns a saga: make the event; [`Saga::advance`] with it and all that follows from it; write
//! these events in one commit; only then send what `decide` lists and is not under way yet. So an intent is durable
//! before its command is sent, and an outcome before the next step, with one commit for an outcome and the next
//! intent. An owner that takes a saga over writes [`Saga::resume`] first.
//!
//! Limits: 100 steps, 16 in a parallel group, 1 MiB of data, and another one of results.
//!
//! **Invariant**: the key of a command, `saga/step/direction/round`, is the same on every attempt. Only an operator's
//! retry raises the round, and not of a command that may have been done.
//! **Invariant**: a forward command is never open once a compensation is intended.
//! **Invariant**: what was done, or may have been done, is compensated in reverse order of completion; nothing is once
//! the pivot is done.
//! **Invariant**: an event that is refused leaves the saga as it was.

mod apply;
pub mod codec;
mod decide;
pub mod definition;
mod draft;
mod due;
pub mod event;
pub mod id;
mod notice;
mod operate;
mod payload;
mod record;
mod rules;
mod run;
mod state;
mod status;
pub mod timeline;
mod told;
pub mod view;

use std::sync::Arc;

use serde_json::{Map, Value};

use self::state::{Phase, State};
use crate::timestamp::Timestamp;

pub use decide::{Action, Command, Destination, Progress};
pub use definition::Definition;
pub use draft::{Snapshot, StartDraft, Started};
pub use event::{Event, What};
pub use id::{CommandId, Direction, SagaId};
pub use notice::Notice;
pub use operate::Refused;
pub use record::Outcome;
pub use status::Status;
pub use told::Told;

/// The most data of one saga in bytes of JSON, and the most of all results that it keeps; 1 MiB.
pub const DATA_MAX: usize = crate::event::DATA_MAX;

/// The longest error that is kept, in bytes; the rest is cut off.
pub const ERROR_MAX: usize = 4 << 10;

/// How often a participant may ask for a pause in one command; from then on that is a failed attempt.
pub const DEFERRALS_MAX: u32 = 100;

/// How many late answers are counted; more of them leave no trace.
pub const LATE_ANSWERS_MAX: u32 = 100;

/// A saga whose commands were under way at this many crashes, with no answer in between, is parked.
///
/// Not fewer, since a crash counts for all sagas that were at work, and one of them at most is to blame.
pub const CRASHES_MAX: u32 = 10;

/// One saga.
#[derive(Clone, Debug, PartialEq)]
pub struct Saga {
    id: SagaId,
    definition: Arc<Definition>,
    state: State,
}

/// An event that does not fit a saga's state. It left the saga as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a saga that is {status} cannot take the event '{event}': {why}")]
pub struct IllegalEvent {
    /// Where the saga stands.
    pub status: Status,
    /// The event's word in the journal.
    pub event: &'static str,
    /// Why not.
    pub why: &'static str,
}

// === impl Saga ===

impl Saga {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &SagaId {
        &self.id
    }

    /// The definition that it began with, and keeps.
    #[must_use]
    pub fn definition(&self) -> &Arc<Definition> {
        &self.definition
    }

    /// Its data: what it was started with, and over that the results of all stages that are done.
    #[must_use]
    pub fn data(&self) -> &Map<String, Value> {
        &self.state.data
    }

    /// What turned it back or stopped it.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        match &self.state.phase {
            Phase::Stuck { error, .. } => Some(error),
            _ => self.state.error.as_deref(),
        }
    }

    /// Crashes while its commands were under way, since a participant answered last. An owner that finds more than
    /// one of these sagas runs the suspicious ones one by one, so that innocent ones get their answer.
    #[must_use]
    pub fn crashes(&self) -> u32 {
        self.state.crashes
    }

    /// When it began.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.state.started_at
    }

    /// When it was completed or had failed.
    #[must_use]
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.state.ended_at
    }

    /// The steps of the stage at work; none when all are done.
    fn members(&self) -> std::ops::Range<u32> {
        self.definition.stage(self.state.stage).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
