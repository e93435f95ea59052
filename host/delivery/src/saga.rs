//! Sagas: whoever owns them, writes down what they do, and has their commands carried out.
//!
//! [`switchyard_core::saga`] decides. A [turn](turn) of a saga takes what happened, writes that and all that follows
//! from it in one commit, and only then sends what is to be sent. A saga that is at work has a [`Slot`] here, whose lock
//! makes turns come one after the other; what it remembers can be thrown away at any time and read again.
//!
//! Limits: [`OPEN_MAX`] sagas at work; of each at most [`KEPT_MAX`] bytes are kept in memory, and those only while a
//! command of it is under way.
//!
//! **Invariant**: every commit of a saga insists on the revision that it was read at, and names its owner. So of two
//! hosts that hold the same saga, one loses its next commit, and with it the saga; nothing was sent by then.
//! **Invariant**: a state, its journal and the events that tell of it are one commit.

mod act;
mod alarm;
mod answer;
mod carry;
mod counts;
mod directory;
mod events;
mod list;
mod operate;
mod port;
mod record;
mod slot;
mod start;
mod suspects;
mod sweep;
mod take_over;
mod turn;
mod view;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicUsize},
};

use switchyard_core::saga::SagaId;

use self::{alarm::Alarms, directory::Directories, slot::Slot, take_over::Owners};
use crate::random;

pub use carry::{Carrier, Sent, To, Trial};
pub use counts::SagaCount;
pub use list::{ListSagas, SagaPage};
pub use view::{DefinitionView, SagaStats, SagaSummary, SagaView};

pub(crate) use events::needed_by;
pub(crate) use start::Starting;

/// Sagas at work on one host: 100,000.
pub(crate) const OPEN_MAX: usize = 100_000;

/// The most bytes of a saga's state that stay in memory while its commands are under way; a larger one is read again.
const KEPT_MAX: usize = 16 << 10;

/// What this host knows of sagas.
pub(crate) struct Sagas {
    /// The name of this owner: of this life of this host.
    owner: Arc<str>,
    /// Those at work here.
    slots: Mutex<HashMap<SagaId, Arc<Slot>>>,
    alarms: Alarms,
    directories: Directories,
    owners: Owners,
    trial: Option<Trial>,
    /// Commands on their way to a participant.
    sending: AtomicUsize,
    /// Sagas at work that have commands which are events.
    by_event: AtomicUsize,
    counts: counts::Counts,
}

// === impl Sagas ===

impl Sagas {
    /// Nothing yet.
    pub(crate) fn new(trial: Option<Trial>) -> Self {
        Self {
            owner: random::id().into(),
            slots: Mutex::default(),
            alarms: Alarms::default(),
            directories: Directories::new(trial.as_ref().map(|trial| &trial.definitions[..]).unwrap_or_default()),
            owners: Owners::default(),
            trial,
            sending: AtomicUsize::new(0),
            by_event: AtomicUsize::new(0),
            counts: counts::Counts::default(),
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<SagaId, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place of a saga, which may not exist.
    fn slot(&self, id: &SagaId) -> Arc<Slot> {
        Arc::clone(self.slots().entry(id.clone()).or_insert_with(|| Slot::new(id.clone())))
    }
}
