//! Calls to other services and servers.
//!
//! A service of this host is called by its name: the host finds an instance, keeps to its breaker, retries what is harmless
//! and, when it is a plugin, calls it in process. Any other server needs to be in `[services.NAME] outbound` of the host's
//! configuration. The headers that tie a call to its request (`traceparent` and the like) go along by themselves.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use switchyard_sdk::{Json, Path, Request, Result, Router, http, testing};
//!
//! #[derive(Serialize, Deserialize)]
//! struct User {
//!     name: String,
//! }
//!
//! fn greet(Path(id): Path<String>) -> Result<Option<String>> {
//!     let path = format!("/users/{}", http::segment(&id));
//!     let Some(answer) = http::service("users").get(path).send()?.found()? else { return Ok(None) };
//!     let user: User = answer.json()?;
//!     Ok(Some(format!("hello, {}", user.name)))
//! }
//!
//! // In a test there is a service of that name if the test says so.
//! testing::service("users", |request: &Request| match request.path() {
//!     "/users/7" => Some(Json(User { name: "ann".into() })),
//!     _ => None,
//! });
//! let router = Router::new().get("/greet/{id}", greet);
//! assert_eq!(router.serve(Request::get("/greet/7")).body(), b"hello, ann");
//! assert_eq!(router.serve(Request::get("/greet/8")).status(), 404);
//! ```
//!
//! A service that calls nobody imports nothing of this.

mod answer;
mod call;
mod error;

pub use answer::Answer;
pub use call::{Call, Service};
pub use error::{Called, Error};

pub(crate) use call::Outgoing;
pub(crate) use error::Fault;

/// A service of this host, by name. Paths are as the service sees them, without the gateway's prefix.
///
/// ```
/// use switchyard_sdk::{http, testing};
///
/// testing::service("stock", || "12");
/// assert_eq!(http::service("stock").get("/p1").send()?.ok()?.text(), "12");
/// # Ok::<(), http::Error>(())
/// ```
pub fn service(name: impl Into<String>) -> Service {
    Service::new(name.into())
}

/// Begins a GET of this URL, which is absolute: `https://api.example.com/rates?of=NOK`.
///
/// ```
/// use switchyard_sdk::{Request, http, testing};
///
/// testing::server("api.example.com", |request: &Request| format!("10 {}", request.query("of").unwrap_or_default()));
/// let rate = http::get("https://api.example.com/rates").query("of", "NOK").send()?.ok()?;
/// assert_eq!(rate.text(), "10 NOK");
///
/// // The host refuses what is not on the service's list.
/// assert!(matches!(http::get("https://example.org/").send(), Err(http::Error::Denied { .. })));
/// # Ok::<(), http::Error>(())
/// ```
pub fn get(url: impl Into<String>) -> Call {
    Call::new("GET", url)
}

/// Begins a POST to this URL.
///
/// ```
/// use switchyard_sdk::{Json, Request, http, testing};
///
/// testing::server("api.example.com", |request: &Request| (201, format!("got {} bytes", request.body().len())));
/// let answer = http::post("https://api.example.com/orders").json(&[1, 2]).header("idempotency-key", "17").send()?;
/// assert_eq!((answer.status(), answer.text()), (201, "got 5 bytes".into()));
/// # Ok::<(), http::Error>(())
/// ```
pub fn post(url: impl Into<String>) -> Call {
    Call::new("POST", url)
}

/// Begins a request of this method, in upper case, to this URL.
///
/// ```
/// use switchyard_sdk::{http, testing};
///
/// testing::server("api.example.com", || ());
/// assert_eq!(http::request("DELETE", "https://api.example.com/orders/1").send()?.status(), 204);
/// # Ok::<(), http::Error>(())
/// ```
pub fn request(method: &str, url: impl Into<String>) -> Call {
    Call::new(method, url)
}

/// A text as one segment of a path, whatever it holds.
///
/// ```
/// use switchyard_sdk::http;
///
/// assert_eq!(format!("/users/{}", http::segment("../a b")), "/users/..%2Fa%20b");
/// ```
pub fn segment(text: &str) -> String {
    crate::percent::encoded(text)
}

#[cfg(test)]
mod tests;
