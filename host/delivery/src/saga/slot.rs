//! The place of one saga that is at work here.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering::Relaxed},
    },
};

use switchyard_core::saga::{CommandId, Saga, SagaId, Status};
use tokio::sync::Mutex;

use super::record::Story;

/// The place of one saga. Its lock is held over a commit, so that turns come one after the other.
pub(super) struct Slot {
    pub(super) id: SagaId,
    pub(super) held: Arc<Mutex<Held>>,
    status: AtomicU8,
    /// Whether it is counted among those that have commands which are events.
    by_event: AtomicBool,
}

/// What is known of a saga between turns.
#[derive(Default)]
pub(super) struct Held {
    /// The saga, unless it has to be read again.
    pub(super) known: Option<Known>,
    /// Attempts that were sent in this life of this host and have no outcome.
    pub(super) sent: HashSet<CommandId>,
    /// Whether it goes on by itself, as far as is known.
    pub(super) open: bool,
    /// Tasks that carry a command of it.
    pub(super) carrying: usize,
    /// It has left the table; whoever waited for the lock has to look for it again.
    pub(super) retired: bool,
}

/// A saga as the store has it.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) saga: Saga,
    pub(super) story: Story,
    pub(super) revision: u64,
    /// Bytes of its state in the store.
    pub(super) bytes: usize,
}

// === impl Slot ===

impl Slot {
    pub(super) fn new(id: SagaId) -> Arc<Self> {
        Arc::new(Self {
            id,
            held: Arc::default(),
            status: AtomicU8::new(number(Status::Running)),
            by_event: AtomicBool::new(false),
        })
    }

    pub(super) fn note_status(&self, status: Status) {
        self.status.store(number(status), Relaxed);
    }

    /// Notes whether it needs answers that are events; answers whether that is news.
    pub(super) fn note_by_event(&self, by_event: bool) -> bool {
        self.by_event.swap(by_event, Relaxed) != by_event
    }

    /// Where it stood when it was looked at last.
    pub(super) fn is(&self, status: Status) -> bool {
        self.status.load(Relaxed) == number(status)
    }
}

const fn number(status: Status) -> u8 {
    status as u8
}
