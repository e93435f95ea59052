//! The host as a component sees it: its imports.

mod convert;
mod http;
mod kv;
mod sagas;

use std::time::Duration;

use super::Handled;
use crate::bindings::switchyard::plugin::{batch as wit_batch, event_types, events as wit_events};
use crate::bindings::switchyard::plugin::{queue_types, queues as wit_queues, registry as wit_registry};
use crate::bindings::wasi::clocks::{monotonic_clock, wall_clock};
use crate::bindings::wasi::config::store as config;
use crate::bindings::wasi::logging::logging;
use crate::bindings::wasi::random::random as wasi_random;
use crate::log::Level;
use crate::{batch, events, queues, registry};

pub(crate) use http::send;
pub(crate) use kv::{Bucket, Cas};
pub(crate) use sagas::{cancel_saga, saga, signal_saga, start_saga};

pub(crate) fn now() -> Duration {
    let now = wall_clock::now();
    Duration::new(now.seconds, now.nanoseconds)
}

pub(crate) fn sleep(duration: Duration) {
    let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    monotonic_clock::subscribe_duration(nanos).block();
}

pub(crate) fn random() -> u64 {
    wasi_random::get_random_u64()
}

pub(crate) fn config_get(key: &str) -> Result<Option<String>, String> {
    config::get(key).map_err(|error| match error {
        config::Error::Upstream(cause) | config::Error::Io(cause) => cause,
    })
}

pub(crate) fn log(level: Level, context: &str, message: &str) {
    let level = match level {
        Level::Trace => logging::Level::Trace,
        Level::Debug => logging::Level::Debug,
        Level::Info => logging::Level::Info,
        Level::Warn => logging::Level::Warn,
        Level::Error => logging::Level::Error,
    };
    logging::log(level, context, message);
}

/// Runs a handler. The host knows by itself what it called it with.
pub(crate) fn handling<T>(_: Handled<'_>, handler: impl FnOnce() -> T) -> T {
    handler()
}

pub(crate) fn publish(draft: event_types::Draft) -> Result<events::Receipt, events::Error> {
    Ok(wit_events::publish(&draft)?.into())
}

pub(crate) fn publish_many(drafts: Vec<event_types::Draft>) -> Result<Vec<events::Receipt>, events::Error> {
    let receipts = wit_events::publish_many(&drafts)?;
    Ok(receipts.into_iter().map(events::Receipt::from).collect())
}

pub(crate) fn enqueue(draft: queue_types::Draft) -> Result<String, queues::Error> {
    Ok(wit_queues::enqueue(&draft)?)
}

pub(crate) fn lease(
    queue: &str,
    max: u32,
    visibility_ms: Option<u64>,
) -> Result<Vec<queue_types::Message>, queues::Error> {
    Ok(wit_queues::lease(queue, max, visibility_ms)?)
}

pub(crate) fn ack(message: &queue_types::Message) -> Result<(), queues::Error> {
    Ok(wit_queues::ack(&message.queue, &message.id, &message.token)?)
}

pub(crate) fn nack(message: &queue_types::Message, why: &str, delay_ms: Option<u64>) -> Result<(), queues::Error> {
    Ok(wit_queues::nack(&message.queue, &message.id, &message.token, why, delay_ms)?)
}

pub(crate) fn reject(message: &queue_types::Message, why: &str) -> Result<(), queues::Error> {
    Ok(wit_queues::reject(&message.queue, &message.id, &message.token, why)?)
}

pub(crate) fn extend(message: &queue_types::Message, visibility_ms: u64) -> Result<(), queues::Error> {
    Ok(wit_queues::extend(&message.queue, &message.id, &message.token, visibility_ms)?)
}

pub(crate) fn discover(name: Option<&str>, tags: &[&str]) -> Vec<registry::Instance> {
    let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
    wit_registry::discover(name, &tags).into_iter().map(registry::Instance::from).collect()
}

pub(crate) fn lookup(name: &str) -> Vec<registry::Instance> {
    wit_registry::lookup(name).into_iter().map(registry::Instance::from).collect()
}

pub(crate) fn read(key: wit_batch::Key) -> Result<Option<batch::Entry>, batch::Error> {
    let entry = wit_batch::read(&key)?;
    Ok(entry.map(|wit_batch::Entry { value, revision }| batch::Entry { value, revision }))
}

pub(crate) fn commit(operations: Vec<wit_batch::Operation>) -> Result<batch::Committed, batch::Error> {
    let wit_batch::Committed { receipts, message_ids, sagas } = wit_batch::commit(&operations)?;
    Ok(batch::Committed {
        receipts: receipts.into_iter().map(events::Receipt::from).collect(),
        message_ids,
        sagas: sagas.into_iter().map(crate::sagas::Started::from).collect(),
    })
}
