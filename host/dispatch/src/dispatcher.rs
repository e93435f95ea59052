//! The dispatcher: holds the snapshot, and calls services.

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::{HeaderValue, Request, Response, header::HeaderName};
use switchyard_core::breaker::Outcome;
use switchyard_runtime::{Body, CallContext, GuestError, context::HOPS_MAX};
use tokio::sync::watch;

use crate::{
    breaker,
    breakers::Breakers,
    error::CallError,
    outgoing::Network,
    service::{InFlight, Service, Snapshot},
    streamed::Streamed,
    upload::Upload,
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
    pub(crate) breakers: Breakers,
    pub(crate) network: Network,
}

// === impl Dispatcher ===

impl Dispatcher {
    /// A dispatcher that knows no services yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            snapshot: ArcSwap::from_pointee(Snapshot::default()),
            published: watch::Sender::new(0),
            breakers: Breakers::new(),
            network: Network::default(),
        })
    }

    /// What is live now. A request takes it once.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Makes this what is live: requests that begin from now on see it, those under way finish with the old one.
    pub fn publish(&self, snapshot: Snapshot) {
        self.breakers.adopt(snapshot, |snapshot| self.snapshot.store(Arc::new(snapshot)));
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
    /// When its breaker is open, or the service is busy, too slow, or fails.
    pub async fn call(
        &self,
        service: &Arc<Service>,
        context: CallContext,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, CallError> {
        bound_hops(&context)?;
        let admitted = service.instance.breaker.admit(context.deadline)?;
        let show_backtrace = context.show_backtrace;
        let upload = Upload::watch(service, &mut request);
        let (in_flight, called) = reach(service, context, request).await;
        let receipt = admitted.settle(outcome(&called, upload.as_ref()));
        let response = called.map_err(|error| failure(service, error.into(), show_backtrace))?;
        // A whole body is in memory already; only a stream still keeps the instance busy, and can break off.
        Ok(match response.body().as_full() {
            Some(_) => response,
            None => response.map(|body| Body::stream(Streamed::new(body, in_flight, receipt, upload))),
        })
    }

    /// Calls a service to see how it is: past its breaker, which neither refuses nor counts it. An open breaker shall
    /// not make a health path look dead, nor one that says "not well" keep callers away who have other business.
    ///
    /// # Errors
    /// As [`call`](Self::call), apart from the breaker.
    pub async fn check(
        &self,
        service: &Arc<Service>,
        context: CallContext,
        request: Request<Body>,
    ) -> Result<Response<Body>, CallError> {
        bound_hops(&context)?;
        let show_backtrace = context.show_backtrace;
        let (in_flight, called) = reach(service, context, request).await;
        let response = called.map_err(|error| failure(service, error.into(), show_backtrace))?;
        Ok(response.map(|body| body.with_guard(in_flight)))
    }
}

/// Services that call each other in a circle come to an end.
pub(crate) fn bound_hops(context: &CallContext) -> Result<(), CallError> {
    if context.hops() > HOPS_MAX { Err(CallError::TooManyHops) } else { Ok(()) }
}

/// Calls the instance, which is busy at least until then.
async fn reach(
    service: &Service,
    context: CallContext,
    mut request: Request<Body>,
) -> (InFlight, Result<Response<Body>, GuestError>) {
    introduce(service, &context, &mut request);
    let in_flight = service.instance.enter();
    let called = service.instance.plugin().call(context, request).await;
    (in_flight, called)
}

/// What an answer, or the want of one, says of the instance: nothing when the caller's own part did not arrive.
fn outcome(called: &Result<Response<Body>, GuestError>, upload: Option<&Upload>) -> Outcome {
    match called {
        _ if upload.is_some_and(Upload::has_failed) => Outcome::Uncounted,
        Ok(response) => Outcome::of_status(response.status().as_u16()),
        Err(error) => breaker::of_error(error),
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
