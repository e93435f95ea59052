//! The error that a handler answers with.

mod from;

use std::fmt;

use serde_json::{Map, Value};

use crate::{IntoResponse, Response, log};

/// What handlers return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An answer that is not a success: a status and a text for the caller, sent as `application/problem+json` (RFC 9457).
///
/// `?` turns the other errors of this crate into one: 503 for what may work later, 422 for an event that a middleware
/// rejected, 409 for a saga whose status does not allow it, 502 and 504 for a service that was called and did not answer
/// well or in time, else 500 with the cause in the log.
///
/// ```
/// use switchyard_sdk::{Error, IntoResponse};
///
/// let sold_out = Error::conflict("Sold out").detail("none of p1 is left, and 3 are wanted").member("left", 0);
/// let response = sold_out.into_response();
/// assert_eq!((response.status(), response.header("content-type")), (409, Some("application/problem+json")));
/// let problem: serde_json::Value = response.body_json()?;
/// assert_eq!((&problem["title"], &problem["error"]), (&"Conflict".into(), &"Sold out".into()));
/// assert_eq!((&problem["detail"], &problem["left"]), (&"none of p1 is left, and 3 are wanted".into(), &0.into()));
/// # Ok::<(), switchyard_sdk::JsonError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    status: u16,
    message: String,
    rest: Option<Box<Rest>>,
}

/// What few errors have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Rest {
    detail: Option<String>,
    members: Map<String, Value>,
    headers: Vec<(String, String)>,
}

// === impl Error ===

impl Error {
    /// An error of this status, 400 to 599. The text is short and always the same for the same fault, so that clients can
    /// tell by it; what is about this one case is its [`detail`](Self::detail).
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), rest: None }
    }

    /// 400: the request is wrong.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    /// 401: nobody knows who asks.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(401, message)
    }

    /// 403: whoever asks may not.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, message)
    }

    /// 404: there is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, message)
    }

    /// 409: it is not so that this can be done.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, message)
    }

    /// 500: the cause goes to the log, the caller reads `Internal error` only.
    pub fn internal(cause: impl fmt::Display) -> Self {
        log::error!("{cause}");
        Self::new(500, "Internal error")
    }

    /// 503: it may work later, and clients are told to wait for a second.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(503, message).header("retry-after", "1")
    }

    /// With an explanation of this very case, for people: the problem's `detail`, which is the text unless this says
    /// otherwise.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.rest().detail = Some(detail.into());
        self
    }

    /// With one more member of the problem, for programs; also over `type`, which is `about:blank` otherwise. A value that
    /// cannot be JSON is null.
    pub fn member(mut self, name: impl Into<String>, value: impl serde::Serialize) -> Self {
        let value = serde_json::to_value(value).unwrap_or_default();
        self.rest().members.insert(name.into(), value);
        self
    }

    /// With one more header of the response, as `retry-after` or `www-authenticate`.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.rest().headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The text.
    pub fn message(&self) -> &str {
        &self.message
    }

    fn rest(&mut self) -> &mut Rest {
        self.rest.get_or_insert_default()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status, self.message)?;
        match self.rest.as_ref().and_then(|rest| rest.detail.as_ref()) {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let Rest { detail, members, headers } = self.rest.map_or_else(Rest::default, |rest| *rest);
        let mut problem = Map::new();
        let mut say = |name: &str, value: Value| problem.insert(name.to_owned(), value);
        say("type", "about:blank".into());
        say("title", reason(self.status).into());
        say("detail", detail.unwrap_or_else(|| self.message.clone()).into());
        say("error", self.message.into());
        problem.extend(members);
        // A member of this name would contradict the status line.
        problem.insert("status".to_owned(), self.status.into());
        let response = Response::bytes("application/problem+json", Value::Object(problem).to_string());
        headers
            .into_iter()
            .fold(response.with_status(self.status), |response, (name, value)| response.with_header(&name, value))
    }
}

/// What a status is called, of those that services answer failures with.
fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_a_problem() {
        let response = Error::not_found("User not found").into_response();
        let problem = r#"{"detail":"User not found","error":"User not found","status":404,"title":"Not Found","type":"about:blank"}"#;
        assert_eq!(String::from_utf8_lossy(response.body()), problem);
        assert_eq!((response.status(), response.header("content-type")), (404, Some("application/problem+json")));
    }

    #[test]
    fn what_one_adds_is_there_and_the_status_stays_true() {
        let error = Error::new(429, "Slow down").member("type", "https://example.com/slow").member("status", 200);
        let response = error.header("Retry-After", "7").into_response();
        let problem: Value = response.body_json().expect("JSON");
        assert_eq!((&problem["type"], &problem["status"]), (&"https://example.com/slow".into(), &429.into()));
        assert_eq!((response.status(), response.header("retry-after")), (429, Some("7")));
    }

    #[test]
    fn the_log_reads_the_detail_too() {
        assert_eq!(Error::bad_request("Wrong").to_string(), "400: Wrong");
        assert_eq!(Error::bad_request("Wrong").detail("no name").to_string(), "400: Wrong: no name");
    }
}
