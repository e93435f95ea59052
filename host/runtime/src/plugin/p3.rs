//! `wasi:http/handler@0.3`: up to 16 requests at once in one instance.
//!
//! This is the one module that stands on wasmtime's experimental 0.3 half. Its `ProxyHandler` keeps the instances:
//! a worker task for each, started when no other can take a request, ended when idle. CPU time cannot be told
//! apart between requests that share an instance, so the limit is on uninterrupted computation.

use std::{
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Sleep, sleep_until},
};
use wasmtime::{
    Store, StoreContextMut, UpdateDeadline,
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

use super::INSTANCE_IDLE_MAX;
use crate::{
    body::{Body, BodyError},
    context::CallContext,
    engine::EPOCH_TICK,
    error::{GuestError, explain},
    host::http::to_wasi,
    limiter::CpuExceeded,
    settings::{CONCURRENT_03_MAX, REUSE_MAX},
    state::{GuestState, Shared},
};

pub(super) struct Concurrent {
    handler: ProxyHandler<Handler>,
}

struct Handler {
    pre: ServicePre<GuestState>,
    shared: Arc<Shared>,
    reuse_max: usize,
}

/// One worker: an instance and the requests inside.
struct Worker {
    reuse_max: usize,
    last_error: LastError,
    shared: Arc<Shared>,
}

/// When a worker that does nothing, or nothing any more, ends.
struct Expiration {
    deadline_max: std::time::Duration,
    sleep: Pin<Box<Sleep>>,
}

/// Where a worker leaves the reason when it dies.
type LastError = Arc<Mutex<Option<GuestError>>>;

/// What goes with a request into its worker.
struct Accompanying {
    context: CallContext,
    /// Filled in by the worker that takes the request.
    worker: Arc<Mutex<Option<LastError>>>,
}

/// A response's body. When its worker dies the stream just ends, so the end is taken for one only while the worker
/// has not failed.
struct Watched {
    body: WasiBody,
    worker: LastError,
}

// === impl Concurrent ===

impl Concurrent {
    pub(super) fn new(pre: InstancePre<GuestState>, shared: &Arc<Shared>, reused: bool) -> wasmtime::Result<Self> {
        let reuse_max = if reused { REUSE_MAX as usize } else { 1 };
        let handler = Handler { pre: ServicePre::new(pre)?, shared: shared.clone(), reuse_max };
        Ok(Self { handler: ProxyHandler::new(handler) })
    }

    pub(super) async fn call(
        &self,
        shared: &Arc<Shared>,
        context: CallContext,
        request: Request<Body>,
        permit: OwnedSemaphorePermit,
    ) -> Result<Response<Body>, GuestError> {
        let after = context.deadline.saturating_duration_since(tokio::time::Instant::now());
        let worker = Arc::new(Mutex::new(None));
        let accompanying = Accompanying { context, worker: worker.clone() };
        match self.handler.handle(accompanying, request.map(to_wasi)).await {
            Ok(response) => {
                let worker = worker.lock().unwrap_or_else(PoisonError::into_inner).take();
                let watched = |body| Body::stream(Watched { body, worker: worker.unwrap_or_default() });
                Ok(response.map(|body| watched(body).with_guard(permit)))
            }
            Err(error) if error.is::<ExpirationError>() => {
                Err(GuestError::TimedOut { service: shared.service.clone(), after })
            }
            Err(error) => {
                if let Some(failed) = error.downcast_ref::<InstantiationError<Accompanying>>() {
                    return Err(explain(&shared.service, &failed.error, false));
                }
                // The handler forgets why the worker died; the worker has left it.
                let worker = worker.lock().unwrap_or_else(PoisonError::into_inner).take();
                let reason = worker.and_then(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner).clone());
                Err(reason.unwrap_or_else(|| explain(&shared.service, &error, false)))
            }
        }
    }
}

// === impl Watched ===

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(None) => {
                let failed = self.worker.lock().unwrap_or_else(PoisonError::into_inner).clone();
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
        let mut store = GuestState::store(self.pre.engine(), &self.shared);
        limit_computation(&mut store, self.shared.settings.limits.cpu_max);
        let proxy = Proxy::P3(self.pre.instantiate_async(&mut store).await?);
        let deadline_max = self.shared.settings.limits.deadline;
        Ok(Instance {
            store,
            proxy,
            view: GuestState::http,
            expiration: Expiration { deadline_max, sleep: Box::pin(tokio::time::sleep(INSTANCE_IDLE_MAX)) },
            state: Worker { reuse_max: self.reuse_max, last_error: Arc::default(), shared: self.shared.clone() },
        })
    }
}

/// Ends an instance that computes for longer than `max` without once waiting.
fn limit_computation(store: &mut Store<GuestState>, max: std::time::Duration) {
    let (mut last, mut running) = (Instant::now(), std::time::Duration::ZERO);
    store.epoch_deadline_callback(move |_| {
        let now = Instant::now();
        let since = now.duration_since(last);
        last = now;
        // Two epochs apart or less means that the guest was at it all the time.
        running = if since <= EPOCH_TICK * 2 { running + since } else { std::time::Duration::ZERO };
        if running > max {
            return Err(CpuExceeded { max }.into());
        }
        Ok(UpdateDeadline::Yield(1))
    });
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
        *data.worker.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.last_error.clone());
        let deadline = data.context.deadline;
        store.data_mut().begin(data.context);
        Box::pin(sleep_until(deadline))
    }

    fn drop(&self, store: Store<GuestState>, result: Result<(), wasmtime::Error>) {
        if let Err(error) = result {
            let reason = explain(&self.shared.service, &error, store.data().memory.refused);
            *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
        }
    }
}

// === impl Expiration ===

impl WorkerExpiration for Expiration {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, status: WorkerStatus, start: Instant) -> Poll<()> {
        let max = match status {
            WorkerStatus::Idle => INSTANCE_IDLE_MAX,
            // One second later than each request's own deadline, which is the gentler one.
            WorkerStatus::Requests | WorkerStatus::PostReturn => self.deadline_max + std::time::Duration::from_secs(1),
        };
        self.sleep.as_mut().reset(tokio::time::Instant::from_std(start + max));
        pin!(&mut self.sleep).as_mut().get_mut().as_mut().poll(cx)
    }
}
