//! A host in memory, for tests: each thread has its own, so that tests do not meet.

mod batch;
mod events;
mod http;
mod kv;
mod queues;
mod registry;
mod sagas;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) use batch::{commit, read};
pub(crate) use events::{complete, publish, publish_many, published};
pub(crate) use http::{Server, calls, send, serve};
pub(crate) use kv::{Bucket, Cas};
pub(crate) use queues::{ack, defer, enqueue, extend, lease, nack, reject, waiting};
pub(crate) use registry::{discover, lookup, register};
pub(crate) use sagas::{Signal, cancel_saga, saga, sagas, signal_saga, signals, start_saga};

use super::Handled;
use crate::bindings::switchyard::plugin::{event_types, queue_types, sagas as saga_types};
use crate::log::Level;

#[derive(Default)]
struct Host {
    /// Values by bucket and key.
    entries: BTreeMap<(String, String), kv::Entry>,
    /// The last revision, and the last of whatever else has to be unique.
    revision: u64,
    events: Vec<event_types::Event>,
    queues: BTreeMap<String, queues::Queue>,
    dead_letters: Vec<queue_types::Message>,
    /// All that were started, in their order.
    sagas: Vec<saga_types::Snapshot>,
    signals: Vec<Signal>,
    /// What there is besides this service.
    instances: Vec<crate::registry::Instance>,
    /// What answers for other services and servers, by host and port.
    servers: BTreeMap<String, Server>,
    /// What was asked of them, and of whom.
    calls: Vec<(String, crate::Request)>,
    /// What a handler is at.
    handling: Option<Cause>,
    /// How far its clock is ahead.
    ahead: Duration,
    config: BTreeMap<String, String>,
    log: Vec<String>,
}

/// What is being handled, as far as the host needs it meanwhile.
#[derive(Debug, Clone)]
enum Cause {
    Event(event_types::Event),
    Message(queue_types::Message),
}

thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

fn with<T>(f: impl FnOnce(&mut Host) -> T) -> T {
    HOST.with_borrow_mut(f)
}

pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + with(|host| host.ahead)
}

pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

pub(crate) fn config_get(key: &str) -> Result<Option<String>, String> {
    Ok(with(|host| host.config.get(key).cloned()))
}

pub(crate) fn log(level: Level, context: &str, message: &str) {
    with(|host| host.log.push(format!("{level:?} {context} {message}")));
}

/// Runs a handler; meanwhile the host knows what it is at.
pub(crate) fn handling<T>(handled: Handled<'_>, handler: impl FnOnce() -> T) -> T {
    let cause = match handled {
        Handled::Event(event) => Cause::Event(event.raw().clone()),
        Handled::Message(message) => Cause::Message(message.raw().clone()),
    };
    let before = with(|host| host.handling.replace(cause));
    let answer = handler();
    with(|host| host.handling = before);
    answer
}

/// A place in the log for an event that a test delivers; all are different, and rise.
pub(crate) fn next_sequence() -> u64 {
    with(Host::next_revision)
}

pub(crate) fn dead_letters() -> Vec<queue_types::Message> {
    with(|host| host.dead_letters.clone())
}

pub(crate) fn advance(time: Duration) {
    with(|host| host.ahead += time);
}

pub(crate) fn sleep(time: Duration) {
    advance(time);
}

pub(crate) fn set_config(key: &str, value: &str) {
    with(|host| host.config.insert(key.to_owned(), value.to_owned()));
}

pub(crate) fn logged() -> Vec<String> {
    with(|host| host.log.clone())
}

// === impl Host ===

impl Host {
    fn next_revision(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }
}
