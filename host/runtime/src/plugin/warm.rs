//! Instances that wait for their next call.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use wasmtime::Store;

use super::{INSTANCE_IDLE_MAX, roles::Exports};
use crate::{context::CallContext, limiter::CpuMeter, settings::REUSE_MAX, state::GuestState};

/// A guest instance with its store.
pub(crate) struct Guest {
    pub(super) store: Store<GuestState>,
    pub(super) exports: Exports,
    /// How many calls it has served.
    served: u32,
    idle_since: Instant,
}

/// The idle instances of one plugin's code. The last one used is used first: its memory is warm, and the others
/// grow old and are given up.
pub(crate) struct Warm {
    idle: Mutex<Vec<Guest>>,
    reused: bool,
}

// === impl Guest ===

impl Guest {
    pub(crate) fn new(store: Store<GuestState>, exports: Exports) -> Self {
        Self { store, exports, served: 0, idle_since: Instant::now() }
    }

    /// Begins a call, and answers what is to be charged with it.
    pub(super) fn begin(&mut self, context: CallContext) -> CpuMeter {
        let state = self.store.data_mut();
        state.begin(context);
        let meter = state.cpu.clone();
        self.store.set_epoch_deadline(1);
        meter
    }
}

// === impl Warm ===

impl Warm {
    pub(super) fn new(reused: bool) -> Self {
        Self { idle: Mutex::new(Vec::new()), reused }
    }

    pub(super) fn take(&self) -> Option<Guest> {
        if self.reused { self.lock().pop() } else { None }
    }

    /// Keeps an instance whose call went well, unless it has served its time.
    pub(super) fn give_back(&self, mut guest: Guest) {
        guest.served += 1;
        if self.reused && guest.served < REUSE_MAX && guest.store.data().messages.may_be_kept() {
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

    fn lock(&self) -> MutexGuard<'_, Vec<Guest>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
