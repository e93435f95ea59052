//! The response that a handler gives, and what can be turned into one.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::switchyard::plugin::http_types;
use crate::{Error, JsonError, Result, json};

/// A response with its whole body.
///
/// ```
/// use switchyard_sdk::Response;
///
/// let made = Response::json(&["p1"]).with_status(201).with_header("location", "/products/p1");
/// assert_eq!((made.status(), made.header("Location"), made.body()), (201, Some("/products/p1"), &br#"["p1"]"#[..]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

/// A body that is JSON: what a handler takes, read into a type, and what it answers, with status 200.
///
/// ```
/// use switchyard_sdk::{Json, Request, Router};
///
/// let router = Router::new().post("/sum", |Json(numbers): Json<Vec<u32>>| Json(numbers.iter().sum::<u32>()));
/// assert_eq!(router.serve(Request::post("/sum").with_body("[1, 2]")).body(), b"3");
/// let refused = router.serve(Request::post("/sum").with_body("[1, -2]"));
/// let problem: serde_json::Value = refused.body_json()?;
/// assert_eq!(problem["detail"], "[1]: expected a whole number from 0 to 4294967295, got -2");
/// # Ok::<(), switchyard_sdk::JsonError>(())
/// ```
///
/// The content type of what comes is not looked at, so that `curl -d` will do. An `Option<Json<T>>` is none when there is no
/// body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// What a handler may return: a [`Response`], text, bytes, [`Json`], an answer of another service, nothing (204), a status
/// with any of these, an [`Option`] of them (404 when it is none), or a [`Result`] of any of these.
///
/// ```
/// use switchyard_sdk::{IntoResponse, Json};
///
/// let answers = [
///     ().into_response(),
///     "text".into_response(),
///     (201, Json(7)).into_response(),
///     None::<Json<u32>>.into_response(),
/// ];
/// assert_eq!(answers.map(|answer| answer.status()), [204, 200, 201, 404]);
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler cannot answer with `{Self}`",
    note = "it answers with `Json(value)`, text, a `Response`, `()`, `(status, answer)`, or a `Result` or `Option` of these"
)]
pub trait IntoResponse {
    /// Turns it into a response.
    fn into_response(self) -> Response;
}

// === impl Response ===

impl Response {
    /// An empty response of this status, 200 to 599.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn of(status: u16, headers: Vec<(String, Vec<u8>)>, body: Vec<u8>) -> Self {
        Self { status, headers, body }
    }

    /// 200 with text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::bytes("text/plain; charset=utf-8", text.into())
    }

    /// 200 with a value as JSON. A value that cannot be JSON (a map with keys that are no strings) is 500.
    pub fn json(value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(json) => Self::json_bytes(json),
            Err(error) => Error::internal(error).into_response(),
        }
    }

    /// 200 with bytes that are JSON already, sent as they are.
    pub fn json_bytes(json: impl Into<Vec<u8>>) -> Self {
        Self::bytes("application/json", json)
    }

    /// 200 with bytes of this media type.
    pub fn bytes(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::new(200) }.with_header("content-type", content_type)
    }

    /// 200 with a page.
    pub fn html(page: impl Into<String>) -> Self {
        Self::bytes("text/html; charset=utf-8", page.into())
    }

    /// Sends the client elsewhere: 303 to be read there, 307 and 308 to do the same there.
    pub fn redirect(status: u16, location: impl Into<String>) -> Self {
        Self::new(status).with_header("location", location.into())
    }

    /// A failure as `application/problem+json` (RFC 9457), as the gateway answers its own; the detail is for people. The same
    /// as an [`Error`] of this text.
    pub fn problem(status: u16, detail: impl Into<String>) -> Self {
        Error::new(status, detail).into_response()
    }

    /// The same with this status.
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same with one more header.
    pub fn with_header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first header of this name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// All headers: lower-case names and raw values.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body read as JSON, as tests do.
    ///
    /// # Errors
    /// When it is none, or of another shape.
    pub fn body_json<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        json::read(&self.body, || format!("a response {}", self.status))
    }
}

impl From<Response> for http_types::Response {
    fn from(Response { status, headers, body }: Response) -> Self {
        Self { status, headers, body }
    }
}

// === impl IntoResponse ===

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }
}

impl IntoResponse for () {
    fn into_response(self) -> Response {
        Response::new(204)
    }
}

impl IntoResponse for &str {
    fn into_response(self) -> Response {
        Response::text(self)
    }
}

impl IntoResponse for String {
    fn into_response(self) -> Response {
        Response::text(self)
    }
}

impl IntoResponse for Vec<u8> {
    fn into_response(self) -> Response {
        Response::bytes("application/octet-stream", self)
    }
}

impl IntoResponse for serde_json::Value {
    fn into_response(self) -> Response {
        Response::json(&self)
    }
}

impl<T: IntoResponse> IntoResponse for Option<T> {
    fn into_response(self) -> Response {
        self.map_or_else(|| Error::not_found("Not found").into_response(), T::into_response)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        Response::json(&self.0)
    }
}

impl<T: IntoResponse> IntoResponse for (u16, T) {
    fn into_response(self) -> Response {
        self.1.into_response().with_status(self.0)
    }
}

impl<T: IntoResponse> IntoResponse for Result<T> {
    fn into_response(self) -> Response {
        match self {
            Ok(value) => value.into_response(),
            Err(error) => error.into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: impl IntoResponse, status: u16, content_type: Option<&str>, body: &str) {
        let response = value.into_response();
        assert_eq!(response.status(), status);
        assert_eq!(response.header("content-type"), content_type);
        assert_eq!(response.body(), body.as_bytes());
    }

    #[test]
    fn handlers_may_return_many_things() {
        check((), 204, None, "");
        check("hi", 200, Some("text/plain; charset=utf-8"), "hi");
        check(Json([1, 2]), 200, Some("application/json"), "[1,2]");
        check((201, Json("x")), 201, Some("application/json"), r#""x""#);
        check(serde_json::json!({ "a": 1 }), 200, Some("application/json"), r#"{"a":1}"#);
        check(b"\x01".to_vec(), 200, Some("application/octet-stream"), "\x01");
        check(Some("hi"), 200, Some("text/plain; charset=utf-8"), "hi");
        check(Response::html("<p>"), 200, Some("text/html; charset=utf-8"), "<p>");
        let problem = |status, title, text| {
            format!(
                r#"{{"detail":"{text}","error":"{text}","status":{status},"title":"{title}","type":"about:blank"}}"#
            )
        };
        let is_problem = Some("application/problem+json");
        check(Response::problem(409, "No"), 409, is_problem, &problem(409, "Conflict", "No"));
        check(Err::<(), _>(Error::not_found("Gone")), 404, is_problem, &problem(404, "Not Found", "Gone"));
        check(None::<&str>, 404, is_problem, &problem(404, "Not Found", "Not found"));
        assert_eq!(Response::redirect(303, "/there").header("location"), Some("/there"));
    }
}
