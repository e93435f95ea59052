//! Upstreams that were registered over the admin API: durable, and kept for as long as they show signs of life, when
//! they have a time to live.
//!
//! A heartbeat is not written down: it would be a commit for each, and after a restart everybody has a whole time to
//! live to be heard of again. What the configuration registers does not come through here.

mod expire;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime},
};

use serde::{Deserialize, Serialize};
use switchyard_core::{
    timestamp::Timestamp,
    upstream::{InvalidUpstream, Registration, Source, Upstream},
};
use switchyard_delivery::Error;
use switchyard_dispatch::Instance;
use switchyard_store::Backend;
use tokio::sync::watch;

use crate::durable::{Durable, Items};

pub(crate) use expire::expire;

/// Where they are kept.
const BUCKET: &str = "$registrations";

/// The most upstreams that the admin API keeps.
const REGISTRATIONS_MAX: usize = 10_000;

/// Keeps the registrations.
pub(crate) struct Registrations {
    durable: Durable<Kept>,
    /// The latest sign of life of each, in this process.
    seen: Mutex<HashMap<String, Seen>>,
    /// When this process began to listen for signs of life.
    since: Seen,
}

/// An upstream that is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub(crate) struct Kept {
    pub(crate) upstream: Arc<Upstream>,
    /// When its id was first registered.
    pub(crate) registered_at: Timestamp,
}

/// What the store has of it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    registration: Registration,
    registered_at: Timestamp,
}

/// A sign of life: the same moment by two clocks, one to count with and one to show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    counted: Instant,
    pub(crate) shown: Timestamp,
}

/// An upstream that was registered now.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) kept: Kept,
    /// Whether nobody had its id.
    pub(crate) is_new: bool,
    /// The version of what is kept that has it.
    pub(crate) version: u64,
}

// === impl Registrations ===

impl Registrations {
    /// Reads what is kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn open(store: Arc<dyn Backend>) -> anyhow::Result<Self> {
        let durable = Durable::open(store, BUCKET).await?;
        Ok(Self { durable, seen: Mutex::default(), since: Seen::now() })
    }

    /// Of a store that has none.
    #[cfg(test)]
    pub(crate) fn empty(store: Arc<dyn Backend>) -> Self {
        Self { durable: Durable::empty(store, BUCKET), seen: Mutex::default(), since: Seen::now() }
    }

    /// The upstreams by id, and each change.
    pub(crate) fn watch(&self) -> watch::Receiver<Items<Kept>> {
        self.durable.watch()
    }

    /// Keeps an upstream; one with the same id is replaced. That is a sign of life, too.
    ///
    /// # Errors
    /// When it does not hold, its id is one of the configuration's, there are too many, or the store cannot take it.
    pub(crate) async fn register(
        &self,
        registration: Registration,
        is_configured: impl Fn(&str) -> bool,
    ) -> Result<Registered, Error> {
        let upstream = registration.check(Source::Api).map_err(|invalid| invalid_member(&invalid))?;
        let upstream = Arc::new(upstream);
        // What it says about TLS is read, and forgotten again: here is who can mend it.
        Instance::of_upstream(Arc::clone(&upstream)).map_err(|invalid| Error::Invalid(invalid.to_string()))?;
        let id = upstream.id.clone();
        if is_configured(&id) {
            let text = format!("the configuration registers an upstream with the id '{id}'; give this one another");
            return Err(Error::Conflict(text));
        }
        let changing = self.durable.change().await;
        let items = changing.items();
        let before = items.get(&id);
        if before.is_none() && items.len() >= REGISTRATIONS_MAX {
            let text = format!("there are {REGISTRATIONS_MAX} registrations already; deregister some");
            return Err(Error::Conflict(text));
        }
        let seen = Seen::now();
        let registered_at = before.map_or(seen.shown, |before| before.registered_at);
        let kept = Kept { upstream, registered_at };
        // Before it is shown, so that it is not taken for one that was silent since the start.
        self.seen().insert(id.clone(), seen);
        let is_new = before.is_none();
        let version = changing.put(&id, kept.clone()).await.inspect_err(|_| {
            if is_new {
                self.seen().remove(&id);
            }
        })?;
        tracing::info!(id, service = %kept.upstream.name, is_new, "an upstream has been registered");
        Ok(Registered { kept, is_new, version })
    }

    /// Removes an upstream; answers the version of what is kept that is without it.
    ///
    /// # Errors
    /// When there is none, or the store cannot do it now.
    pub(crate) async fn deregister(&self, id: &str) -> Result<u64, Error> {
        let changing = self.durable.change().await;
        if !changing.items().contains_key(id) {
            return Err(missing(id));
        }
        let version = changing.remove(&[id.to_owned()]).await?;
        self.seen().remove(id);
        tracing::info!(id, "an upstream has been deregistered");
        Ok(version)
    }

    /// Notes that an upstream lives.
    ///
    /// # Errors
    /// When there is none with this id.
    pub(crate) fn heartbeat(&self, id: &str) -> Result<(Kept, Seen), Error> {
        let kept = self.durable.items().get(id).cloned().ok_or_else(|| missing(id))?;
        let seen = Seen::now();
        self.seen().insert(id.to_owned(), seen);
        Ok((kept, seen))
    }

    /// When the upstream with this id was registered here.
    pub(crate) fn registered_at(&self, id: &str) -> Option<Timestamp> {
        self.durable.items().get(id).map(|kept| kept.registered_at)
    }

    /// The latest sign of life of an upstream, in this process.
    pub(crate) fn last_seen(&self, id: &str) -> Option<Timestamp> {
        self.seen().get(id).map(|seen| seen.shown)
    }

    /// Whole also when somebody panicked with it.
    fn seen(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn missing(id: &str) -> Error {
    Error::NotFound(format!("there is no upstream {id} that was registered over the admin API"))
}

fn invalid_member(invalid: &InvalidUpstream) -> Error {
    Error::Invalid(format!("the registration is not as it should be: {invalid}"))
}

// === impl Seen ===

impl Seen {
    fn now() -> Self {
        Self { counted: Instant::now(), shown: SystemTime::now().into() }
    }
}

// === impl Kept ===

impl TryFrom<Written> for Kept {
    type Error = InvalidUpstream;

    fn try_from(Written { registration, registered_at }: Written) -> Result<Self, InvalidUpstream> {
        Ok(Self { upstream: Arc::new(registration.check(Source::Api)?), registered_at })
    }
}

impl From<Kept> for Written {
    fn from(Kept { upstream, registered_at }: Kept) -> Self {
        Self { registration: Registration::from(&*upstream), registered_at }
    }
}

#[cfg(test)]
mod tests;
