//! Services of WASI 0.3: async handlers, bodies that stream both ways, calls that run at the same time.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use switchyard_sdk::asynchronous::{self, Body, Router};
//! use switchyard_sdk::{Json, Manifest, Path, Request, Result, Route, http, testing};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Page {
//!     user: String,
//!     orders: Vec<String>,
//! }
//!
//! fn manifest() -> Manifest {
//!     switchyard_sdk::manifest!().route(Route::new("/pages/*")).route(Route::new("/echo"))
//! }
//!
//! fn router() -> Router {
//!     Router::new().get("/pages/{id}", page).post("/echo", async |body: Body| body)
//! }
//!
//! /// Asks two services at once.
//! async fn page(Path(id): Path<u64>) -> Result<Json<Page>> {
//!     let user = http::service("users").get(format!("/users/{id}")).send_async();
//!     let orders = http::service("orders").get("/orders").query("user", id).send_async();
//!     let (user, orders) = asynchronous::join(user, orders).await;
//!     Ok(Json(Page { user: user?.ok()?.text(), orders: orders?.ok()?.json()? }))
//! }
//!
//! switchyard_sdk::async_service!(manifest, router);
//!
//! # fn main() {
//! testing::service("users", || "ann");
//! testing::service("orders", || Json(["o1"]));
//! let page = router().ask(Request::get("/pages/7"));
//! assert_eq!(page.body(), br#"{"user":"ann","orders":["o1"]}"#);
//! assert_eq!(router().ask(Request::get("/pages/ann")).status(), 400);
//! # }
//! ```
//!
//! Such a component exports `wasi:http/handler@0.3.0` and its manifest, and no other role: those are synchronous, and belong to
//! a plugin of [`plugin!`](crate::plugin). It builds for `wasm32-wasip2` as others do.
//!
//! The router's patterns, the extractors, errors and answers are those of synchronous services. Handlers own what they take:
//! they name [`Request`](crate::Request) where others name `&Request`. One that names [`Body`] last reads the body part by
//! part; for any other it is read first, up to 10 MiB.
//!
//! Several requests may be at work in one instance, one at a time between two `await`s. What this crate offers
//! synchronously ([`kv`](crate::kv), [`config`](crate::config), [`log`](crate::log), ...) works here too, but holds up the
//! whole instance while it waits; [`Call::send`](crate::http::Call::send) and [`clock::sleep`](crate::clock::sleep) do so
//! for long, so use [`Call::send_async`](crate::http::Call::send_async) and [`sleep`].
//!
//! Natively everything is there for tests: [`Router::ask`] asks, [`block_on`] runs any other future.

mod body;
mod client;
mod combine;
mod export;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod guest;
mod handler;
#[cfg(not(target_arch = "wasm32"))]
mod memory;
mod router;
mod streaming;

#[cfg(target_arch = "wasm32")]
use guest as host;
#[cfg(not(target_arch = "wasm32"))]
use memory as host;

pub use body::{Body, Sender};
#[cfg(not(target_arch = "wasm32"))]
pub use combine::block_on;
pub use combine::{join, join_all, sleep};
pub use handler::Handler;
#[doc(hidden)]
pub use handler::{Parts, Streamed};
pub use router::Router;
pub use streaming::{IntoStreaming, Streaming};

#[cfg(test)]
mod tests;
