//! Commands of sagas: doing a step, and undoing it.
//!
//! A plugin that takes part in sagas lists its commands by a [`Participant`], or one function, named in
//! [`plugin!`](crate::plugin!). A command comes at least once: after a time-out, a crash or a lost answer it comes
//! again, with the same idempotency key. [`once`] and [`undo`] keep that from being the service's problem: what a
//! command changes and the fact that it was carried out are one commit.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use switchyard_sdk::batch::Batch;
//! use switchyard_sdk::{Command, Failure, Manifest, Participant, commands};
//!
//! #[derive(Deserialize)]
//! #[serde(rename_all = "camelCase")]
//! struct Trip {
//!     guest: String,
//! }
//!
//! #[derive(Serialize, Deserialize)]
//! #[serde(rename_all = "camelCase")]
//! struct Booked {
//!     room: String,
//! }
//!
//! fn book(command: &Command) -> Result<Booked, Failure> {
//!     let trip: Trip = command.payload()?;
//!     commands::once(command, || {
//!         let room = "17".to_owned();
//!         Ok::<_, Failure>((Batch::new().put(format!("room/{room}"), trip.guest.as_str()), Booked { room }))
//!     })
//! }
//!
//! fn cancel(command: &Command) -> Result<(), Failure> {
//!     commands::undo(command, |booked: Booked| Ok::<_, Failure>(Batch::new().delete(format!("room/{}", booked.room))))
//! }
//!
//! fn participant() -> Participant {
//!     Participant::new().on("hotel.book", book).on("hotel.cancel", cancel)
//! }
//!
//! fn manifest() -> Manifest {
//!     switchyard_sdk::manifest!()
//! }
//!
//! switchyard_sdk::plugin! { manifest: manifest, commands: participant }
//! # fn main() {}
//! ```

mod command;
mod once;
mod participant;
mod record;

pub use command::{Command, Direction};
pub use once::{once, undo};
pub use participant::{IntoParticipant, Participant};

#[doc(hidden)]
pub use participant::{One, Routed};
