//! How handlers of events, messages and commands answer besides success.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::bindings::switchyard::plugin::types;
use crate::clock::milliseconds;
use crate::{JsonError, batch, events, http, kv, queues, sagas};

/// Why an event, a message or a command was not handled, and what becomes of it.
///
/// `?` turns the errors of this crate into one: what may work later is a retry, what cannot (a payload that is not the
/// expected JSON, an event or message that the host calls invalid, a 4xx [`Error`](crate::Error)) is a rejection.
///
/// ```
/// use switchyard_sdk::{Delivery, Event, Failure, kv};
///
/// fn on_event(event: &Event, _: &Delivery) -> Result<(), Failure> {
///     let count: i64 = event.json()?; // a dead letter when the data is no number
///     if count < 0 {
///         return Err(Failure::reject("a count is never negative"));
///     }
///     kv::own()?.increment("count", count)?; // again later when the store does not answer
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Again later; counts as an attempt, and the last attempt ends as a rejection does. Says why, for the operator.
    Retry(String),
    /// Never again: a dead letter now; a saga turns back, or is stuck if it did already. Says why.
    Reject(String),
    /// Not now, again after this time; counts as no attempt.
    Defer(Duration),
}

/// What a handler may return: nothing, or a [`Result`] whose error becomes a [`Failure`].
pub trait IntoHandled {
    /// Turns it into what the host is told.
    fn into_handled(self) -> Result<(), Failure>;
}

// === impl Failure ===

impl Failure {
    /// Again later, because of this.
    pub fn retry(why: impl fmt::Display) -> Self {
        Self::Retry(why.to_string())
    }

    /// Never again, because of this.
    pub fn reject(why: impl fmt::Display) -> Self {
        Self::Reject(why.to_string())
    }

    /// Again after this time, which the host rounds to milliseconds.
    pub fn defer(delay: Duration) -> Self {
        Self::Defer(delay)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry(why) => write!(f, "retry: {why}"),
            Self::Reject(why) => write!(f, "reject: {why}"),
            Self::Defer(delay) => write!(f, "defer by {delay:?}"),
        }
    }
}

impl StdError for Failure {}

impl From<Failure> for types::Failure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Retry(why) => Self::Retry(why),
            Failure::Reject(why) => Self::Reject(why),
            Failure::Defer(delay) => Self::Defer(milliseconds(delay)),
        }
    }
}

impl From<JsonError> for Failure {
    fn from(error: JsonError) -> Self {
        Self::Reject(with_sources(&error))
    }
}

impl From<events::Error> for Failure {
    fn from(error: events::Error) -> Self {
        match error {
            events::Error::Invalid(_) => Self::reject(error),
            other => Self::retry(other),
        }
    }
}

impl From<queues::Error> for Failure {
    fn from(error: queues::Error) -> Self {
        match error {
            queues::Error::Invalid(_) => Self::reject(error),
            other => Self::retry(other),
        }
    }
}

impl From<sagas::Error> for Failure {
    fn from(error: sagas::Error) -> Self {
        match error {
            sagas::Error::Invalid(_) | sagas::Error::Conflict(_) => Self::reject(error),
            other => Self::retry(other),
        }
    }
}

impl From<batch::Error> for Failure {
    fn from(error: batch::Error) -> Self {
        match error {
            batch::Error::Invalid(_) => Self::reject(error),
            other => Self::retry(other),
        }
    }
}

impl From<kv::Error> for Failure {
    fn from(error: kv::Error) -> Self {
        Self::Retry(with_sources(&error))
    }
}

impl From<http::Error> for Failure {
    fn from(error: http::Error) -> Self {
        if error.is_temporary() { Self::retry(error) } else { Self::reject(error) }
    }
}

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Self {
        if error.status() < 500 { Self::reject(error) } else { Self::retry(error) }
    }
}

// === impl IntoHandled ===

impl IntoHandled for () {
    fn into_handled(self) -> Result<(), Failure> {
        Ok(())
    }
}

impl<E: Into<Failure>> IntoHandled for Result<(), E> {
    fn into_handled(self) -> Result<(), Failure> {
        self.map_err(Into::into)
    }
}

/// An error and what caused it, in one line.
pub(crate) fn with_sources(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_later_is_rejected_and_all_else_retried() {
        let json = crate::json::read::<u32>(b"\"x\"", || "event `7`".to_owned()).expect_err("no number");
        let text =
            "the data of event `7` is not as expected: invalid type: string \"x\", expected u32 at line 1 column 3";
        assert_eq!(Failure::from(json), Failure::reject(text));
        assert_eq!(Failure::from(events::Error::Invalid("no topic".into())), Failure::reject("no topic"));
        assert_eq!(Failure::from(events::Error::Unavailable("disk".into())), Failure::retry("disk"));
        assert_eq!(Failure::from(queues::Error::Full("Queue a is full".into())), Failure::retry("Queue a is full"));
        assert_eq!(Failure::from(crate::Error::bad_request("Wrong")), Failure::reject("400: Wrong"));
        assert_eq!(Failure::from(crate::Error::new(503, "Busy")), Failure::retry("503: Busy"));
    }
}
