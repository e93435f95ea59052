//! What publishers were promised: every event and message by its id, and whether the host acknowledged it.

use std::{collections::BTreeMap, sync::Mutex};

use serde_json::{Value, json};

/// All promises of a test.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Mutex<BTreeMap<String, Entry>>,
}

/// One event or message.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// An event, a message, or both in one commit with a value.
    pub(crate) kind: Kind,
    /// What its data asks of the handler.
    pub(crate) deed: Deed,
    /// Whether the host said that it has it. Otherwise it may or may not have it.
    pub(crate) is_acknowledged: bool,
}

/// What was promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An event on the topic `ledger.*`.
    Event,
    /// A message in the queue `ledger`.
    Message,
    /// An event, a message and a value of this name, in one commit.
    Both,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Succeeds at once.
    Succeed,
    /// Fails once, then succeeds.
    FailOnce,
    /// Becomes a dead letter at once.
    Reject,
}

// === impl Ledger ===

impl Ledger {
    /// Notes what is about to be sent.
    pub(crate) fn promise(&self, id: &str, kind: Kind, deed: Deed) {
        let entry = Entry { kind, deed, is_acknowledged: false };
        self.entries.lock().unwrap().insert(id.to_owned(), entry);
    }

    /// Notes that the host has it.
    pub(crate) fn acknowledge(&self, id: &str) {
        self.entries.lock().unwrap().get_mut(id).expect("it was promised").is_acknowledged = true;
    }

    /// All entries by id.
    pub(crate) fn entries(&self) -> BTreeMap<String, Entry> {
        self.entries.lock().unwrap().clone()
    }
}

// === impl Deed ===

impl Deed {
    /// One deed of sixteen fails once, one of sixteen is rejected.
    pub(crate) fn of(number: u64) -> Self {
        match number % 16 {
            3 => Self::FailOnce,
            11 => Self::Reject,
            _ => Self::Succeed,
        }
    }

    /// The data that asks for it; `id` tells whose it is.
    pub(crate) fn data(self, id: &str) -> Value {
        let deed = match self {
            Self::Succeed => "ok",
            Self::FailOnce => "fail-times",
            Self::Reject => "reject",
        };
        json!({"do": deed, "times": 1, "id": id})
    }

    /// Whether an attempt settles it.
    pub(crate) fn is_settled_by(self, attempt: u64) -> bool {
        self != Self::FailOnce || attempt > 1
    }
}
