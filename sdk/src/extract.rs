//! What handlers take: parts of a request, read into types of their own.
//!
//! A handler names what it wants as its arguments. What cannot be read so never reaches it: the caller is answered 400, as a
//! problem that names the member, what was expected there and what came.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use switchyard_sdk::{Json, Path, Query, Request, Result, Router};
//!
//! #[derive(Deserialize)]
//! struct Order {
//!     items: Vec<Item>,
//! }
//!
//! #[derive(Serialize, Deserialize)]
//! struct Item {
//!     product: String,
//!     quantity: u32,
//! }
//!
//! #[derive(Deserialize)]
//! struct Page {
//!     #[serde(default)]
//!     from: usize,
//!     limit: Option<usize>,
//! }
//!
//! /// `GET /items?from=20&limit=10`
//! fn list(Query(page): Query<Page>) -> Json<Vec<usize>> {
//!     Json((page.from..).take(page.limit.unwrap_or(100)).collect())
//! }
//!
//! /// `GET /items/7/parts/engine`
//! fn read(Path((item, part)): Path<(u32, String)>) -> String {
//!     format!("{part} of {item}")
//! }
//!
//! /// The request itself comes first where a handler wants it, too.
//! fn place(request: &Request, Json(order): Json<Order>) -> Result<(u16, String)> {
//!     let who = request.header("x-auth-subject").unwrap_or("nobody");
//!     Ok((201, format!("{} for {who}", order.items[0].product)))
//! }
//!
//! let router = Router::new().get("/items", list).get("/items/{item}/parts/{part}", read).post("/orders", place);
//! assert_eq!(router.serve(Request::get("/items?from=3&limit=2")).body(), b"[3,4]");
//! assert_eq!(router.serve(Request::get("/items/7/parts/engine")).body(), b"engine of 7");
//!
//! let order = serde_json::json!({ "items": [{ "product": "p1", "quantity": "two" }] });
//! let refused = router.serve(Request::post("/orders").with_json(&order));
//! let problem: serde_json::Value = refused.body_json()?;
//! assert_eq!((refused.status(), &problem["error"]), (400, &"Invalid body".into()));
//! assert_eq!(problem["detail"], r#"items[0].quantity: expected a whole number from 0 to 4294967295, got "two""#);
//! assert_eq!(problem["errors"][0]["pointer"], "#/items/0/quantity");
//! # Ok::<(), switchyard_sdk::JsonError>(())
//! ```

mod mismatch;
mod params;
mod texts;

use serde::de::DeserializeOwned;

use crate::response::Json;
use crate::{Request, Result};

pub(crate) use mismatch::from_json;

/// What a handler can take as an argument: [`Path`], [`Query`], [`Json`], [`Form`], or a type of a service's own.
///
/// ```
/// use switchyard_sdk::{Error, FromRequest, Request, Result, Router};
///
/// /// Who asks, as the gateway says.
/// struct Subject(String);
///
/// impl FromRequest for Subject {
///     fn from_request(request: &Request) -> Result<Self> {
///         let subject = request.header("x-auth-subject").ok_or_else(|| Error::unauthorized("Who are you?"))?;
///         Ok(Self(subject.to_owned()))
///     }
/// }
///
/// let router = Router::new().get("/me", |Subject(name): Subject| name);
/// assert_eq!(router.serve(Request::get("/me").with_header("x-auth-subject", "ann")).body(), b"ann");
/// assert_eq!(router.serve(Request::get("/me")).status(), 401);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be taken from a request",
    note = "handlers take `&Request` first, and then `Path`, `Query`, `Json`, `Form` or what implements `FromRequest`"
)]
pub trait FromRequest: Sized {
    /// Takes it from a request.
    ///
    /// # Errors
    /// With what the caller is answered instead.
    fn from_request(request: &Request) -> Result<Self>;
}

/// What the router found in the path: one value for one parameter, a tuple for several in their order, or a struct whose
/// members are called like them.
///
/// ```
/// use switchyard_sdk::{Path, Request, Router};
///
/// let router = Router::new().get("/users/{id}", |Path(id): Path<u64>| format!("user {id}"));
/// assert_eq!(router.serve(Request::get("/users/7")).body(), b"user 7");
/// assert_eq!(router.serve(Request::get("/users/ann")).status(), 400);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path<T>(pub T);

/// The query of the request's target, read into a struct or a map. A parameter that occurs more than once fills a list; where
/// one value is expected, the first counts.
///
/// ```
/// use serde::Deserialize;
/// use switchyard_sdk::{Query, Request, Router};
///
/// #[derive(Deserialize)]
/// struct Search {
///     #[serde(default)]
///     tag: Vec<String>,
///     limit: Option<u32>,
/// }
///
/// let router = Router::new().get("/", |Query(search): Query<Search>| format!("{:?} {:?}", search.tag, search.limit));
/// assert_eq!(router.serve(Request::get("/?tag=a&tag=b%20c&limit=5")).body(), br#"["a", "b c"] Some(5)"#);
/// assert_eq!(router.serve(Request::get("/")).body(), b"[] None");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<T>(pub T);

/// A body that is `application/x-www-form-urlencoded`, as browsers send it, whatever its content type says; read as a
/// [`Query`] is.
///
/// ```
/// use serde::Deserialize;
/// use switchyard_sdk::{Form, Request, Router};
///
/// #[derive(Deserialize)]
/// struct Login {
///     name: String,
/// }
///
/// let router = Router::new().post("/login", |Form(login): Form<Login>| login.name);
/// assert_eq!(router.serve(Request::post("/login").with_body("name=ann+b")).body(), b"ann b");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form<T>(pub T);

// === impl FromRequest ===

impl<T: DeserializeOwned> FromRequest for Json<T> {
    fn from_request(request: &Request) -> Result<Self> {
        request.json().map(Self)
    }
}

/// The request itself, as its own: async handlers cannot borrow it.
#[cfg(feature = "async")]
impl FromRequest for Request {
    fn from_request(request: &Request) -> Result<Self> {
        Ok(request.clone())
    }
}

/// None when the body is empty.
impl<T: DeserializeOwned> FromRequest for Option<Json<T>> {
    fn from_request(request: &Request) -> Result<Self> {
        if request.body().is_empty() { Ok(None) } else { Json::from_request(request).map(Some) }
    }
}

impl<T: DeserializeOwned> FromRequest for Path<T> {
    fn from_request(request: &Request) -> Result<Self> {
        params::read(request.params()).map(Self)
    }
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    fn from_request(request: &Request) -> Result<Self> {
        texts::read(request.query_text(), mismatch::Place::Query).map(Self)
    }
}

impl<T: DeserializeOwned> FromRequest for Form<T> {
    fn from_request(request: &Request) -> Result<Self> {
        texts::read(&String::from_utf8_lossy(request.body()), mismatch::Place::Form).map(Self)
    }
}

#[cfg(test)]
mod tests;
