//! Heads: requests and responses without their bodies.

use crate::bindings::http_middleware::exports::switchyard::plugin::http_middleware as wit;
use crate::request::query;
use crate::{Request, Response};

/// The start of a request. The `with_` functions make the one that is to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    method: String,
    target: String,
    headers: Headers,
}

/// The start of a response. The `with_` functions make the one that is to go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHead {
    status: u16,
    headers: Headers,
}

/// Names in lower case, in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Headers(Vec<(String, Vec<u8>)>);

// === impl RequestHead ===

impl RequestHead {
    /// A request without headers; for tests.
    pub fn new(method: &str, target: &str) -> Self {
        Self { method: method.to_owned(), target: target.to_owned(), headers: Headers::default() }
    }

    /// A GET request; for tests.
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// The method, upper-case.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path as the client sent it, without the query.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(&self.target, |(path, _)| path)
    }

    /// The path and query as the client sent them.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The first query parameter of this name, percent-decoded, `+` read as a space.
    pub fn query(&self, name: &str) -> Option<String> {
        query(&self.target, name)
    }

    /// The first header of this name (in any case), if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// All headers: lower-case names and raw values.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers.iter()
    }

    /// The same with this header, over those of the same name. What speaks of the connection or says the body's length
    /// stays as it was, whatever stands here.
    pub fn with_header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.set(name, value.into());
        self
    }

    /// The same without the headers of this name.
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// The same with another method.
    pub fn with_method(self, method: impl Into<String>) -> Self {
        Self { method: method.into(), ..self }
    }

    /// The same with another path and query, which begin with `/`. The request is then routed by these.
    pub fn with_target(self, target: impl Into<String>) -> Self {
        Self { target: target.into(), ..self }
    }

    /// A request with this head and another body.
    pub fn with_body(self, body: impl Into<Vec<u8>>) -> Request {
        Request::of(self.method, self.target, self.headers.0, body.into())
    }
}

impl From<wit::RequestHead> for RequestHead {
    fn from(raw: wit::RequestHead) -> Self {
        Self { method: raw.method, target: raw.path, headers: Headers(raw.headers) }
    }
}

impl From<RequestHead> for wit::RequestHead {
    fn from(head: RequestHead) -> Self {
        Self { method: head.method, path: head.target, headers: head.headers.0 }
    }
}

// === impl ResponseHead ===

impl ResponseHead {
    /// A response without headers; for tests.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Headers::default() }
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first header of this name (in any case), if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// All headers: lower-case names and raw values.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers.iter()
    }

    /// The same with this header, over those of the same name; as [`RequestHead::with_header`].
    pub fn with_header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.set(name, value.into());
        self
    }

    /// The same without the headers of this name.
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// The same with another status, 200 to 599.
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// A response with this head and another body.
    pub fn with_body(self, body: impl Into<Vec<u8>>) -> Response {
        Response::of(self.status, self.headers.0, body.into())
    }
}

impl From<wit::ResponseHead> for ResponseHead {
    fn from(raw: wit::ResponseHead) -> Self {
        Self { status: raw.status, headers: Headers(raw.headers) }
    }
}

impl From<ResponseHead> for wit::ResponseHead {
    fn from(head: ResponseHead) -> Self {
        Self { status: head.status, headers: head.headers.0 }
    }
}

// === impl Headers ===

impl Headers {
    fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    fn set(&mut self, name: &str, value: Vec<u8>) {
        self.remove(name);
        self.0.push((name.to_ascii_lowercase(), value));
    }

    fn remove(&mut self, name: &str) {
        self.0.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_and_changed() {
        let head = RequestHead::get("/a?q=b%20c").with_header("X-One", "1").with_header("x-two", "2");
        assert_eq!((head.method(), head.path(), head.query("q").as_deref()), ("GET", "/a", Some("b c")));
        let changed = head.with_header("x-ONE", "3").without_header("X-Two").with_method("PUT").with_target("/b?c");
        assert_eq!((changed.method(), changed.target(), changed.query("q")), ("PUT", "/b?c", None));
        assert_eq!(changed.headers().collect::<Vec<_>>(), [("x-one", &b"3"[..])]);
        assert_eq!((changed.header("X-One"), changed.header("x-two")), (Some("3"), None));
        let response = ResponseHead::new(200).with_header("ETag", "1").with_status(203);
        assert_eq!((response.status(), response.header("etag")), (203, Some("1")));
    }

    #[test]
    fn a_head_and_a_body_are_a_whole() {
        let request = RequestHead::new("POST", "/a?b=1").with_header("x-one", "1").with_body("hello");
        assert_eq!((request.method(), request.path(), request.body()), ("POST", "/a", &b"hello"[..]));
        assert_eq!((request.query("b").as_deref(), request.header("x-one")), (Some("1"), Some("1")));
        let response = ResponseHead::new(201).with_header("x-one", "1").with_body("hello");
        let seen = (response.status(), response.header("x-one"), response.body());
        assert_eq!(seen, (201, Some("1"), &b"hello"[..]));
    }
}
