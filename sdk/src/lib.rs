//! Write services for Switchyard in Rust: a router, handlers of events, messages and commands, a manifest, and the
//! host's key-value store, events, queues, sagas, configuration, log and clock as plain functions.
//!
//! ```
//! use switchyard_sdk::{Manifest, Request, Response, Result, Route, Router, kv};
//!
//! fn manifest() -> Manifest {
//!     switchyard_sdk::manifest!().route(Route::new("/visits/*"))
//! }
//!
//! fn router() -> Router {
//!     Router::new().post("/visits/{page}", visit)
//! }
//!
//! fn visit(request: &Request) -> Result<Response> {
//!     let count = kv::own()?.increment(request.param("page"), 1)?;
//!     Ok(Response::text(count.to_string()))
//! }
//!
//! switchyard_sdk::service!(manifest, router);
//! # fn main() {}
//! ```
//!
//! A plugin that does more names its roles: see [`plugin!`], [`events`], [`queues`], [`commands`], [`sagas`],
//! [`batch`], [`middleware`] and [`authenticator`].
//!
//! Built as a `cdylib` for `wasm32-wasip2`, that is a component to be dropped into `plugins/`. Everything here
//! that speaks to the host goes through one thin layer; built for another target, that layer is a host in
//! memory, so that handlers are tested with plain `cargo test` (see `testing`):
//!
//! ```
//! # use switchyard_sdk::{Request, Response, Router};
//! let router = Router::new().get("/hello/{name}", |request: &Request| {
//!     Response::text(format!("hello, {}", request.param("name")))
//! });
//! assert_eq!(router.serve(Request::get("/hello/ann")).body(), b"hello, ann");
//! ```
//!
//! With the feature `async` there are services of WASI 0.3, too, whose handlers are async: see `asynchronous`.
//!
//! Invariants: a synchronous handler sees whole bodies and answers with whole bodies; guests are reused by default, so a
//! `static` lives as long as its instance, and state belongs into [`kv`]; events, messages and commands may come
//! twice, so handlers are idempotent.

#[cfg(feature = "async")]
pub mod asynchronous;
pub mod authenticator;
pub mod batch;
#[doc(hidden)]
pub mod bindings;
pub mod clock;
pub mod commands;
pub mod config;
mod error;
pub mod events;
mod extract;
mod failure;
mod host;
pub mod http;
mod json;
pub mod kv;
pub mod log;
mod manifest;
pub mod middleware;
mod percent;
mod plugin;
pub mod queues;
pub mod random;
pub mod registry;
mod request;
mod response;
pub mod router;
pub mod sagas;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod uuid;

pub use authenticator::{AuthError, Claims};
pub use commands::{Command, Direction, Participant};
pub use error::{Error, Result};
pub use events::{Delivery, Event, Subscriber, Verdict};
pub use extract::{Form, FromRequest, Path, Query};
pub use failure::{Failure, IntoHandled};
pub use json::JsonError;
pub use manifest::{Consumer, Dependency, Guests, Manifest, Route, Schedule, Subscription, Timetable};
pub use middleware::{Middleware, RequestDecision, RequestHead, ResponseDecision, ResponseHead};
pub use queues::{Message, Worker};
pub use request::Request;
pub use response::{IntoResponse, Json, Response};
pub use router::Router;
pub use sagas::Saga;

/// The project's pages, whose examples have to compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[doc = include_str!("../../host/SERVICES.md")]
struct Pages;
