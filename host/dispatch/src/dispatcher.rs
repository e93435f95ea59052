//! The dispatcher: holds the snapshot, and calls services.

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::{HeaderValue, Request, Response, header::HeaderName};
use switchyard_runtime::{Body, CallContext, context::HOPS_MAX};
use tokio::sync::watch;

use crate::{
    error::CallError,
    outgoing::Network,
    service::{Service, Snapshot},
};

/// The name of the service that a request is for, told to the service itself.
const X_SERVICE_NAME: HeaderName = HeaderName::from_static("x-service-name");
const X_GATEWAY_REQUEST_ID: HeaderName = HeaderName::from_static("x-gateway-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Reaches services. Cheap to share as an `Arc`.
pub struct Dispatcher {
    snapshot: ArcSwap<Snapshot>,
    /// How many snapshots were published.
    published: watch::Sender<u64>,
    pub(crate) network: Network,
}

// === impl Dispatcher ===

impl Dispatcher {
    /// A dispatcher that knows no services yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            snapshot: ArcSwap::from_pointee(Snapshot::default()),
            published: watch::Sender::new(0),
            network: Network::default(),
        })
    }

    /// What is live now. A request takes it once.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Makes this what is live: requests that begin from now on see it, those under way finish with the old one.
    pub fn publish(&self, snapshot: Snapshot) {
        self.snapshot.store(Arc::new(snapshot));
        self.published.send_modify(|published| *published += 1);
    }

    /// Rises with every snapshot that is published.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.published.subscribe()
    }

    /// Calls a service. The response's head is there, or the call has failed, by the context's deadline; its body
    /// may go on for longer.
    ///
    /// # Errors
    /// When the service is busy, too slow, or fails.
    pub async fn call(
        &self,
        service: &Arc<Service>,
        context: CallContext,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, CallError> {
        if context.hops() > HOPS_MAX {
            return Err(CallError::TooManyHops);
        }
        introduce(service, &context, &mut request);
        let in_flight = service.instance.enter();
        let show_backtrace = context.show_backtrace;
        let called = service.instance.plugin().call(context, request).await;
        let response = called.map_err(|error| failure(service, error.into(), show_backtrace))?;
        // A whole body is in memory already; only a stream still keeps the instance busy.
        Ok(match response.body().as_full() {
            Some(_) => response,
            None => response.map(|body| body.with_guard(in_flight)),
        })
    }
}

/// Logs a failure of a guest, and keeps its backtrace only where clients may see it.
pub(crate) fn failure(service: &Service, error: CallError, show_backtrace: bool) -> CallError {
    let CallError::Failed { detail, backtrace } = error else { return error };
    let place = backtrace.as_deref().unwrap_or_default();
    tracing::warn!(service = %service.name(), detail, backtrace = place, "guest failed");
    CallError::Failed { detail, backtrace: backtrace.filter(|_| show_backtrace) }
}

/// Tells the service who it is and which request this belongs to, whatever a client or guest claimed.
fn introduce(service: &Service, context: &CallContext, request: &mut Request<Body>) {
    let headers = request.headers_mut();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(X_SERVICE_NAME, service.name().as_str());
    set(X_GATEWAY_REQUEST_ID, &context.request_id);
    if let Some(traceparent) = &context.traceparent {
        set(TRACEPARENT, traceparent);
    }
}
