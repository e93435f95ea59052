//! The console asks the admin API, in this process.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode,
    header::{CONTENT_TYPE, COOKIE, USER_AGENT},
    request::Parts,
};
use http_body_util::BodyExt;
use serde_json::Value;

use super::{Via, failure::Failure, full};
use crate::admin::{self, Sources};

/// The header that says who an action is done for; the API's listener takes it from nobody.
const COPIED: [HeaderName; 2] = [USER_AGENT, COOKIE];

/// The API, as one request of the console reaches it.
#[derive(Clone, Copy)]
pub(super) struct Api<'a> {
    sources: &'a Sources,
    /// The request that the console answers.
    behind: &'a Parts,
}

/// One call of the API.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) method: Method,
    path: String,
    query: String,
    pub(super) kind: Option<&'static str>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// What the API answered: a status below 400, and a body.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A segment of a path, or a member of a query, with all encoded that is not a letter, a digit or one of `-._~`.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// A path of the console or the API, of segments that are encoded here.
pub(super) fn path(segments: &[&str]) -> String {
    segments.iter().map(|segment| format!("/{}", encode(segment))).collect()
}

// === impl Api ===

impl<'a> Api<'a> {
    /// For a page, or an action, that this request asks for.
    pub(super) fn new(sources: &'a Sources, behind: &'a Parts) -> Self {
        Self { sources, behind }
    }

    /// Reads what is below `/api/v1`, as JSON.
    ///
    /// # Errors
    /// With what the API says.
    pub(super) async fn get(&self, segments: &[&str], query: &[(&str, &str)]) -> Result<Value, Failure> {
        let call = query.iter().fold(Call::get(segments), |call, (name, value)| call.query(name, value));
        Ok(self.send(call).await?.json())
    }

    /// The items of a list: its first page, of at most 1,000; none when it cannot be read.
    pub(super) async fn items(&self, segments: &[&str]) -> Vec<Value> {
        match self.get(segments, &[]).await {
            Ok(mut list) => list["items"].as_array_mut().map(std::mem::take).unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }

    /// Asks.
    ///
    /// # Errors
    /// With what the API says, when that is a status of 400 and more.
    pub(super) async fn send(&self, call: Call) -> Result<Answered, Failure> {
        let request = call.request(&self.behind.headers)?;
        let (mut parts, body) = request.into_parts();
        parts.extensions = self.behind.extensions.clone();
        parts.extensions.insert(Via);
        // Of a type that is told: whether it can be sent would else be found out anew through all that calls it.
        let answer: BoxFuture<'_, _> = Box::pin(admin::within(parts, full(body), self.sources));
        let (parts, body) = answer.await.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let answered = Answered { status: parts.status, headers: parts.headers, body };
        if answered.status.is_client_error() || answered.status.is_server_error() {
            return Err(Failure::of_problem(answered.status, &answered.json()));
        }
        Ok(answered)
    }
}

// === impl Call ===

impl Call {
    /// Reads what is below `/api/v1`.
    pub(super) fn get(segments: &[&str]) -> Self {
        Self::new(Method::GET, segments)
    }

    /// Posts to what is below `/api/v1`.
    pub(super) fn post(segments: &[&str]) -> Self {
        Self::new(Method::POST, segments)
    }

    /// Puts what is below `/api/v1`.
    pub(super) fn put(segments: &[&str]) -> Self {
        Self::new(Method::PUT, segments)
    }

    /// Deletes what is below `/api/v1`.
    pub(super) fn delete(segments: &[&str]) -> Self {
        Self::new(Method::DELETE, segments)
    }

    fn new(method: Method, segments: &[&str]) -> Self {
        let (path, query) = (format!("/api/v1{}", path(segments)), String::new());
        Self { method, path, query, kind: None, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// With this in the query.
    pub(super) fn query(mut self, name: &str, value: &str) -> Self {
        let separator = if self.query.is_empty() { '?' } else { '&' };
        self.query.push_str(&format!("{separator}{}={}", encode(name), encode(value)));
        self
    }

    /// With this body.
    pub(super) fn json(self, body: &Value) -> Self {
        self.bytes("application/json", body.to_string())
    }

    /// With this body: what a type of ours writes as JSON, numbers as they were typed.
    pub(super) fn body_of(self, body: &impl serde::Serialize) -> Self {
        // Members with texts, numbers and JSON always serialise.
        self.bytes("application/json", serde_json::to_vec(body).unwrap_or_default())
    }

    /// With this body, of this kind.
    pub(super) fn bytes(mut self, kind: &'static str, body: impl Into<Bytes>) -> Self {
        (self.kind, self.body) = (Some(kind), body.into());
        self
    }

    /// With this header; a value that is none is left out.
    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// The path and the query.
    pub(super) fn target(&self) -> String {
        format!("{}{}", self.path, self.query)
    }

    fn request(self, of_user: &HeaderMap) -> Result<Request<Bytes>, Failure> {
        let wrong = |error: http::Error| Failure::of_form(error.to_string());
        let mut request = Request::builder().method(self.method.clone()).uri(self.target());
        if let Some(kind) = self.kind {
            request = request.header(CONTENT_TYPE, kind);
        }
        let mut request = request.body(self.body).map_err(wrong)?;
        for name in COPIED {
            if let Some(value) = of_user.get(&name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        request.headers_mut().extend(self.headers);
        Ok(request)
    }
}

// === impl Answered ===

impl Answered {
    /// The body as JSON; null when it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_stays_within_its_segment() {
        let call = Call::post(&["kv", "a/../b", "c?d#e"]).query("q", "1&x=2 ü");
        assert_eq!(call.target(), "/api/v1/kv/a%2F..%2Fb/c%3Fd%23e?q=1%26x%3D2%20%C3%BC");
    }
}
