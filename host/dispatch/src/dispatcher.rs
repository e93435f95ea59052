//! The dispatcher: holds the snapshot, and calls services.

use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use http::{HeaderValue, Request, Response, header::HeaderName};
use switchyard_runtime::{Body, CallContext, GuestError, Plugin, context::HOPS_MAX};
use tokio::{sync::watch, time::Instant};

use crate::{
    breaker,
    breakers::Breakers,
    calls::{self, CallOptions, Policies},
    edges::{EdgeView, Edges},
    error::CallError,
    instance::{InFlight, Instance, Target},
    meter,
    mirror::Mirrors,
    outgoing::Network,
    service::Service,
    snapshot::Snapshot,
    streamed::Streamed,
    trace::{Active, TRACEPARENT, Tracer},
    traffic,
    upload::Upload,
};

/// The name of the service that a request is for, told to the service itself.
const X_SERVICE_NAME: HeaderName = HeaderName::from_static("x-service-name");
const X_GATEWAY_REQUEST_ID: HeaderName = HeaderName::from_static("x-gateway-request-id");

/// Reaches services. Cheap to share as an `Arc`.
pub struct Dispatcher {
    /// For what goes on after the call that began it.
    pub(crate) this: Weak<Self>,
    snapshot: ArcSwap<Snapshot>,
    /// How many snapshots were published.
    published: watch::Sender<u64>,
    pub(crate) breakers: Breakers,
    pub(crate) policies: Policies,
    pub(crate) mirrors: Mirrors,
    pub(crate) network: Network,
    pub(crate) tracer: Tracer,
    pub(crate) edges: Edges,
    /// What is counted of requests, by route.
    pub(crate) routes: meter::Routes,
}

// === impl Dispatcher ===

impl Dispatcher {
    /// A dispatcher that knows no services yet.
    pub fn new() -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            snapshot: ArcSwap::from_pointee(Snapshot::default()),
            published: watch::Sender::new(0),
            breakers: Breakers::new(),
            policies: Policies::new(),
            mirrors: Mirrors::new(),
            network: Network::default(),
            tracer: Tracer::default(),
            edges: Edges::default(),
            routes: meter::Routes::default(),
        })
    }

    /// What is live now. A request takes it once.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// What makes spans, for this and for all who call services.
    pub fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// Makes this what is live: requests that begin from now on see it, those under way finish with the old one.
    pub fn publish(&self, snapshot: Snapshot) {
        self.routes.adopt(&snapshot);
        let store = |snapshot| self.snapshot.store(Arc::new(snapshot));
        self.policies.adopt(snapshot, |snapshot| self.breakers.adopt(snapshot, store));
        self.published.send_modify(|published| *published += 1);
    }

    /// Rises with every snapshot that is published.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.published.subscribe()
    }

    /// Which services call each other, and hosts outside, by caller.
    pub fn edges(&self) -> Vec<EdgeView> {
        self.edges.all()
    }

    /// Calls a service. The response's head is there, or the call has failed, by the context's deadline; its body
    /// may go on for longer.
    ///
    /// # Errors
    /// When no instance takes it, or the one that does is busy, too slow, or fails.
    pub async fn call(
        &self,
        service: &Arc<Service>,
        context: CallContext,
        request: Request<Body>,
    ) -> Result<Response<Body>, CallError> {
        self.call_with(service, context, request, CallOptions::default()).await
    }

    /// The same, with what holds for this call only.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn call_with(
        &self,
        service: &Arc<Service>,
        mut context: CallContext,
        mut request: Request<Body>,
        options: CallOptions<'_>,
    ) -> Result<Response<Body>, CallError> {
        bound_hops(&context)?;
        if let Some(traffic) = &service.traffic {
            return Box::pin(traffic::call(self, traffic, context, request, options)).await;
        }
        let Some((instance, plugin)) = service.sole_plugin() else {
            // In a box, so that those who call a plugin do not carry it along.
            return Box::pin(calls::balanced(&self.tracer, service, context, request, options)).await;
        };
        let admitted = instance.breaker.admit(context.deadline)?;
        let mut span = self.tracer.guest_request(service, instance, &mut context, &request);
        let show_backtrace = context.show_backtrace;
        let upload = Upload::watch_for(plugin, &mut request);
        let (in_flight, called) = reach(service, instance, plugin, context, request).await;
        Active::guest_called(span.as_mut(), &called);
        let receipt = admitted.settle(breaker::of_call(&called, upload.as_ref()));
        let response = called.map_err(|error| told(service, error, upload.as_ref(), show_backtrace))?;
        Ok(Streamed::wrap(response, in_flight, receipt, upload, span))
    }

    /// Asks an upstream how it is, where it says, past its breaker. A plugin is asked by [`check`](Self::check).
    ///
    /// # Errors
    /// When it does not answer 2xx by the deadline; the text says what it did.
    pub async fn probe(&self, instance: &Arc<Instance>, deadline: Instant) -> Result<(), String> {
        match instance.target() {
            Target::Plugin(_) => Ok(()),
            Target::Upstream(client) => client.probe(deadline).await,
        }
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
        let (instance, plugin) = service.local_for("requests")?;
        let show_backtrace = context.show_backtrace;
        let (in_flight, called) = reach(service, instance, plugin, context, request).await;
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
    instance: &Arc<Instance>,
    plugin: &Plugin,
    context: CallContext,
    mut request: Request<Body>,
) -> (InFlight, Result<Response<Body>, GuestError>) {
    introduce(service, &context, &mut request);
    let in_flight = instance.enter();
    let called = plugin.call(context, request).await;
    (in_flight, called)
}

/// What a caller is told of a guest's failure, which may be its own.
pub(crate) fn told(service: &Service, error: GuestError, upload: Option<&Upload>, show_backtrace: bool) -> CallError {
    let has_timed_out = matches!(error, GuestError::TimedOut { .. });
    match upload.and_then(|upload| upload.excuse(has_timed_out)) {
        Some(excuse) if has_timed_out => CallError::Body(excuse),
        _ => failure(service, error.into(), show_backtrace),
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
pub(crate) fn introduce(service: &Service, context: &CallContext, request: &mut Request<Body>) {
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
