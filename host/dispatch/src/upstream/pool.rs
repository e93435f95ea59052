//! Connections of HTTP/1.1 to one server that wait for the next request.
//!
//! The latest that was used is used next, so that as few as are needed stay open. Each request has a place from before
//! it takes or makes a connection until its answer has ended, and an idle connection is taken before one is made: so
//! there are never more connections than places.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until, timeout_at},
};

use super::{IDLE_MAX, link::Link};

/// The connections.
pub(super) struct Pool {
    places: Semaphore,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// The one that has waited longest is first.
    links: VecDeque<Waiting>,
    /// Whether a task closes those that have waited too long.
    is_swept: bool,
}

struct Waiting {
    link: Link,
    since: Instant,
}

/// Permission to have a connection in use.
pub(super) struct Place(Arc<Pool>);

// === impl Pool ===

impl Pool {
    /// Without connections; there will never be more than `max`.
    pub(super) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { places: Semaphore::new(max), idle: Mutex::default() })
    }

    /// A place, once there is one; none when there is none by the deadline.
    pub(super) async fn enter(self: &Arc<Self>, deadline: Instant) -> Option<Place> {
        let permit = match self.places.try_acquire() {
            Ok(permit) => permit,
            Err(_) => timeout_at(deadline, self.places.acquire()).await.ok()?.ok()?,
        };
        permit.forget();
        Some(Place(Arc::clone(self)))
    }

    /// Closes what has waited too long, and answers when there is something to close next.
    fn sweep(&self) -> Option<Instant> {
        let mut idle = self.idle();
        let now = Instant::now();
        while let Some(first) = idle.links.front() {
            let due = first.since + IDLE_MAX;
            if due > now {
                return Some(due);
            }
            idle.links.pop_front();
        }
        idle.is_swept = false;
        None
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes what waits too long, as long as something waits and somebody could take it.
async fn sweep(pool: Weak<Pool>) {
    while let Some(due) = pool.upgrade().and_then(|pool| pool.sweep()) {
        // Not for each of them alone.
        sleep_until(due + Duration::from_millis(100)).await;
    }
}

// === impl Place ===

impl Place {
    /// A connection that waited, if there is one that is still open.
    pub(super) fn take(&self) -> Option<Link> {
        loop {
            // Others need not wait while it is looked at.
            let mut waiting = self.0.idle().links.pop_back()?;
            if waiting.link.is_usable() {
                return Some(waiting.link);
            }
        }
    }

    /// Has a connection wait for the next request, if it is still open.
    pub(super) fn give_back(self, mut link: Link) {
        if !link.can_rest() {
            return;
        }
        let mut idle = self.0.idle();
        idle.links.push_back(Waiting { link, since: Instant::now() });
        if !std::mem::replace(&mut idle.is_swept, true) {
            tokio::spawn(sweep(Arc::downgrade(&self.0)));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.places.add_permits(1);
    }
}
