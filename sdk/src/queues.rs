//! Queues: work that one consumer does, once.
//!
//! A message is durable when [`enqueue`] returns; the first message makes the queue. It is handled at least once, and
//! becomes a dead letter after three failures unless the manifest or the host's configuration says otherwise.
//!
//! ```
//! use std::time::Duration;
//! use switchyard_sdk::{Message, Result, queues};
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Mail {
//!     to: String,
//! }
//!
//! fn remind(mail: &Mail) -> Result<String> {
//!     // Asking twice a day for the same reminder enqueues one.
//!     let message = Message::new("emails").json(mail)?.priority(5).delay(Duration::from_secs(60)).dedup_id(&mail.to);
//!     Ok(queues::enqueue(message)?)
//! }
//! # let mail = Mail { to: "ann@example.com".into() };
//! # assert_eq!(remind(&mail).unwrap(), remind(&mail).unwrap());
//! ```
//!
//! Consuming is a [`Worker`], or one function, named in [`plugin!`](crate::plugin!) with the queues in the manifest.
//! The host then leases for the plugin, extends the lease while the handler runs, and acknowledges when it succeeds.
//! A plugin may also [`lease`] by itself, and then answers for each message.

mod draft;
mod message;
mod worker;

use std::time::Duration;

pub use draft::Draft;
pub use message::Message;
pub use worker::{IntoWorker, Worker};

#[doc(hidden)]
pub use worker::{One, Routed};

use crate::clock::milliseconds;
use crate::host;

/// Why a queue refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The queue has no room: `Queue NAME is full`.
    #[error("{0}")]
    Full(String),
    /// There is no such queue; says which.
    #[error("{0}")]
    NotFound(String),
    /// The token does not hold the message any more: another one has it, or it is done.
    #[error("the message is not leased by this token")]
    NotLeased,
    /// A priority over 9, a name that is none, or a payload that is too large; says what.
    #[error("{0}")]
    Invalid(String),
    /// This service has no grant for the queue; says so.
    #[error("{0}")]
    Denied(String),
    /// The store cannot be reached or its disk is full; later it may work.
    #[error("{0}")]
    Unavailable(String),
}

/// Enqueues a message, and answers its id: a new UUIDv7, or that of the first message with its deduplication id.
///
/// # Errors
/// When it is not enqueued; see [`Error`].
pub fn enqueue(message: Draft) -> Result<String, Error> {
    host::enqueue(message.into())
}

/// Leases up to `max` messages for this long, or as long as the queue says (30 s). Answers none when none is ready.
///
/// # Errors
/// [`Error::NotFound`] when nothing was ever enqueued there.
///
/// ```
/// use switchyard_sdk::{Message, queues};
///
/// queues::enqueue(Message::new("emails").data("hello"))?;
/// for message in queues::lease("emails", 10, None)? {
///     assert_eq!(message.data(), b"hello");
///     message.ack()?;
/// }
/// # Ok::<(), queues::Error>(())
/// ```
pub fn lease(queue: &str, max: u32, visibility_timeout: Option<Duration>) -> Result<Vec<Message>, Error> {
    let messages = host::lease(queue, max, visibility_timeout.map(milliseconds))?;
    Ok(messages.into_iter().map(Message::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn put(data: &str, priority: u8) -> String {
        enqueue(Message::new("q").data(data).priority(priority)).expect("enqueued")
    }

    fn leased() -> Vec<String> {
        let messages = lease("q", 10, None).expect("leased");
        messages.iter().map(|message| String::from_utf8_lossy(message.data()).into_owned()).collect()
    }

    #[test]
    fn higher_priority_is_first_and_equal_priority_in_order() {
        for (data, priority) in [("low", 0), ("high", 9), ("middle", 5), ("high too", 9)] {
            put(data, priority);
        }
        assert_eq!(leased(), ["high", "high too", "middle", "low"]);
        assert!(leased().is_empty(), "all are leased");
        testing::advance(Duration::from_secs(31));
        assert_eq!(leased().len(), 4, "the leases ran out");
    }

    #[test]
    fn a_delayed_message_waits_for_its_time() {
        enqueue(Message::new("q").data("late").delay(Duration::from_secs(5))).expect("enqueued");
        assert!(leased().is_empty());
        testing::advance(Duration::from_secs(5));
        assert_eq!(leased(), ["late"]);
    }

    #[test]
    fn a_message_is_settled_once() {
        put("a", 0);
        let [message] = lease("q", 1, None).expect("leased").try_into().expect("one message");
        message.extend(Duration::from_secs(60)).expect("extended");
        testing::advance(Duration::from_secs(59));
        message.nack("not now", Some(Duration::ZERO)).expect("given back");
        assert_eq!(message.ack(), Err(Error::NotLeased));
        let [again] = lease("q", 1, None).expect("leased").try_into().expect("one message");
        assert_eq!((again.id(), again.attempt()), (message.id(), 2));
        again.ack().expect("done");
        testing::advance(Duration::from_secs(3_600));
        assert!(leased().is_empty());
    }

    #[test]
    fn a_deduplication_id_enqueues_once() {
        let draft = || Message::new("q").data("x").dedup_id("17");
        assert_eq!(enqueue(draft()), enqueue(draft()));
        assert_eq!(leased(), ["x"]);
    }

    #[test]
    fn what_does_not_hold_is_refused() {
        assert!(matches!(enqueue(Message::new("q").priority(10)), Err(Error::Invalid(_))));
        assert!(matches!(enqueue(Message::new("a b")), Err(Error::Invalid(_))));
        assert!(matches!(lease("never", 1, None), Err(Error::NotFound(_))));
    }
}
