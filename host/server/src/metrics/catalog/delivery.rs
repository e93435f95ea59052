//! Events, queues and sagas.

use super::{counter, gauge, level};
use crate::metrics::model::Family;

/// A topic, or a queue.
const DESTINATION: &str = "messaging.destination.name";

/// A subscription.
const GROUP: &str = "messaging.consumer.group.name";

pub(crate) static PUBLISHED: Family =
    counter("switchyard.topic.published", "{event}", &[DESTINATION], "Events ever published on a topic");

pub(crate) static KEPT: Family = level("switchyard.topic.events", "{event}", &[DESTINATION], "Events that are kept");

pub(crate) static KEPT_BYTES: Family =
    level("switchyard.topic.size", "By", &[DESTINATION], "What the events take that are kept");

pub(crate) static PROCESSED: Family =
    counter("switchyard.subscription.processed", "{event}", &[GROUP], "Deliveries that succeeded");

pub(crate) static ERRORS: Family =
    counter("switchyard.subscription.errors", "{attempt}", &[GROUP], "Attempts to deliver that failed");

pub(crate) static FILTER_ERRORS: Family = counter(
    "switchyard.subscription.filter_errors",
    "{event}",
    &[GROUP],
    "Events that were left out since the filter could not be evaluated",
);

pub(crate) static LAG: Family = gauge(
    "switchyard.subscription.lag",
    "{event}",
    &[GROUP],
    "Events of the log after the cursor, of whatever topic: an upper bound of what is still to come",
);

pub(crate) static IN_FLIGHT: Family =
    level("switchyard.subscription.in_flight", "{event}", &[GROUP], "Deliveries under way");

pub(crate) static RETRYING: Family =
    level("switchyard.subscription.retrying", "{event}", &[GROUP], "Events that wait for another attempt");

pub(crate) static EVENT_LETTERS: Family = level(
    "switchyard.subscription.dead_letters",
    "{event}",
    &[GROUP],
    "Dead letters that wait to be looked at, also of subscriptions that are gone",
);

pub(crate) static SUBSCRIPTIONS: Family = level(
    "switchyard.subscriptions",
    "{subscription}",
    &["switchyard.subscription.state"],
    "Subscriptions by what they do: active, paused, waiting, ended, blocked",
);

#[cfg(test)]
pub(crate) const EVENTS: &[&Family] = &[
    &PUBLISHED,
    &KEPT,
    &KEPT_BYTES,
    &PROCESSED,
    &ERRORS,
    &FILTER_ERRORS,
    &LAG,
    &IN_FLIGHT,
    &RETRYING,
    &EVENT_LETTERS,
    &SUBSCRIPTIONS,
];

pub(crate) static ENQUEUED: Family =
    counter("switchyard.queue.enqueued", "{message}", &[DESTINATION], "Messages ever enqueued");

pub(crate) static DEQUEUED: Family =
    counter("switchyard.queue.dequeued", "{message}", &[DESTINATION], "Messages ever done");

pub(crate) static QUEUE_FAILED: Family =
    counter("switchyard.queue.failed", "{message}", &[DESTINATION], "Messages that ever became dead letters");

pub(crate) static SIZE: Family =
    level("switchyard.queue.size", "{message}", &[DESTINATION], "Messages waiting and delayed");

pub(crate) static LEASED: Family =
    level("switchyard.queue.in_flight", "{message}", &[DESTINATION], "Messages that are leased");

pub(crate) static DELAYED: Family =
    level("switchyard.queue.delayed", "{message}", &[DESTINATION], "Messages that can be leased only later");

pub(crate) static OLDEST: Family = gauge(
    "switchyard.queue.oldest_age",
    "s",
    &[DESTINATION],
    "How long the message waits that waits longest of those that could be leased; 0 when none does",
);

pub(crate) static LETTERS: Family = level(
    "switchyard.queue.dead_letters",
    "{message}",
    &[DESTINATION],
    "Dead letters in the store that came from the queue",
);

#[cfg(test)]
pub(crate) const QUEUES: &[&Family] =
    &[&ENQUEUED, &DEQUEUED, &QUEUE_FAILED, &SIZE, &LEASED, &DELAYED, &OLDEST, &LETTERS];

pub(crate) static STANDING: Family = level(
    "switchyard.sagas",
    "{saga}",
    &["switchyard.saga.status"],
    "Sagas by where they stand: running, waiting and compensating of those that this host owns; stuck, completed and \
     failed of all that are kept",
);

pub(crate) static HAPPENED: Family = counter(
    "switchyard.saga.events",
    "{event}",
    &["switchyard.saga.name", "switchyard.event.type"],
    "What happened to sagas that this host owned, by definition, as the topics that tell of it: saga.started, \
     saga.step.completed, saga.step.failed, saga.compensating, saga.completed, saga.failed, saga.stuck",
);

pub(crate) static COMMANDS: Family = level(
    "switchyard.saga.commands.in_flight",
    "{command}",
    &[],
    "Commands on their way to a participant, those that wait for a place too",
);

#[cfg(test)]
pub(crate) const SAGAS: &[&Family] = &[&STANDING, &HAPPENED, &COMMANDS];
