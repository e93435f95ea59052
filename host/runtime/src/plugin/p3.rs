//! `wasi:http/handler@0.3`: up to 16 requests at once in one instance.
//!
//! This is the one module that stands on wasmtime's experimental 0.3 half. Its `ProxyHandler` keeps the instances:
//! a worker task for each, started when no other can take a request, ended when idle. CPU time cannot be told
//! apart between requests that share an instance, so the limit is on uninterrupted computation. Nor can it be told
//! which of them sends a request of its own: that one gets the deepest ancestors and the latest deadline of all that
//! are inside, so that hops stay bounded and nobody is cut short by a neighbour, and no cause unless it is alone.

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

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Sleep, sleep_until},
};
use wasmtime::{
    PoolConcurrencyLimitError, Store, StoreContextMut, UpdateDeadline,
    component::{GuestTaskId, InstancePre},
};
use wasmtime_wasi_http::{
    WasiBody, WasiHttpView,
    handler::{
        ExpirationError, HandlerState, Instance, InstantiationError, Proxy, ProxyHandler, ShouldAccept,
        WorkerExpiration, WorkerState, WorkerStatus,
    },
    p3::bindings::ServicePre,
};

use super::{INSTANCE_IDLE_MAX, gate::Admission};
use crate::{
    body::{Body, BodyError},
    context::CallContext,
    engine::EPOCH_TICK,
    error::{GuestError, explain},
    host::http::to_wasi,
    limiter::CpuExceeded,
    runtime::Inner,
    settings::{CONCURRENT_03_MAX, REUSE_MAX},
    state::{GuestState, Shared},
};

pub(super) struct Concurrent {
    handler: ProxyHandler<Handler>,
}

struct Handler {
    inner: Arc<Inner>,
    pre: ServicePre<GuestState>,
    shared: Arc<Shared>,
    reuse_max: usize,
}

/// One worker: an instance and the requests inside.
struct Worker {
    reuse_max: usize,
    watch: Arc<Watch>,
    shared: Arc<Shared>,
    next_request: AtomicU64,
}

/// What is known of a worker, for all who have to do with it.
#[derive(Default)]
struct Watch {
    /// Why it died.
    last_error: Mutex<Option<GuestError>>,
    /// Epochs that passed while the guest computed without once waiting.
    busy_ticks: AtomicU32,
    /// Whether the last pause was forced by an epoch, rather than a wait of the guest's own.
    was_interrupted: AtomicBool,
    /// Responses whose bodies have not ended.
    open_bodies: AtomicUsize,
    /// The circumstances of the requests inside.
    inside: Mutex<BTreeMap<u64, CallContext>>,
}

/// Ends a request's stay: when it has answered, or has expired, or the worker is gone.
struct Stay {
    watch: Arc<Watch>,
    request: u64,
    _permit: Arc<OwnedSemaphorePermit>,
}

/// When a worker that does nothing, or nothing any more, ends.
struct Expiration {
    deadline_max: Duration,
    watch: Arc<Watch>,
    sleep: Pin<Box<Sleep>>,
}

/// What goes with a request into its worker.
struct Accompanying {
    context: CallContext,
    permit: Arc<OwnedSemaphorePermit>,
    /// Filled in by the worker that takes the request.
    worker: Arc<Mutex<Option<Arc<Watch>>>>,
}

/// A response's body. When its worker dies the stream just ends, so the end is taken for one only while the worker
/// has not failed.
struct Watched {
    body: WasiBody,
    worker: Arc<Watch>,
}

// === impl Concurrent ===

impl Concurrent {
    pub(super) fn new(
        inner: &Arc<Inner>,
        pre: InstancePre<GuestState>,
        shared: &Arc<Shared>,
        reused: bool,
    ) -> wasmtime::Result<Self> {
        let reuse_max = if reused { REUSE_MAX as usize } else { 1 };
        let handler = Handler { inner: inner.clone(), pre: ServicePre::new(pre)?, shared: shared.clone(), reuse_max };
        Ok(Self { handler: ProxyHandler::new(handler) })
    }

    pub(super) async fn call(
        &self,
        shared: &Arc<Shared>,
        context: CallContext,
        request: Request<Body>,
        admission: Admission,
    ) -> Result<Response<Body>, GuestError> {
        let after = context.deadline.saturating_duration_since(tokio::time::Instant::now());
        let worker = Arc::new(Mutex::new(None));
        // The guest works on when the client leaves, so its place is not free before it has answered or expired.
        let permit = Arc::new(admission.begin());
        let accompanying = Accompanying { context, permit: permit.clone(), worker: worker.clone() };
        match self.handler.handle(accompanying, request.map(to_wasi)).await {
            Ok(response) => {
                let worker = lock(&worker).take().unwrap_or_default();
                Ok(response.map(|body| Body::stream(Watched::new(body, worker)).with_guard(permit)))
            }
            Err(error) if error.is::<ExpirationError>() => {
                Err(GuestError::TimedOut { service: shared.service.clone(), after })
            }
            Err(error) => {
                if let Some(failed) = error.downcast_ref::<InstantiationError<Accompanying>>() {
                    return Err(explain(&shared.service, &failed.error, false));
                }
                // The handler forgets why the worker died; the worker has left it.
                let worker = lock(&worker).take();
                let reason = worker.and_then(|watch| lock(&watch.last_error).clone());
                Err(reason.unwrap_or_else(|| explain(&shared.service, &error, false)))
            }
        }
    }
}

// === impl Watched ===

impl Watched {
    fn new(body: WasiBody, worker: Arc<Watch>) -> Self {
        worker.open_bodies.fetch_add(1, Relaxed);
        Self { body, worker }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.worker.open_bodies.fetch_sub(1, Relaxed);
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(None) => {
                let failed = lock(&self.worker.last_error).clone();
                Poll::Ready(failed.map(|error| Err(BodyError::Aborted(error.to_string()))))
            }
            other => other.map(|frame| frame.map(|frame| frame.map_err(BodyError::from))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

// === impl Handler ===

impl HandlerState for Handler {
    type StoreData = GuestState;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<GuestState, Expiration, Worker>> {
        let deadline_max = self.shared.settings.limits.deadline;
        let until = tokio::time::Instant::now() + deadline_max;
        let (store, service, watch) = loop {
            let watch = Arc::new(Watch::default());
            let mut store = GuestState::store(self.pre.engine(), &self.shared);
            limit_computation(&mut store, &watch, self.shared.settings.limits.cpu_max);
            let made = tokio::time::timeout_at(until, self.pre.instantiate_async(&mut store)).await;
            match made.map_err(|_| wasmtime::format_err!("no instance within {deadline_max:?}"))? {
                Ok(service) => break (store, service, watch),
                Err(error) if error.is::<PoolConcurrencyLimitError>() && tokio::time::Instant::now() < until => {
                    self.inner.make_room().await;
                }
                Err(error) => return Err(error),
            }
        };
        Ok(Instance {
            store,
            proxy: Proxy::P3(service),
            view: GuestState::http,
            expiration: Expiration {
                deadline_max,
                watch: watch.clone(),
                sleep: Box::pin(tokio::time::sleep(INSTANCE_IDLE_MAX)),
            },
            state: Worker {
                reuse_max: self.reuse_max,
                watch,
                shared: self.shared.clone(),
                next_request: AtomicU64::new(0),
            },
        })
    }
}

/// Ends an instance that computes for longer than `max` without once waiting. Epochs are counted rather than time,
/// so what passes while others have the thread is not charged.
fn limit_computation(store: &mut Store<GuestState>, watch: &Arc<Watch>, max: Duration) {
    let ticks_max = u32::try_from(max.as_millis() / EPOCH_TICK.as_millis()).unwrap_or(u32::MAX);
    let watch = watch.clone();
    store.epoch_deadline_callback(move |_| {
        watch.was_interrupted.store(true, Relaxed);
        if watch.busy_ticks.fetch_add(1, Relaxed) >= ticks_max {
            return Err(CpuExceeded { max }.into());
        }
        Ok(UpdateDeadline::Yield(1))
    });
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
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
}

impl Drop for Stay {
    fn drop(&mut self) {
        lock(&self.watch.inside).remove(&self.request);
    }
}

// === impl Worker ===

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
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        *lock(&data.worker) = Some(self.watch.clone());
        let deadline = data.context.deadline;
        let request = self.next_request.fetch_add(1, Relaxed);
        lock(&self.watch.inside).insert(request, data.context);
        if let Some(context) = self.watch.outgoing() {
            store.data_mut().begin(context);
        }
        // A guest that computes keeps new requests from being taken, so this one shows that it does not.
        self.watch.busy_ticks.store(0, Relaxed);
        let stay = Stay { watch: self.watch.clone(), request, _permit: data.permit };
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

impl WorkerExpiration for Expiration {
    /// Called after each pause of the worker.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, status: WorkerStatus, start: Instant) -> Poll<()> {
        if !self.watch.was_interrupted.swap(false, Relaxed) {
            self.watch.busy_ticks.store(0, Relaxed);
        }
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
