//! The HTTP edge: it takes connections, decides which service answers a request, and keeps what passes within
//! limits.
//!
//! A request's way is one call chain on its connection's task, one small file a step: [`mod@request`] stamps ids,
//! checks path and host, limits the body, looks up a route in *one* snapshot, cleans and sets headers and calls
//! the dispatcher; [`mod@response`] makes what comes back fit for the wire. No task, channel or lock is on it.
//!
//! Time limits cost nothing per request either: connections note what they are doing, and the one task that
//! accepts them looks at those notes every now and then (`connections.rs`).
//!
//! **Invariants**: a request uses one snapshot from its route to its call; no header that a service trusts
//! (`X-Auth-*`, `X-Forwarded-*`, ids) reaches it from a client; a response that broke off never ends cleanly.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic"))]

mod access_log;
mod builtin;
mod connection;
mod connections;
mod gateway;
mod handle;
mod listener;
mod options;
mod request;
mod response;
mod stats;

pub use self::{
    gateway::{BindError, Gateway},
    handle::Handle,
    options::Options,
};
