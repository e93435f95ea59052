//! `wasi:http/handler@0.3`: up to 16 requests at once in one instance.
//!
//! This is the one module that stands on wasmtime's experimental 0.3 half. Its `ProxyHandler` keeps the instances:
//! a worker task for each, started when no other can take a request, ended when idle. CPU time cannot be told
//! apart between requests that share an instance, so the limit is on uninterrupted computation. Nor can it be told
//! which of them sends a request of its own: that one gets the deepest ancestors and the latest deadline of all that
//! are inside, so that hops stay bounded and nobody is cut short by a neighbour, and no cause unless it is alone.

pub(crate) mod chain;
mod watched;
mod worker;

use std::sync::{Arc, Mutex};

use http::{Request, Response};
use wasmtime::component::InstancePre;
use wasmtime_wasi_http::{
    WasiHttpView,
    handler::{ExpirationError, HandlerState, Instance, InstantiationError, Proxy, ProxyHandler},
    p3::bindings::{ServicePre, http::types::ErrorCode},
};

use self::{
    chain::Onward,
    watched::Watched,
    worker::{Accompanying, Expiration, Watch, Worker, limit_computation, lock},
};
use super::gate::Admission;
use crate::{
    body::Body,
    context::CallContext,
    error::{GuestError, explain},
    host::http::to_wasi,
    middleware::Next,
    runtime::{Inner, is_full},
    settings::REUSE_MAX,
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

    /// Calls the guest; what comes `next` is for a middleware.
    pub(super) async fn call(
        &self,
        shared: &Arc<Shared>,
        context: CallContext,
        mut request: Request<Body>,
        admission: Admission,
        next: Option<Next>,
    ) -> Result<Response<Body>, GuestError> {
        let (onward, waiting) = next.map(|next| Onward::new(&request, next)).unzip();
        if let Some(onward) = &onward {
            chain::show_authority(onward, request.uri_mut());
        }
        let after = context.deadline.saturating_duration_since(tokio::time::Instant::now());
        let worker = Arc::new(Mutex::new(None));
        // The guest works on when the client leaves, so its place is not free before it has answered or expired.
        let permit = Arc::new(admission.begin());
        let accompanying = Accompanying { context, permit: permit.clone(), onward, worker: worker.clone() };
        match self.handler.handle(accompanying, request.map(to_wasi)).await {
            Ok(response) => {
                let worker = lock(&worker).take().unwrap_or_default();
                let (parts, body) = response.into_parts();
                let body = shared.streams.begin(&shared.service, Watched::new(body, worker, permit)).await?;
                Ok(Response::from_parts(parts, body.with_guard(waiting)))
            }
            Err(error) if error.is::<ExpirationError>() => {
                Err(GuestError::TimedOut { service: shared.service.clone(), after })
            }
            Err(error) => {
                if let Some(failed) = error.downcast_ref::<InstantiationError<Accompanying>>() {
                    return Err(explain(&shared.service, &failed.error, None));
                }
                if let Some(code) = error.downcast_ref::<ErrorCode>() {
                    let (service, reason) = (shared.service.clone(), format!("it answered with the error {code:?}"));
                    return Err(GuestError::Failed { service, reason, backtrace: None });
                }
                // The handler forgets why the worker died; the worker has left it.
                let worker = lock(&worker).take();
                let reason = worker.as_ref().and_then(|watch| lock(&watch.last_error).clone());
                let reason = reason.unwrap_or_else(|| explain(&shared.service, &error, None));
                Err(match worker {
                    Some(watch) => watch.tell(reason),
                    None => reason,
                })
            }
        }
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
            store.data_mut().nexts = Some(watch.nexts.clone());
            limit_computation(&mut store, &watch, self.shared.settings.limits.cpu_max);
            let made = tokio::time::timeout_at(until, self.pre.instantiate_async(&mut store)).await;
            match made.map_err(|_| wasmtime::format_err!("no instance within {deadline_max:?}"))? {
                Ok(service) => break (store, service, watch),
                Err(error) if is_full(&error, &store) && tokio::time::Instant::now() < until => {
                    self.inner.make_room().await;
                }
                Err(error) => return Err(error),
            }
        };
        Ok(Instance {
            store,
            proxy: Proxy::P3(service),
            view: GuestState::http,
            expiration: Expiration::new(deadline_max, watch.clone()),
            state: Worker::new(self.reuse_max, watch, self.shared.clone()),
        })
    }
}
