//! The published keys of an issuer: fetched before they are too old, and once more when a token names one that is not
//! among them.
//!
//! There is no task for it. A request that finds the keys old begins to fetch them, and goes on with those that are
//! there; one that finds none waits, with all others, for the one fetch under way. A fetch ends even when the request
//! that began it is gone, so that nobody can begin it again and again.
//!
//! **Invariants**: at most one fetch of an issuer is under way; unknown keys cause at most one in
//! [`schedule::FORCED_PAUSE`], however many tokens name them; a failed fetch takes no keys away before
//! [`schedule::KEPT`] is over.

mod schedule;

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use http::{HeaderMap, header::CACHE_CONTROL};
use switchyard_dispatch::{DOCUMENT_MAX, Fetcher};
use tokio::{
    io::AsyncReadExt,
    sync::{Mutex as Turn, OwnedMutexGuard},
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use self::schedule::{Need, Schedule};
use super::jwt::{Issuer, KeySource, Keys};

/// The keys of one issuer.
pub(crate) struct Source {
    /// What it is called in the log.
    issuer: String,
    place: KeySource,
    fetcher: Arc<OnceLock<Fetcher>>,
    keys: ArcSwapOption<Keys>,
    schedule: Mutex<Schedule>,
    /// Held by the fetch under way.
    turn: Arc<Turn<()>>,
}

// === impl Source ===

impl Source {
    /// The keys of an issuer, none of which is there yet unless they are a secret.
    pub(crate) fn new(issuer: &Issuer, fetcher: Arc<OnceLock<Fetcher>>) -> Arc<Self> {
        let secret = match &issuer.keys {
            KeySource::Secret(secret) => Some(Arc::new(Keys::of_secret(secret))),
            KeySource::Url(_) | KeySource::File(_) => None,
        };
        Arc::new(Self {
            issuer: issuer.name.clone(),
            place: issuer.keys.clone(),
            fetcher,
            keys: ArcSwapOption::new(secret),
            schedule: Mutex::default(),
            turn: Arc::default(),
        })
    }

    /// Whether it is that of an issuer, so that what it knows can be kept.
    pub(crate) fn is_of(&self, issuer: &Issuer) -> bool {
        self.issuer == issuer.name && self.place == issuer.keys
    }

    /// Begins to fetch, where nothing is known yet.
    pub(crate) fn prefetch(self: &Arc<Self>, now: Instant) {
        if self.need(now) == Need::Now && tokio::runtime::Handle::try_current().is_ok() {
            self.fetch_soon(now);
        }
    }

    /// The keys, as new as they have to be; none when they cannot be had by the deadline.
    pub(crate) async fn keys(self: &Arc<Self>, now: Instant, deadline: Instant) -> Option<Arc<Keys>> {
        match self.need(now) {
            Need::Nothing => self.keys.load_full(),
            Need::Soon => {
                self.fetch_soon(now);
                self.keys.load_full()
            }
            Need::Now | Need::Lost => timeout_at(deadline, self.awaited(now)).await.ok()?,
        }
    }

    /// The keys after a token named one that `seen` does not have; none when they are still the same.
    pub(crate) async fn newer(
        self: &Arc<Self>,
        seen: &Arc<Keys>,
        now: Instant,
        deadline: Instant,
    ) -> Option<Arc<Keys>> {
        timeout_at(deadline, self.awaited_newer(seen, now)).await.ok()?
    }

    async fn awaited(self: &Arc<Self>, now: Instant) -> Option<Arc<Keys>> {
        // A fetch that began with the policy, or for another request, may bring them.
        let turn = Arc::clone(&self.turn).lock_owned().await;
        if self.need(now) == Need::Now {
            self.fetch(turn, now).await;
        }
        if self.need(now) == Need::Lost { None } else { self.keys.load_full() }
    }

    async fn awaited_newer(self: &Arc<Self>, seen: &Arc<Keys>, now: Instant) -> Option<Arc<Keys>> {
        let is_newer = |keys: &Arc<Keys>| !Arc::ptr_eq(keys, seen);
        if matches!(self.place, KeySource::Secret(_)) {
            return None;
        }
        // The many that come while one is fetched may hope for what it brings; all later ones need not wait.
        let turn = Arc::clone(&self.turn).lock_owned().await;
        if let Some(keys) = self.keys.load_full().filter(is_newer) {
            return Some(keys);
        }
        if !self.schedule().force(now) {
            return None;
        }
        self.fetch(turn, now).await;
        self.keys.load_full().filter(is_newer)
    }

    fn need(&self, now: Instant) -> Need {
        match self.place {
            KeySource::Secret(_) => Need::Nothing,
            KeySource::Url(_) | KeySource::File(_) => self.schedule().need(now),
        }
    }

    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fetch_soon(self: &Arc<Self>, now: Instant) {
        if let Ok(turn) = Arc::clone(&self.turn).try_lock_owned() {
            drop(self.spawn(turn, now));
        }
    }

    async fn fetch(self: &Arc<Self>, turn: OwnedMutexGuard<()>, now: Instant) {
        // A panic in it leaves everything as it was.
        let _ = self.spawn(turn, now).await;
    }

    /// On a task of its own, so that it ends also when nobody waits any more. What it brings is as old as its beginning.
    fn spawn(self: &Arc<Self>, turn: OwnedMutexGuard<()>, now: Instant) -> JoinHandle<()> {
        self.schedule().attempted(now);
        let source = Arc::clone(self);
        tokio::spawn(async move {
            let _turn = turn;
            match source.read().await {
                Ok((keys, lifetime)) => {
                    source.keys.store(Some(Arc::new(keys)));
                    source.schedule().succeeded(now, lifetime);
                }
                Err(error) => {
                    tracing::warn!(issuer = source.issuer, error, "the keys of an issuer cannot be fetched");
                }
            }
        })
    }

    async fn read(&self) -> Result<(Keys, Duration), String> {
        let (headers, document) = match &self.place {
            KeySource::Url(url) => {
                let fetcher = self.fetcher.get_or_init(Fetcher::new);
                fetcher.get(url).await.map_err(|error| error.to_string())?
            }
            KeySource::File(path) => {
                let at = |error| format!("{}: {error}", path.display());
                let file = tokio::fs::File::open(path).await.map_err(at)?;
                let mut document = Vec::new();
                file.take(DOCUMENT_MAX as u64 + 1).read_to_end(&mut document).await.map_err(at)?;
                if document.len() > DOCUMENT_MAX {
                    return Err(format!("{} has more than {DOCUMENT_MAX} bytes", path.display()));
                }
                (HeaderMap::new(), document.into())
            }
            KeySource::Secret(_) => return Err("a secret is not fetched".to_owned()),
        };
        let lifetime = match &self.place {
            KeySource::File(_) => schedule::LIFETIME_OF_FILE,
            _ => schedule::lifetime(headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok())),
        };
        Ok((Keys::of_set(&document).map_err(|error| error.to_string())?, lifetime))
    }
}
