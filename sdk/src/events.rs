//! Events: telling whoever wants to know that something happened.
//!
//! An event is a [CloudEvent](https://cloudevents.io). It is durable when [`publish`] returns, unless the host
//! declares its topic otherwise, and is delivered at least once. To publish in the same commit as a change of state,
//! use a [`Batch`](crate::batch::Batch).
//!
//! ```
//! use switchyard_sdk::{Event, Result, events};
//!
//! #[derive(serde::Serialize)]
//! struct Order {
//!     id: String,
//!     total: u32,
//! }
//!
//! fn placed(order: &Order) -> Result<()> {
//!     // Events of one order are delivered in their order, and publishing this one again changes nothing.
//!     let event = Event::new("order.created").json(order)?.key(&order.id).id(format!("{}-created", order.id));
//!     let receipt = events::publish(event)?;
//!     assert!(!receipt.duplicate);
//!     Ok(())
//! }
//! # placed(&Order { id: "17".into(), total: 5 }).unwrap();
//! ```
//!
//! Receiving is a [`Subscriber`], or one function, named in [`plugin!`](crate::plugin!) and subscribed by the
//! manifest.

mod draft;
mod event;
mod middleware;
mod pattern;
mod subscriber;

pub use draft::Draft;
pub use event::Event;
pub use middleware::Verdict;
pub use subscriber::{Delivery, IntoSubscriber, Subscriber};

#[doc(hidden)]
pub use subscriber::{One, Routed};

use crate::bindings::switchyard::plugin::event_types as wit;
use crate::host;

/// What publishing answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The event's id: the draft's, else a new UUIDv7.
    pub id: String,
    /// Its place in the host's log, from 1.
    pub sequence: u64,
    /// Whether an event of this source and id was there already; then nothing was stored.
    pub duplicate: bool,
}

/// Why an event was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The envelope is wrong, or the payload too large; says what.
    #[error("{0}")]
    Invalid(String),
    /// An event middleware said no: its text.
    #[error("the event was rejected: {0}")]
    Rejected(String),
    /// This service has no grant for the topic; says so.
    #[error("{0}")]
    Denied(String),
    /// The store cannot be reached or its disk is full; later it may work.
    #[error("{0}")]
    Unavailable(String),
}

/// Publishes an event.
///
/// # Errors
/// When it is not published; see [`Error`].
pub fn publish(event: Draft) -> Result<Receipt, Error> {
    host::publish(event.into())
}

/// Publishes up to 1,000 events in one commit: all of them, or none. The receipts are in the order of the events.
///
/// # Errors
/// When none is published; see [`Error`].
///
/// ```
/// use switchyard_sdk::{Event, events};
///
/// let drafts = ["a", "b"].map(|user| Event::new("user.seen").key(user));
/// let receipts = events::publish_many(drafts)?;
/// assert_eq!(receipts.len(), 2);
/// # Ok::<(), events::Error>(())
/// ```
pub fn publish_many(events: impl IntoIterator<Item = Draft>) -> Result<Vec<Receipt>, Error> {
    host::publish_many(events.into_iter().map(Draft::into).collect())
}

// === impl Receipt ===

impl From<wit::Receipt> for Receipt {
    fn from(receipt: wit::Receipt) -> Self {
        let wit::Receipt { id, sequence, duplicate } = receipt;
        Self { id, sequence, duplicate }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn the_second_event_of_an_id_is_a_duplicate() {
        let draft = || Event::new("order.created").json(&7).expect("JSON").id("7").source("/shop");
        let first = publish(draft()).expect("published");
        let second = publish(draft()).expect("published");
        assert_eq!(second, Receipt { duplicate: true, ..first });
        let other = publish(draft().source("/other")).expect("published");
        assert!(!other.duplicate && other.sequence > second.sequence);
        assert_eq!(testing::published().len(), 2);
    }

    #[test]
    fn one_wrong_event_keeps_all_from_being_published() {
        let result = publish_many([Event::new("a"), Event::new("a..b")]);
        assert!(matches!(result, Err(Error::Invalid(_))), "{result:?}");
        assert!(testing::published().is_empty());
    }

    #[test]
    fn what_a_draft_leaves_out_is_filled_in() {
        let receipt = publish(Event::new("a.b")).expect("published");
        let [event] = testing::published().try_into().expect("one event");
        assert_eq!((event.id(), event.topic(), event.content_type()), (receipt.id.as_str(), "a.b", "application/json"));
        assert_eq!((event.correlation_id(), event.causation_id()), (event.id(), None));
    }
}
