//! Admission to a plugin: so many calls inside, so many waiting, the rest is refused at once.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
};

use switchyard_core::name::ServiceName;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{context::CallContext, error::GuestError};

pub(super) struct Gate {
    service: ServiceName,
    places: Arc<Semaphore>,
    places_max: u32,
    waiting: AtomicU32,
    queue_max: u32,
}

/// A place inside, and whether its call has begun: what ends before that has only waited.
pub(super) struct Admission {
    permit: OwnedSemaphorePermit,
    begun: Arc<AtomicBool>,
}

/// Counts one who waits, also when its future is dropped.
struct Waiting<'a>(&'a AtomicU32);

// === impl Gate ===

impl Gate {
    pub(super) fn new(service: ServiceName, places_max: u32, queue_max: u32) -> Self {
        let places = Arc::new(Semaphore::new(places_max as usize));
        Self { service, places, places_max, waiting: AtomicU32::new(0), queue_max }
    }

    /// Waits for a place. The caller bounds the time; `begun` is set when the call goes into the guest.
    pub(super) async fn enter(&self, context: &CallContext, begun: &Arc<AtomicBool>) -> Result<Admission, GuestError> {
        let admission = |permit| Admission { permit, begun: begun.clone() };
        if let Ok(permit) = self.places.clone().try_acquire_owned() {
            return Ok(admission(permit));
        }
        // Who holds the places may be waiting for this very call.
        if context.ancestors.contains(&self.service) {
            return Err(self.busy("a call of itself found no free place"));
        }
        let waiting = Waiting(&self.waiting);
        if self.waiting.fetch_add(1, Relaxed) >= self.queue_max {
            return Err(self.busy("too many calls wait already (queue-max)"));
        }
        let permit = self.places.clone().acquire_owned().await;
        drop(waiting);
        permit.map(admission).map_err(|_| self.busy("it is shutting down"))
    }

    pub(super) fn under_way(&self) -> usize {
        self.inside() + self.waiting()
    }

    pub(super) fn inside(&self) -> usize {
        (self.places_max as usize).saturating_sub(self.places.available_permits())
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Relaxed) as usize
    }

    pub(super) fn busy(&self, reason: &str) -> GuestError {
        GuestError::Busy { service: self.service.clone(), reason: reason.to_owned() }
    }
}

impl Admission {
    /// The call begins.
    pub(super) fn begin(self) -> OwnedSemaphorePermit {
        self.begun.store(true, Relaxed);
        self.permit
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::context;

    #[tokio::test]
    async fn a_call_never_queues_behind_its_own_ancestors() {
        let gate = Gate::new("a".parse().unwrap(), 1, 10);
        let _inside = gate.enter(&context(&[]), &Arc::default()).await.unwrap();
        assert!(matches!(gate.enter(&context(&["b", "a"]), &Arc::default()).await, Err(GuestError::Busy { .. })));
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_forgets_who_left() {
        let gate = Gate::new("a".parse().unwrap(), 1, 1);
        let inside = gate.enter(&context(&[]), &Arc::default()).await.unwrap();
        let (outside, begun) = (context(&[]), Arc::default());
        let mut waiting = Box::pin(gate.enter(&outside, &begun));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        assert!(matches!(gate.enter(&context(&[]), &Arc::default()).await, Err(GuestError::Busy { .. })));
        drop(waiting);
        let mut again = Box::pin(gate.enter(&outside, &begun));
        assert!(futures_util::poll!(&mut again).is_pending());
        drop(inside);
        assert!(again.await.is_ok());
    }
}
