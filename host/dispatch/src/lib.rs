//! The one way to reach a service, for clients behind the gateway and for guests that call each other.
//!
//! **Invariants**: a request is decided by one [`Snapshot`] from its first look-up to its last byte; replacing the
//! snapshot is the one atomic step that makes a new generation live. Whatever enters a guest goes through
//! [`Dispatcher::call`] or its kin for events, messages and commands, where hops are bounded, the instance's breaker
//! has its say, and calls under way are counted.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic"))]

mod breaker;
mod breakers;
mod calls;
mod clock;
mod dispatcher;
mod edges;
mod error;
mod fetch;
mod handlers;
mod instance;
mod meter;
mod middleware;
mod mirror;
mod outgoing;
mod service;
mod snapshot;
mod stats;
mod streamed;
mod trace;
mod traffic;
mod upload;
mod upstream;
mod webhook;

pub use switchyard_runtime::{
    AuthError, Body, BodyError, CallContext, Claims, MiddlewareKind, Next, RequestDecision, ResponseDecision,
    context::HOPS_MAX, ports::OutgoingError,
};

pub use self::{
    breaker::{BreakerChange, BreakerMode, BreakerPolicy, BreakerSettings, BreakerView},
    breakers::BreakerAction,
    calls::{CallOptions, CallPolicy, CallSettings, RetryCounts},
    dispatcher::Dispatcher,
    edges::{Callee, EDGES_MAX, EdgeView},
    error::CallError,
    fetch::{DOCUMENT_MAX, FETCH_TIMEOUT, Fetcher},
    instance::{Instance, Target},
    meter::{End, KINDS_MAX, Kind as RequestKind, Meter, known as known_method},
    mirror::{MIRRORS_MAX, MirrorCounts},
    service::{Described, Service},
    snapshot::{RouteTarget, Snapshot},
    stats::Stats,
    trace::{Active, Spans, Tracer},
    traffic::Traffic,
    upstream::{CONNECTIONS_MAX, HEAD_MAX, IDLE_MAX, InvalidTls, Upgraded, UpstreamClient},
    webhook::{InvalidUrl, Webhooks},
};
