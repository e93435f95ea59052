//! The request that a handler sees.

use serde::de::DeserializeOwned;

use crate::bindings::switchyard::plugin::http_types;
use crate::{Error, Result};

/// A request with its whole body, and what the router found in its path.
#[derive(Debug, Clone)]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    params: Vec<(&'static str, String)>,
}

// === impl Request ===

impl Request {
    /// A request without headers and body; for tests.
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            params: Vec::new(),
        }
    }

    /// A GET request; for tests.
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// The same with this body; for tests.
    pub fn with_body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// The same with one more header; for tests. The name is lower-case, as the host gives it.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.as_bytes().to_vec()));
        self
    }

    /// The method, upper-case.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path as the service sees it, without the query.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(&self.target, |(path, _)| path)
    }

    /// What the router found for `{name}` in the pattern, percent-decoded; `*` names the rest of a path.
    ///
    /// # Panics
    /// When the route's pattern has no such parameter.
    pub fn param(&self, name: &str) -> &str {
        let found = self.params.iter().find(|(key, _)| *key == name);
        &found.expect("the route's pattern names this parameter").1
    }

    /// The first query parameter of this name, percent-decoded, `+` read as a space.
    pub fn query(&self, name: &str) -> Option<String> {
        query(&self.target, name)
    }

    /// The first header of this name (in any case), if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body read as JSON, whatever its content type says.
    ///
    /// # Errors
    /// 400 `Invalid JSON` when it is none, or of another shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|_| Error::bad_request("Invalid JSON"))
    }

    pub(crate) fn of(method: String, target: String, headers: Vec<(String, Vec<u8>)>, body: Vec<u8>) -> Self {
        Self { method, target, headers, body, params: Vec::new() }
    }

    pub(crate) fn set_params(&mut self, params: Vec<(&'static str, String)>) {
        self.params = params;
    }
}

impl From<http_types::Request> for Request {
    fn from(raw: http_types::Request) -> Self {
        let http_types::Request { method, path, headers, body } = raw;
        Self::of(method, path, headers, body)
    }
}

impl From<Request> for http_types::Request {
    fn from(request: Request) -> Self {
        let Request { method, target, headers, body, .. } = request;
        Self { method, path: target, headers, body }
    }
}

/// The first query parameter of this name in a path and query, decoded.
pub(crate) fn query(target: &str, name: &str) -> Option<String> {
    let (_, query) = target.split_once('?')?;
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let decoded = |text: &str| percent_decoded(&text.replace('+', " "));
    pairs.map(|(key, value)| (decoded(key), value)).find(|(key, _)| key == name).map(|(_, value)| decoded(value))
}

/// `%2F` becomes `/`. What is no escape stays as it is; what is no UTF-8 then, is replaced.
pub(crate) fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.extend(u8::try_from(high * 16 + low));
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_finds_the_first_and_decodes_it() {
        let request = Request::get("/a?x=1&q=a%20b%2Fc+d&q=2&flag");
        assert_eq!(request.path(), "/a");
        assert_eq!(request.query("q").as_deref(), Some("a b/c d"));
        assert_eq!(request.query("flag").as_deref(), Some(""));
        assert_eq!(request.query("none"), None);
    }

    #[test]
    fn broken_escapes_stay_as_they_are() {
        for (text, decoded) in [("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("%41%", "A%"), ("%c3%a9", "é")] {
            assert_eq!(percent_decoded(text), decoded, "{text}");
        }
    }

    #[test]
    fn headers_are_found_in_any_case() {
        let request = Request::get("/").with_header("X-Trace", "7");
        assert_eq!(request.header("x-trace"), Some("7"));
    }

    #[test]
    fn a_body_that_is_no_json_is_400() {
        let error = Request::get("/").with_body("{").json::<serde_json::Value>().expect_err("no JSON");
        assert_eq!(error, Error::bad_request("Invalid JSON"));
    }
}
