//! One commit for state, events, messages, sagas and the acknowledgement of what is being handled: all of it happens,
//! or none.
//!
//! It closes the gap between writing state and telling others of it.
//!
//! ```
//! use switchyard_sdk::batch::{self, Batch, Condition};
//! use switchyard_sdk::{Event, Message, Result, Saga};
//!
//! fn place(order: &str) -> Result<()> {
//!     Batch::new()
//!         .put_if(order, "placed", Condition::Absent)
//!         .publish(Event::new("order.created").json(order)?.key(order))
//!         .enqueue(Message::new("invoices").json(order)?)
//!         .start_saga(Saga::new("fulfil").id(order))
//!         .commit()?;
//!     Ok(())
//! }
//!
//! fn ship(order: &str) -> Result<()> {
//!     batch::update(order, |current| {
//!         let state = if current.as_deref() == Some(b"placed") { "shipped" } else { "unknown" };
//!         Ok((Batch::new().put(order, state), ()))
//!     })
//! }
//! # place("17").unwrap();
//! # ship("17").unwrap();
//! # assert!(place("17").is_err());
//! # assert_eq!(batch::read("17").unwrap().unwrap().value, b"shipped");
//! ```

mod key;

use serde::Serialize;

pub use key::{Condition, Entry, Key};

use crate::bindings::switchyard::plugin::batch as wit;
use crate::{JsonError, events, host, json, queues, sagas};

/// How often [`update`] tries: each failure means that another writer got through.
const UPDATE_ATTEMPTS: u32 = 100;

/// Operations that are committed together; at most 1,000. They apply in their order, and all conditions are checked
/// before any of them.
#[derive(Debug, Clone, Default)]
#[must_use = "nothing happens before `commit`"]
pub struct Batch {
    operations: Vec<wit::Operation>,
}

/// What a commit answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// For each event, in their order.
    pub receipts: Vec<events::Receipt>,
    /// The id of each message, in their order.
    pub message_ids: Vec<String>,
    /// For each saga, in their order.
    pub sagas: Vec<sagas::Started>,
}

/// Why nothing was committed, or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// This key did not meet its condition.
    #[error("{0} has changed")]
    Conflict(Key),
    /// Other writers changed this key all the time.
    #[error("{0} changed more often than an update is tried")]
    Contended(Key),
    /// An operation is wrong or too large, a saga has no definition, or there is an `ack` and no event or message is
    /// being handled; says what.
    #[error("{0}")]
    Invalid(String),
    /// There is no bucket of this name, or this service has no grant for it.
    #[error("no such store: `{0}`")]
    NoSuchStore(String),
    /// A queue has no room: `Queue NAME is full`.
    #[error("{0}")]
    Full(String),
    /// An event middleware said no: its text.
    #[error("the event was rejected: {0}")]
    Rejected(String),
    /// The lease of the message being handled is lost; another one has it.
    #[error("the lease of what is being handled is lost")]
    NotLeased,
    /// This service has no grant for a bucket, topic, queue or saga; says which.
    #[error("{0}")]
    Denied(String),
    /// The store cannot be reached or its disk is full; later it may work.
    #[error("{0}")]
    Unavailable(String),
}

/// Reads a value and the revision that a [`Condition`] can insist on.
///
/// # Errors
/// When the store cannot be reached, or there is no such bucket.
pub fn read(key: impl Into<Key>) -> Result<Option<Entry>, Error> {
    host::read(key.into().into())
}

/// Changes the value under a key together with whatever the batch holds. The closure gets the current value, and
/// answers a batch and something to hand on. The batch is committed if the key is still as it was; else another
/// writer was faster, and the closure runs again. Its error ends the update with nothing committed.
///
/// # Errors
/// The closure's, those of the commit, or [`Error::Contended`] after 100 tries.
pub fn update<T, E: From<Error>>(
    key: impl Into<Key>,
    mut change: impl FnMut(Option<Vec<u8>>) -> Result<(Batch, T), E>,
) -> Result<T, E> {
    let key = key.into();
    for _ in 0..UPDATE_ATTEMPTS {
        let entry = read(key.clone())?;
        let unchanged = entry.as_ref().map_or(Condition::Absent, |entry| Condition::Revision(entry.revision));
        let (batch, answer) = change(entry.map(|entry| entry.value))?;
        match batch.check(key.clone(), unchanged).commit() {
            Ok(_) => return Ok(answer),
            Err(Error::Conflict(changed)) if changed == key => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::Contended(key).into())
}

// === impl Batch ===

impl Batch {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a value, over an older one.
    pub fn put(self, key: impl Into<Key>, value: impl Into<Vec<u8>>) -> Self {
        self.put_if(key, value, Condition::Any)
    }

    /// Writes a value as JSON, over an older one.
    ///
    /// # Errors
    /// When the value cannot be JSON.
    pub fn put_json(self, key: impl Into<Key>, value: &(impl Serialize + ?Sized)) -> Result<Self, JsonError> {
        let key = key.into();
        let value = json::write(value, || key.to_string())?;
        Ok(self.put(key, value))
    }

    /// Writes a value if the key meets the condition; else nothing of the batch happens.
    pub fn put_if(self, key: impl Into<Key>, value: impl Into<Vec<u8>>, condition: Condition) -> Self {
        self.with(wit::Operation::Put((key.into().into(), value.into(), condition.into())))
    }

    /// Removes a key; one that is not there stays so.
    pub fn delete(self, key: impl Into<Key>) -> Self {
        self.delete_if(key, Condition::Any)
    }

    /// Removes a key if it meets the condition; else nothing of the batch happens.
    pub fn delete_if(self, key: impl Into<Key>, condition: Condition) -> Self {
        self.with(wit::Operation::Delete((key.into().into(), condition.into())))
    }

    /// Writes nothing, but insists that the key meets the condition; else nothing of the batch happens.
    pub fn check(self, key: impl Into<Key>, condition: Condition) -> Self {
        self.with(wit::Operation::Check((key.into().into(), condition.into())))
    }

    /// Publishes an event.
    pub fn publish(self, event: events::Draft) -> Self {
        self.with(wit::Operation::Publish(event.into()))
    }

    /// Enqueues a message.
    pub fn enqueue(self, message: queues::Draft) -> Self {
        self.with(wit::Operation::Enqueue(message.into()))
    }

    /// Starts a saga; one that is there already stays as it is.
    pub fn start_saga(self, saga: sagas::Draft) -> Self {
        self.with(wit::Operation::StartSaga(saga.into()))
    }

    /// Acknowledges the event or message being handled. What the handler answers afterwards changes nothing.
    pub fn ack(self) -> Self {
        self.with(wit::Operation::Ack)
    }

    /// Commits all operations, durably.
    ///
    /// # Errors
    /// When nothing was committed; see [`Error`].
    pub fn commit(self) -> Result<Committed, Error> {
        host::commit(self.operations)
    }

    fn with(mut self, operation: wit::Operation) -> Self {
        self.operations.push(operation);
        self
    }
}

#[cfg(test)]
mod tests;
