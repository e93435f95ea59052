//! The request that a handler sees.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::switchyard::plugin::http_types;
use crate::{Error, Result, extract, percent};

/// A request with its whole body, and what the router found in its path.
///
/// ```
/// use switchyard_sdk::{Request, Result, Router};
///
/// fn greet(request: &Request) -> Result<String> {
///     let greeting = request.query("greeting").unwrap_or("hello".to_owned());
///     Ok(format!("{greeting}, {} of {}", request.param("name"), request.header("x-town").unwrap_or("nowhere")))
/// }
///
/// let router = Router::new().get("/{name}", greet);
/// let request = Request::get("/ann?greeting=good%20day").with_header("X-Town", "Oslo");
/// assert_eq!(router.serve(request).body(), b"good day, ann of Oslo");
/// ```
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

    /// A POST request; for tests.
    pub fn post(target: &str) -> Self {
        Self::new("POST", target)
    }

    /// The same with this body; for tests.
    pub fn with_body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// The same with this value as JSON for its body; for tests.
    ///
    /// # Panics
    /// When the value cannot be JSON.
    pub fn with_json(self, value: &(impl Serialize + ?Sized)) -> Self {
        let json = serde_json::to_vec(value).expect("the value can be JSON");
        self.with_header("content-type", "application/json").with_body(json)
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

    /// The path and query as the service sees them.
    pub fn target(&self) -> &str {
        &self.target
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

    /// The first query parameter of this name, percent-decoded, `+` read as a space. [`Query`](crate::Query) reads all of
    /// them into a type.
    pub fn query(&self, name: &str) -> Option<String> {
        query(&self.target, name)
    }

    /// The first header of this name (in any case), if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// All headers: lower-case names and raw values.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// Who asks, when the gateway has authenticated it: the header `X-Auth-Subject`, which clients cannot send.
    ///
    /// # Errors
    /// 401 when it has not.
    pub fn subject(&self) -> Result<&str> {
        self.header("x-auth-subject").ok_or_else(|| Error::unauthorized("Missing or invalid authorization header"))
    }

    /// What else is known of who asks: the header `X-Auth-Claims`, read as JSON.
    ///
    /// # Errors
    /// 401 when the gateway has authenticated nobody, 403 when the claims are not these.
    ///
    /// ```
    /// use serde::Deserialize;
    /// use switchyard_sdk::{Error, Request, Result};
    ///
    /// #[derive(Deserialize)]
    /// struct Claims {
    ///     roles: Vec<String>,
    /// }
    ///
    /// fn only_admins(request: &Request) -> Result<()> {
    ///     let claims: Claims = request.claims()?;
    ///     if claims.roles.iter().any(|role| role == "admin") { Ok(()) } else { Err(Error::forbidden("Only for admins")) }
    /// }
    ///
    /// let request = |claims| Request::get("/").with_header("x-auth-claims", claims);
    /// assert!(only_admins(&request(r#"{"sub":"ann","roles":["admin"]}"#)).is_ok());
    /// assert_eq!(only_admins(&request(r#"{"sub":"bob"}"#)).unwrap_err().status(), 403);
    /// assert_eq!(only_admins(&Request::get("/")).unwrap_err().status(), 401);
    /// ```
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T> {
        let claims = self.header("x-auth-claims");
        let claims = claims.ok_or_else(|| Error::unauthorized("Missing or invalid authorization header"))?;
        serde_json::from_str(claims)
            .map_err(|error| Error::forbidden("Not with these claims").detail(format!("the claims: {error}")))
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body read as JSON, whatever its content type says.
    ///
    /// # Errors
    /// 400 `Invalid JSON` when it is none, and `Invalid body` when it is of another shape, with what is wrong and where.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        extract::from_json(&self.body)
    }

    pub(crate) fn of(method: String, target: String, headers: Vec<(String, Vec<u8>)>, body: Vec<u8>) -> Self {
        Self { method, target, headers, body, params: Vec::new() }
    }

    /// The same without its body, and the body.
    #[cfg(all(feature = "async", not(target_arch = "wasm32")))]
    pub(crate) fn split(mut self) -> (Self, Vec<u8>) {
        let body = std::mem::take(&mut self.body);
        (self, body)
    }

    /// The query as it stands in the target; empty when there is none.
    pub(crate) fn query_text(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    pub(crate) fn params(&self) -> &[(&'static str, String)] {
        &self.params
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
    percent::pairs(query).find(|(key, _)| key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_finds_the_first_and_decodes_it() {
        let request = Request::get("/a?x=1&q=a%20b%2Fc+d&q=2&flag");
        assert_eq!((request.path(), request.query_text()), ("/a", "x=1&q=a%20b%2Fc+d&q=2&flag"));
        assert_eq!(request.query("q").as_deref(), Some("a b/c d"));
        assert_eq!(request.query("flag").as_deref(), Some(""));
        assert_eq!(request.query("none"), None);
    }

    #[test]
    fn headers_are_found_in_any_case() {
        let request = Request::get("/").with_header("X-Trace", "7");
        assert_eq!(request.header("x-trace"), Some("7"));
        assert_eq!(request.headers().collect::<Vec<_>>(), [("x-trace", &b"7"[..])]);
    }

    #[test]
    fn who_asks_is_what_the_gateway_says() {
        assert_eq!(Request::get("/").subject().expect_err("nobody").status(), 401);
        assert_eq!(Request::get("/").with_header("X-Auth-Subject", "ann").subject(), Ok("ann"));
    }
}
