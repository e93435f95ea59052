//! The workers of 0.3: what is known of an instance and the requests inside, and when it ends.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Sleep, sleep_until},
};
use wasmtime::{Store, StoreContextMut, UpdateDeadline, component::GuestTaskId};
use wasmtime_wasi_http::handler::{ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus};

use super::chain::{Nexts, Onward};
use crate::{
    context::CallContext,
    engine::EPOCH_TICK,
    error::{GuestError, explain},
    limiter::CpuExceeded,
    plugin::INSTANCE_IDLE_MAX,
    settings::CONCURRENT_03_MAX,
    state::{GuestState, Shared},
};

/// One worker: an instance and the requests inside.
pub(super) struct Worker {
    reuse_max: usize,
    watch: Arc<Watch>,
    shared: Arc<Shared>,
    next_request: AtomicU64,
}

/// What is known of a worker, for all who have to do with it.
#[derive(Default)]
pub(super) struct Watch {
    /// Why it died.
    pub(super) last_error: Mutex<Option<GuestError>>,
    /// Epochs that passed while the guest computed without once waiting.
    busy_ticks: AtomicU32,
    /// Whether the last pause was forced by an epoch, rather than a wait of the guest's own.
    was_interrupted: AtomicBool,
    /// Responses whose bodies have not ended.
    pub(super) open_bodies: AtomicUsize,
    /// How many requests and such responses there were when the guest was seen last. When it dies they leave first.
    together: AtomicUsize,
    /// Whether one of those that died together was told that it counts.
    has_counted: AtomicBool,
    /// The circumstances of the requests inside.
    inside: Mutex<BTreeMap<u64, CallContext>>,
    /// How they go on, where it is a middleware.
    pub(super) nexts: Arc<Nexts>,
}

/// Ends a request's stay: when it has answered, or has expired, or the worker is gone.
struct Stay {
    watch: Arc<Watch>,
    request: u64,
    onward: Option<Arc<Onward>>,
    _permit: Arc<OwnedSemaphorePermit>,
}

/// When a worker that does nothing, or nothing any more, ends.
pub(super) struct Expiration {
    deadline_max: Duration,
    watch: Arc<Watch>,
    sleep: Pin<Box<Sleep>>,
}

/// What goes with a request into its worker.
pub(super) struct Accompanying {
    pub(super) context: CallContext,
    pub(super) permit: Arc<OwnedSemaphorePermit>,
    /// How it goes on from a middleware.
    pub(super) onward: Option<Arc<Onward>>,
    /// Filled in by the worker that takes the request.
    pub(super) worker: Arc<Mutex<Option<Arc<Watch>>>>,
}

/// Ends an instance that computes for longer than `max` without once waiting. Epochs are counted rather than time,
/// so what passes while others have the thread is not charged.
pub(super) fn limit_computation(store: &mut Store<GuestState>, watch: &Arc<Watch>, max: Duration) {
    let ticks_max = u32::try_from(max.as_millis() / EPOCH_TICK.as_millis()).unwrap_or(u32::MAX).max(1);
    let watch = watch.clone();
    store.epoch_deadline_callback(move |store| {
        // Its time is known by these looks at it only.
        store.data().shared.usage.computed(u64::try_from(EPOCH_TICK.as_nanos()).unwrap_or_default());
        watch.was_interrupted.store(true, Relaxed);
        if watch.busy_ticks.fetch_add(1, Relaxed) >= ticks_max {
            return Err(CpuExceeded { max }.into());
        }
        Ok(UpdateDeadline::Yield(1))
    });
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Watch ===

impl Watch {
    /// The circumstances under which this worker sends requests of its own.
    fn outgoing(&self) -> Option<CallContext> {
        let inside = lock(&self.inside);
        let deepest = inside.values().max_by_key(|context| context.hops())?;
        let deadline = inside.values().map(|context| context.deadline).max()?;
        // No event may be said to follow from what a neighbour handles.
        let cause = deepest.cause.clone().filter(|_| inside.len() == 1);
        Some(CallContext { deadline, cause, ..deepest.clone() })
    }

    fn count_together(&self) {
        let together = lock(&self.inside).len() + self.open_bodies.load(Relaxed);
        self.together.store(together, Relaxed);
    }

    /// What one of those who were inside is told of the worker's end.
    pub(super) fn tell(&self, cause: GuestError) -> GuestError {
        if self.together.load(Relaxed) < 2 {
            return cause;
        }
        GuestError::Shared { cause: Box::new(cause), counts: !self.has_counted.swap(true, Relaxed) }
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        lock(&self.watch.inside).remove(&self.request);
        if let Some(onward) = &self.onward {
            self.watch.nexts.leave(onward);
        }
    }
}

// === impl Worker ===

impl Worker {
    pub(super) fn new(reuse_max: usize, watch: Arc<Watch>, shared: Arc<Shared>) -> Self {
        Self { reuse_max, watch, shared, next_request: AtomicU64::new(0) }
    }
}

impl WorkerState for Worker {
    type StoreData = GuestState;
    type RequestData = Accompanying;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= self.reuse_max {
            ShouldAccept::Never
        } else if concurrent >= CONCURRENT_03_MAX {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        mut store: StoreContextMut<'_, GuestState>,
        data: Accompanying,
        task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        *lock(&data.worker) = Some(self.watch.clone());
        let deadline = data.context.deadline;
        let request = self.next_request.fetch_add(1, Relaxed);
        lock(&self.watch.inside).insert(request, data.context);
        self.watch.count_together();
        if let Some(context) = self.watch.outgoing() {
            store.data_mut().begin(context);
            // Whose line it is cannot be told while there are several.
            if lock(&self.watch.inside).len() > 1 {
                store.data().current.end();
            }
        }
        // A guest that computes keeps new requests from being taken, so this one shows that it does not.
        self.watch.busy_ticks.store(0, Relaxed);
        if let Some(onward) = &data.onward {
            self.watch.nexts.enter(task, onward.clone());
        }
        let stay = Stay { watch: self.watch.clone(), request, onward: data.onward, _permit: data.permit };
        Box::pin(async move {
            sleep_until(deadline).await;
            drop(stay);
        })
    }

    fn drop(&self, store: Store<GuestState>, result: Result<(), wasmtime::Error>) {
        if let Err(error) = result {
            let reason = explain(&self.shared.service, &error, store.data().memory.refused);
            *lock(&self.watch.last_error) = Some(reason);
        }
    }
}

// === impl Expiration ===

impl Expiration {
    pub(super) fn new(deadline_max: Duration, watch: Arc<Watch>) -> Self {
        Self { deadline_max, watch, sleep: Box::pin(tokio::time::sleep(INSTANCE_IDLE_MAX)) }
    }
}

impl WorkerExpiration for Expiration {
    /// Called after each pause of the worker.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, status: WorkerStatus, start: Instant) -> Poll<()> {
        if !self.watch.was_interrupted.swap(false, Relaxed) {
            self.watch.busy_ticks.store(0, Relaxed);
        }
        self.watch.count_together();
        let end = match status {
            WorkerStatus::Idle => start + INSTANCE_IDLE_MAX,
            // A body that is being read may go on; the connection's idle time-out bounds it.
            WorkerStatus::PostReturn if self.watch.open_bodies.load(Relaxed) > 0 => Instant::now() + self.deadline_max,
            // One second later than each request's own deadline, which is the gentler one.
            WorkerStatus::Requests | WorkerStatus::PostReturn => start + self.deadline_max + Duration::from_secs(1),
        };
        self.sleep.as_mut().reset(tokio::time::Instant::from_std(end));
        self.sleep.as_mut().poll(cx)
    }
}
