//! Outcomes of asynchronous work: how a handler of an event, message or command answers, and what it holds.

use std::{sync::Arc, time::Duration};

/// How a handler answers besides success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Later; counts as an attempt. Says why.
    Retry(String),
    /// Never: a dead letter now. Says why.
    Reject(String),
    /// Not now; no attempt is counted.
    Defer(Duration),
}

/// What a guest is handling: the thing that an `ack` in its batch acknowledges.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Handled {
    /// An event of a subscription.
    Event {
        /// The subscription's name.
        subscription: Arc<str>,
        /// The event's place in the log.
        sequence: u64,
    },
    /// A message of a queue.
    Message {
        /// The queue.
        queue: Arc<str>,
        /// The message's id.
        id: Arc<str>,
        /// The lease's token.
        token: Arc<str>,
    },
}
