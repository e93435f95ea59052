//! Subscriptions: what is wanted, how far each has come, and the worker of each.

mod ack;
mod api;
mod deliver;
mod follow;
mod progress;
mod read;
mod settle;
mod webhook;
mod worker;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
};

use switchyard_core::{event::topic::Pattern, manifest::SubscriptionSpec, name::Digest};
use switchyard_dispatch::{Service, Snapshot};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{ConfiguredSubscription, Endpoint, MAX_ATTEMPTS},
    filter::Filter,
    stats::Counters,
};

pub(crate) use ack::Acking;
pub(crate) use deliver::{DEFER, HANDLE_MAX, UNAVAILABLE_PAUSE, answered};
use progress::Progress;
pub(crate) use settle::Outcome;

/// The bucket of what the host remembers of subscriptions besides their cursors.
pub(crate) const BUCKET: &str = "$subscriptions";

/// Who asked for a subscription; of two who want the same name, the first of these has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    Config,
    Api,
    Manifest,
    Host,
}

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) spec: SubscriptionSpec,
    pub(crate) pattern: Pattern,
    filter: Option<Filter>,
    pub(crate) origin: Origin,
    /// Who is called: all members of the group, in turn. Never empty.
    pub(crate) endpoints: Vec<Endpoint>,
    /// Whose share of the host's places its deliveries take: the first endpoint's.
    share: Arc<str>,
}

/// One subscription, at work.
pub(crate) struct Subscription {
    /// Its name, which its cursor goes by.
    pub(crate) name: Arc<str>,
    declared: RwLock<Arc<Declared>>,
    /// None until the cursor was read.
    progress: Mutex<Option<Progress>>,
    paused: AtomicBool,
    ended: AtomicBool,
    /// Wakes the worker.
    wake: Notify,
    counters: Counters,
    /// Whose turn it is among the endpoints.
    turn: AtomicUsize,
    /// Why it cannot go on, when it cannot.
    trouble: Mutex<Option<String>>,
    stop: CancellationToken,
}

/// Somebody who can be called now.
enum Callee {
    Service(Arc<Service>),
    Url(String),
    Sagas,
}

/// All subscriptions of the host.
#[derive(Default)]
pub(crate) struct Subscriptions {
    running: Mutex<BTreeMap<Arc<str>, Arc<Subscription>>>,
    /// What was asked for over the API; the store has it too.
    asked: Mutex<BTreeMap<String, ConfiguredSubscription>>,
}

// === impl Origin ===

impl Origin {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Api => "api",
            Self::Manifest => "manifest",
            Self::Host => "host",
        }
    }
}

// === impl Subscription ===

impl Subscription {
    fn new(name: Arc<str>, declared: Declared) -> Arc<Self> {
        Arc::new(Self {
            name,
            declared: RwLock::new(Arc::new(declared)),
            progress: Mutex::new(None),
            paused: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            wake: Notify::new(),
            counters: Counters::default(),
            turn: AtomicUsize::new(0),
            trouble: Mutex::new(None),
            stop: CancellationToken::new(),
        })
    }

    /// How it is addressed in paths: by its name where that needs no escape, else by a digest of it.
    pub(crate) fn id(&self) -> String {
        let is_safe = self.name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~'));
        if is_safe {
            self.name.as_ref().to_owned()
        } else {
            Digest::of(self.name.as_bytes()).to_string()[..16].to_owned()
        }
    }

    pub(crate) fn declared(&self) -> Arc<Declared> {
        Arc::clone(&self.declared.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn declare(&self, declared: Declared) {
        *self.declared.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(declared);
    }

    fn progress(&self) -> MutexGuard<'_, Option<Progress>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_cancelled() || self.ended.load(Relaxed)
    }

    /// Somebody who can be called now; members of the group take turns.
    fn callee(&self, declared: &Declared, snapshot: &Snapshot) -> Option<Callee> {
        let count = declared.endpoints.len();
        let first = self.turn.fetch_add(1, Relaxed);
        (0..count).find_map(|step| match &declared.endpoints[(first + step) % count] {
            Endpoint::Url(url) => Some(Callee::Url(url.clone())),
            Endpoint::Sagas => Some(Callee::Sagas),
            Endpoint::Service(name) => snapshot.services.get(name).cloned().map(Callee::Service),
        })
    }

    fn note_trouble(&self, trouble: Option<String>) {
        let mut noted = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = trouble.as_ref().filter(|_| *noted != trouble) {
            tracing::error!(subscription = &*self.name, reason, "a subscription cannot go on");
        }
        *noted = trouble;
    }
}

// === impl Declared ===

impl Declared {
    /// Checked when it was declared; what does not hold all the same is refused here.
    fn new(spec: &SubscriptionSpec, origin: Origin, endpoint: Endpoint) -> Result<Self, String> {
        Ok(Self {
            pattern: spec
                .topic
                .parse()
                .map_err(|error: switchyard_core::event::topic::InvalidTopic| error.to_string())?,
            filter: spec.filter.as_deref().map(Filter::new).transpose().map_err(|error| error.to_string())?,
            spec: spec.clone(),
            origin,
            share: match &endpoint {
                Endpoint::Service(name) => name.as_str().into(),
                Endpoint::Url(url) => url.as_str().into(),
                Endpoint::Sagas => "$sagas".into(),
            },
            endpoints: vec![endpoint],
        })
    }

    fn max_attempts(&self) -> u32 {
        self.spec.max_attempts.unwrap_or(MAX_ATTEMPTS)
    }
}

// === impl Subscriptions ===

impl Subscriptions {
    pub(crate) fn running(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Arc<Subscription>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self) -> MutexGuard<'_, BTreeMap<String, ConfiguredSubscription>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// By name.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<Subscription>> {
        self.running().get(name).cloned()
    }

    /// By id or name.
    fn find(&self, id: &str) -> Option<Arc<Subscription>> {
        let running = self.running();
        running.get(id).or_else(|| running.values().find(|subscription| subscription.id() == id)).cloned()
    }

    /// How many subscriptions have a pattern that this topic matches, and the cursor of the one that is least far.
    pub(crate) fn matching(&self, topic: &str) -> (usize, Option<u64>) {
        let running = self.running();
        let matching = running.values().filter(|subscription| subscription.declared().pattern.matches(topic));
        let cursors = matching.map(|subscription| subscription.progress().as_ref().map(|p| p.window.floor()));
        cursors.fold((0, None), |(count, slowest): (usize, Option<u64>), cursor| {
            (count + 1, cursor.map(|cursor| slowest.map_or(cursor, |slowest| slowest.min(cursor))).or(slowest))
        })
    }
}
