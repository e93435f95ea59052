//! The HTTP edge: it takes connections, decides which service answers a request, and keeps what passes within
//! limits.
//!
//! A request's way is one call chain on its connection's task, one small file a step, in this order ([`mod@request`]
//! says why): ids and trace; what could be read in two ways is refused; CORS, `/health` and `/services` are answered;
//! the head is cleaned and completed; the route is looked up in *one* snapshot; the body gets its limit; rate limits and
//! authentication, by the address, then by who calls; middleware, and the route's own limit and middleware; at last a
//! redirect, or the dispatcher. [`mod@response`] makes what comes back fit for the wire, refusals too. What is not
//! configured costs a branch, and then no task, channel or lock is on the way.
//!
//! Ahead of that, [`mod@validate`] follows every byte of HTTP/1, so that hyper never sees a request that could be read in
//! two ways. Over HTTP/2 each request is a task of its own, and all else is the same.
//!
//! Time limits cost nothing per request either: connections note what they are doing, and the one task that
//! accepts them looks at those notes every now and then (`connections.rs`).
//!
//! **Invariants**: a request uses one snapshot and one [`Policy`] from its beginning to its end; no header that a service
//! trusts (`X-Auth-*`, `X-Forwarded-*`, ids) reaches it from a client; nothing passes because something could not be
//! checked; a response that broke off never ends cleanly.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic"))]

mod access_log;
pub mod auth;
mod builtin;
mod connection;
mod connections;
pub mod cors;
mod counts;
mod gateway;
mod handle;
mod listener;
mod middleware;
mod options;
mod policy;
mod rate_limit;
mod request;
mod response;
mod tls;
mod validate;

pub use self::{
    counts::{ActiveRequests, ConnectionCounts},
    gateway::{BindError, Gateway},
    handle::Handle,
    options::Options,
    policy::{AccessLog, Policy},
    tls::{Tls, TlsError},
};
