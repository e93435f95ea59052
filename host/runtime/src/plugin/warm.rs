//! Instances that wait for their next call.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use wasmtime::{Engine, Store};

use super::INSTANCE_IDLE_MAX;
use crate::{settings::REUSE_MAX, state::GuestState};

/// A guest instance with its store.
pub(crate) struct Guest<I> {
    pub(super) store: Store<GuestState>,
    pub(super) instance: I,
    /// How many calls it has served.
    served: u32,
    idle_since: Instant,
}

/// The idle instances of one plugin's code. The last one used is used first: its memory is warm, and the others
/// grow old and are given up.
pub(crate) struct Warm<I> {
    idle: Mutex<Vec<Guest<I>>>,
    reused: bool,
}

/// A component that is linked, so that instances of it can be made.
pub(crate) trait Instantiate: Sync {
    /// The instance with its exports looked up.
    type Instance: Send;

    /// The engine it was compiled for.
    fn engine(&self) -> &Engine;

    /// Makes one instance.
    fn instantiate(
        &self,
        store: &mut Store<GuestState>,
    ) -> impl Future<Output = wasmtime::Result<Self::Instance>> + Send;
}

// === impl Guest ===

impl<I> Guest<I> {
    pub(crate) fn new(store: Store<GuestState>, instance: I) -> Self {
        Self { store, instance, served: 0, idle_since: Instant::now() }
    }
}

// === impl Warm ===

impl<I> Warm<I> {
    pub(super) fn new(reused: bool) -> Self {
        Self { idle: Mutex::new(Vec::new()), reused }
    }

    pub(super) fn take(&self) -> Option<Guest<I>> {
        if self.reused { self.lock().pop() } else { None }
    }

    /// Keeps an instance whose call went well, unless it has served its time.
    pub(super) fn give_back(&self, mut guest: Guest<I>) {
        guest.served += 1;
        if self.reused && guest.served < REUSE_MAX {
            guest.idle_since = Instant::now();
            self.lock().push(guest);
        }
    }

    pub(super) fn sweep(&self, now: Instant) {
        let expired: Vec<_> = {
            let mut idle = self.lock();
            let young = idle.partition_point(|guest| now.duration_since(guest.idle_since) > INSTANCE_IDLE_MAX);
            idle.drain(..young).collect()
        };
        // Dropped here, without the lock.
        drop(expired);
    }

    pub(super) fn clear(&self) {
        let all = std::mem::take(&mut *self.lock());
        drop(all);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Guest<I>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
