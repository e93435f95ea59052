//! Copies of requests, whose answers nobody waits for.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use http::Request;
use switchyard_core::retry::Policy;
use switchyard_runtime::{Body, CallContext};
use tokio::sync::Semaphore;

use crate::{calls::CallOptions, dispatcher::Dispatcher, service::Service};

/// The most copies under way; further ones are dropped.
pub const MIRRORS_MAX: usize = 64;

/// The largest answer that is read, so that its connection can be used again; 64 KiB.
const ANSWER_MAX: usize = 64 << 10;

/// What is known of copies.
pub(crate) struct Mirrors {
    places: Arc<Semaphore>,
    sent: AtomicU64,
    dropped: AtomicU64,
}

/// How many copies there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MirrorCounts {
    /// Those that were sent.
    pub sent: u64,
    /// Those that were not: [`MIRRORS_MAX`] were under way, or the body of a call between versions was too long to be held.
    pub dropped: u64,
}

// === impl Mirrors ===

impl Mirrors {
    pub(crate) fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(MIRRORS_MAX)), sent: AtomicU64::new(0), dropped: AtomicU64::new(0) }
    }

    /// Counts one that is not sent.
    pub(crate) fn drop_one(&self) {
        self.dropped.fetch_add(1, Relaxed);
    }
}

// === impl Dispatcher ===

impl Dispatcher {
    /// Sends a copy of a request to a service, and does not wait for it. It is not repeated, and has its context's time
    /// for all of its answer, which is dropped. Its fate is that of any other call for the service's own breakers, and
    /// nothing to the caller's. Whether it was sent.
    pub fn mirror(&self, service: &Arc<Service>, context: CallContext, request: Request<Body>) -> bool {
        let place = Arc::clone(&self.mirrors.places).try_acquire_owned();
        let (Ok(place), Some(dispatcher)) = (place, self.this.upgrade()) else {
            self.mirrors.drop_one();
            return false;
        };
        self.mirrors.sent.fetch_add(1, Relaxed);
        let service = Arc::clone(service);
        tokio::spawn(async move {
            let _place = place;
            let deadline = context.deadline;
            let once = Policy { attempts: 1, ..Policy::default() };
            let options = CallOptions { retry: Some(&once), affinity: None };
            match dispatcher.call_with(&service, context, request, options).await {
                Ok(answer) => _ = tokio::time::timeout_at(deadline, answer.into_body().collect(ANSWER_MAX)).await,
                Err(error) => tracing::debug!(service = %service.name(), %error, "a copy of a request has no answer"),
            }
        });
        true
    }

    /// How many copies there were so far.
    pub fn mirrors(&self) -> MirrorCounts {
        MirrorCounts { sent: self.mirrors.sent.load(Relaxed), dropped: self.mirrors.dropped.load(Relaxed) }
    }
}
