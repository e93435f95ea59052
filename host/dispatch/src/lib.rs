//! The one way to reach a service, for clients behind the gateway and for guests that call each other.
//!
//! **Invariants**: a request is decided by one [`Snapshot`] from its first look-up to its last byte; replacing the
//! snapshot is the one atomic step that makes a new generation live. Whatever enters a guest goes through
//! [`Dispatcher::call`] or its kin for events, messages and commands, where hops are bounded, the instance's breaker
//! has its say, and calls under way are counted.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic"))]

mod breaker;
mod breakers;
mod dispatcher;
mod error;
mod handlers;
mod outgoing;
mod service;
mod streamed;
mod upload;
mod webhook;

pub use switchyard_runtime::{Body, BodyError, CallContext, context::HOPS_MAX, ports::OutgoingError};

pub use self::{
    breaker::{BreakerChange, BreakerMode, BreakerPolicy, BreakerSettings, BreakerView},
    breakers::BreakerAction,
    dispatcher::Dispatcher,
    error::CallError,
    service::{Instance, RouteTarget, Service, Snapshot},
    webhook::{InvalidUrl, Webhooks},
};
