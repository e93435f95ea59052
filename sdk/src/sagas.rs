//! Sagas: work in steps over several services that ends done, or undone, or stuck with the reason.
//!
//! What a saga does is its definition, a JSON document in some plugin's manifest (see [`Manifest::saga`]). Starting one
//! is durable when [`start`] returns, and starting it again with the same id changes nothing. To start it in the same
//! commit as a change of state, use a [`Batch`](crate::batch::Batch).
//!
//! ```
//! use switchyard_sdk::{Manifest, Result, Saga, sagas};
//!
//! fn manifest() -> Manifest {
//!     switchyard_sdk::manifest!().saga(
//!         r#"{
//!             "name": "trip",
//!             "steps": [
//!                 { "command": "hotel.book", "compensation": "hotel.cancel" },
//!                 { "wait": { "signal": "paid", "timeout": "1d" } },
//!                 { "command": "flight.book", "pivot": true }
//!             ]
//!         }"#,
//!     )
//! }
//!
//! fn book(trip: &str) -> Result<()> {
//!     let saga = Saga::new("trip").id(trip).json(&serde_json::json!({ "to": "Oslo" }))?;
//!     let started = sagas::start(saga)?;
//!     assert!(!started.existing);
//!     sagas::signal(trip, "paid", &serde_json::json!({ "cents": 9_900 }))?;
//!     assert_eq!(sagas::get(trip)?.name(), "trip");
//!     Ok(())
//! }
//! # manifest();
//! # book("t-1").unwrap();
//! ```
//!
//! Carrying out the commands of sagas is a [`Participant`](crate::Participant).
//!
//! [`Manifest::saga`]: crate::Manifest::saga

mod draft;
mod saga;

use serde::Serialize;

pub use draft::Draft;
pub use saga::{Saga, Status};

use crate::bindings::switchyard::plugin::saga_types as wit;
use crate::{host, json};

/// What starting answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The saga's id: the draft's, else a new UUIDv7.
    pub id: String,
    /// Whether a saga of this id was there already, of whatever definition; then nothing was started.
    pub existing: bool,
}

/// Why a saga refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such definition, or no such saga; says which.
    #[error("{0}")]
    NotFound(String),
    /// An id or a name that is none, or data that is no JSON object or too large; says what.
    #[error("{0}")]
    Invalid(String),
    /// Its status does not allow this; says which it is.
    #[error("{0}")]
    Conflict(String),
    /// This service has no grant for it; says so.
    #[error("{0}")]
    Denied(String),
    /// The store cannot be reached or its disk is full; later it may work.
    #[error("{0}")]
    Unavailable(String),
}

/// Starts a saga. One whose id is there already stays as it is.
///
/// # Errors
/// When it is not started; see [`Error`].
pub fn start(saga: Draft) -> Result<Started, Error> {
    host::start_saga(saga.into())
}

/// Looks at a saga.
///
/// # Errors
/// [`Error::NotFound`] when there is none of this id.
pub fn get(id: &str) -> Result<Saga, Error> {
    host::saga(id).map(Saga::from)
}

/// Wakes the step that waits for the signal of this name, or will. Its data, if an object, is laid over the saga's.
///
/// # Errors
/// [`Error::Conflict`] when no step waits for it, nor will.
pub fn signal(id: &str, name: &str, data: &(impl Serialize + ?Sized)) -> Result<(), Error> {
    let data = json::write(data, || format!("the signal `{name}`"));
    host::signal_saga(id, name, &data.map_err(|error| Error::Invalid(error.to_string()))?)
}

/// Has what was done undone, and the saga end as failed, `cancelled`.
///
/// # Errors
/// [`Error::Conflict`] when it has ended, turns back already, or is past its pivot.
pub fn cancel(id: &str) -> Result<(), Error> {
    host::cancel_saga(id)
}

// === impl Started ===

impl From<wit::Started> for Started {
    fn from(started: wit::Started) -> Self {
        let wit::Started { id, existing } = started;
        Self { id, existing }
    }
}

#[cfg(test)]
mod tests;
