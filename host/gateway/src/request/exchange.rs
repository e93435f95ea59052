//! What is known of one request and its response outside of themselves.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use switchyard_core::route::action::Rules;
use switchyard_dispatch::{CallContext, Meter, RequestKind, RouteTarget, Service};
use tokio::time::Instant;

use super::{Client, Ids, ids, trace::Traced, upgrade};
use crate::{
    access_log::{self, Heard},
    connection::Connection,
    cors,
    handle::Shared,
    policy::{Active, Policy},
    rate_limit::{self, Limits, Told},
    response::{Answer, Refusal, grpc},
};

/// One exchange. What a step learns is written once, and read when the response leaves.
pub(crate) struct Exchange {
    pub(crate) connection: Arc<Connection>,
    /// Taken at the beginning, and what all of it is decided by.
    pub(crate) active: Arc<Active>,
    /// By this clock all is counted.
    pub(crate) started: Instant,
    pub(crate) ids: Ids,
    pub(crate) method: Method,
    /// The target as it was sent: what problems and the access log show.
    pub(crate) uri: Uri,
    pub(crate) client: Client,
    /// Whether it asks for WebSocket.
    pub(crate) asks_upgrade: bool,
    /// Whether it is one of gRPC, whose clients read no problem documents.
    is_grpc: bool,
    /// The page that asks, where that matters.
    origin: Option<HeaderValue>,
    service: OnceLock<Arc<Service>>,
    /// What counts the requests of its route.
    meter: OnceLock<Arc<Meter>>,
    /// What the access log says of its head; none while there is no such log.
    pub(crate) heard: Option<Box<Heard>>,
    /// Its route's pattern, where the access log wants it.
    route: OnceLock<Arc<str>>,
    told: OnceLock<Told>,
    told_of_route: OnceLock<Told>,
    pub(super) traced: Traced,
}

// === impl Exchange ===

impl Exchange {
    pub(crate) fn begin<B>(connection: Arc<Connection>, request: &Request<B>) -> Self {
        let active = connection.shared.policy.load_full();
        let headers = request.headers();
        let client = Client::of(&connection, &active.policy.trusted_proxies, headers);
        let tracer = connection.shared.dispatcher.tracer();
        let ids = Ids::new(headers, || tracer.samples(ids::chance));
        let origin = active.policy.cors.as_ref().and_then(|_| cors::only(headers).cloned());
        Self {
            started: Instant::now(),
            traced: Traced::begin(&connection, request, &ids, &client),
            ids,
            method: request.method().clone(),
            uri: request.uri().clone(),
            client,
            asks_upgrade: upgrade::asked(request),
            is_grpc: grpc::is_asked(headers),
            origin,
            service: OnceLock::new(),
            meter: OnceLock::new(),
            heard: access_log::hear(&active.policy, request),
            route: OnceLock::new(),
            told: OnceLock::new(),
            told_of_route: OnceLock::new(),
            active,
            connection,
        }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.connection.shared
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.active.policy
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.shared().limits
    }

    /// The service that answers, once it is known; of several the first.
    pub(crate) fn service(&self) -> Option<&Arc<Service>> {
        self.service.get()
    }

    pub(super) fn note_service(&self, service: &Arc<Service>) {
        self.service.get_or_init(|| Arc::clone(service));
    }

    /// Has it counted with the requests of its route: the one that the client asked for, wherever a middleware leads it.
    pub(super) fn note_route(&self, route: &RouteTarget) {
        if let Some(meter) = route.meter.get() {
            self.note_meter(meter);
        }
        if self.heard.is_some() {
            self.route.get_or_init(|| Arc::clone(&route.pattern));
        }
    }

    /// Has it counted here.
    pub(super) fn note_meter(&self, meter: &Arc<Meter>) {
        self.meter.get_or_init(|| Arc::clone(meter));
    }

    /// The pattern of its route, for the access log.
    pub(crate) fn route(&self) -> Option<&Arc<str>> {
        self.route.get()
    }

    /// Has the client told of the gateway's quota.
    pub(super) fn tell(&self, told: Told) -> Told {
        self.told.get_or_init(|| told);
        told
    }

    /// Has it told of the route's quota, which is counted on the first time.
    pub(super) fn told_of_route(&self, count: impl FnOnce() -> Told) -> Told {
        *self.told_of_route.get_or_init(count)
    }

    /// When the response's head must be there, by a route's rules.
    pub(crate) fn deadline(&self, rules: Option<&Rules>) -> Instant {
        self.started + rules.and_then(|rules| rules.timeout).unwrap_or(self.policy().request_timeout)
    }

    /// The largest body in bytes, by a route's rules.
    pub(crate) fn body_max(&self, rules: Option<&Rules>) -> u64 {
        rules.and_then(|rules| rules.body_max).unwrap_or(self.policy().body_max)
    }

    /// The circumstances of a call on behalf of this request.
    pub(crate) fn context(&self, deadline: Instant, body_max: u64) -> CallContext {
        CallContext {
            request_id: Arc::clone(&self.ids.request_id),
            traceparent: Some(Arc::clone(&self.ids.traceparent)),
            ancestors: Arc::default(),
            deadline,
            body_max: usize::try_from(body_max).unwrap_or(usize::MAX),
            show_backtrace: self.shared().options.show_backtraces,
            cause: None,
            handled: None,
        }
    }

    /// A refusal as the client would get it.
    pub(crate) fn refuse(&self, refusal: Refusal) -> Answer {
        self.shared().counts.refused(refusal.code());
        let (path, request_id) = (self.uri.path(), &self.ids.request_id);
        if self.is_grpc { grpc::refuse(refusal, path, request_id) } else { refusal.into_response(path, request_id) }
    }

    /// What the policy says in every response, refusals too.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        if let Some(cors) = &self.policy().cors {
            cors.mark(self.origin.as_ref(), headers);
        }
        if self.told.get().or(self.told_of_route.get()).is_some() {
            rate_limit::write(self.told.get().into_iter().chain(self.told_of_route.get()), headers);
        }
    }

    /// Counts the exchange for the gateway, and for the service that it was with.
    pub(super) fn count(&self, status: StatusCode, latency: Duration) {
        let kind = RequestKind::answered(&self.method, self.client.scheme, status);
        let dispatcher = &self.shared().dispatcher;
        self.meter.get().map_or_else(|| dispatcher.unmatched(), |meter| &**meter).record(kind, latency);
        let status = status.as_u16();
        self.shared().stats.record(status, latency);
        if let Some(service) = self.service() {
            service.stats.record(status, latency);
        }
    }
}
