//! The response that a handler gives, and what can be turned into one.

use serde::Serialize;

use crate::bindings::switchyard::plugin::http_types;
use crate::{Error, Result};

/// A response with its whole body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// A value to be sent as JSON with status 200.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

/// What a handler may return: a [`Response`], text, [`Json`], nothing (204), a status with any of these, or a
/// [`Result`] of any of these.
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

    /// A failure as `application/problem+json` (RFC 9457), as the gateway answers its own; the detail is for people.
    pub fn problem(status: u16, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let title = reason(status);
        let problem = serde_json::json!({
            "type": "about:blank", "title": title, "status": status, "detail": detail, "error": detail,
        });
        Self::bytes("application/problem+json", problem.to_string()).with_status(status)
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

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// What a status is called, of those that services answer failures with.
fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Error",
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
        let problem = r#"{"detail":"No","error":"No","status":409,"title":"Conflict","type":"about:blank"}"#;
        check(Response::problem(409, "No"), 409, Some("application/problem+json"), problem);
        check(Err::<(), _>(Error::not_found("Gone")), 404, Some("application/json"), r#"{"error":"Gone"}"#);
    }
}
