//! Gateway middleware: sees each request before its service does, and the response on its way out.
//!
//! A middleware is attached by the host's configuration, `[gateway] middleware = ["NAME"]` or a route's `middleware`,
//! never by the drop alone. Requests pass in that order, responses in the reverse one. A request whose middleware is
//! missing or fails is refused: what guards a service does not open because it is broken.
//!
//! Most are one function. One that looks at requests:
//!
//! ```
//! use switchyard_sdk::{Manifest, RequestDecision, RequestHead, Response};
//!
//! fn manifest() -> Manifest {
//!     switchyard_sdk::manifest!()
//! }
//!
//! fn office_hours(request: &RequestHead) -> RequestDecision {
//!     match request.header("x-region") {
//!         Some("moon") => Response::problem(403, "Nobody is there").into(),
//!         _ => RequestDecision::Next,
//!     }
//! }
//!
//! switchyard_sdk::plugin! { manifest: manifest, middleware: office_hours }
//! # fn main() {
//! let request = RequestHead::get("/").with_header("X-Region", "moon");
//! assert!(matches!(office_hours(&request), RequestDecision::Answer(answer) if answer.status() == 403));
//! # }
//! ```
//!
//! One that looks at responses:
//!
//! ```
//! use switchyard_sdk::{RequestHead, ResponseHead};
//!
//! fn no_sniffing(_: &RequestHead, response: &ResponseHead) -> ResponseHead {
//!     response.clone().with_header("x-content-type-options", "nosniff")
//! }
//! ```
//!
//! One that does both, or reads bodies, is a [`Middleware`]. One that has to change bodies as they stream is a component
//! of `wasi:http` 0.3, of the world `wasi:http/middleware`, and is not written with this crate.

mod decision;
mod handlers;
mod head;

pub use decision::{RequestDecision, ResponseDecision};
pub use handlers::{IntoMiddleware, Middleware};
pub use head::{RequestHead, ResponseHead};

#[doc(hidden)]
pub use handlers::{Made, Requests, Responses};
