//! A request that is to be sent.

use std::time::Duration;

use serde::Serialize;

use super::{Answer, Called, Error, Fault};
use crate::{host, percent};

/// How long an answer may take that no time is given for: shorter than the 30 s that a handler itself has, so that it can
/// still answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The largest answer that is taken unless told otherwise: the gateway's own limit of a body, and little enough for the
/// memory of a guest.
const BODY_MAX: usize = 10 * 1024 * 1024;

/// A service of this host that can be called, of [`http::service`](super::service).
#[derive(Debug, Clone)]
pub struct Service {
    name: String,
}

/// A request to be sent by [`send`](Self::send).
#[derive(Debug, Clone)]
#[must_use = "a call is sent by `send`"]
pub struct Call {
    pub(crate) method: String,
    pub(crate) url: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    pub(crate) timeout: Duration,
    body_max: usize,
    /// What is wrong with it, told when it is sent.
    wrong: Option<String>,
}

/// A request as the host sends it.
pub(crate) struct Outgoing {
    pub(crate) method: String,
    #[cfg_attr(not(target_arch = "wasm32"), expect(dead_code, reason = "nothing is encrypted in memory"))]
    pub(crate) is_https: bool,
    /// Host and port.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    /// For the whole answer, its body too.
    pub(crate) timeout: Duration,
    /// The most bytes of the answer's body.
    pub(crate) body_max: usize,
}

// === impl Service ===

impl Service {
    pub(super) fn new(name: String) -> Self {
        Self { name }
    }

    /// Begins a GET of this path, with its query if it has one.
    pub fn get(&self, path: impl AsRef<str>) -> Call {
        self.request("GET", path)
    }

    /// Begins a POST to this path.
    pub fn post(&self, path: impl AsRef<str>) -> Call {
        self.request("POST", path)
    }

    /// Begins a PUT to this path.
    pub fn put(&self, path: impl AsRef<str>) -> Call {
        self.request("PUT", path)
    }

    /// Begins a PATCH of this path.
    pub fn patch(&self, path: impl AsRef<str>) -> Call {
        self.request("PATCH", path)
    }

    /// Begins a DELETE of this path.
    pub fn delete(&self, path: impl AsRef<str>) -> Call {
        self.request("DELETE", path)
    }

    /// Begins a request of this method, in upper case, to this path.
    pub fn request(&self, method: &str, path: impl AsRef<str>) -> Call {
        Call::new(method, format!("http://{}.internal{}", self.name, path.as_ref()))
    }
}

// === impl Call ===

impl Call {
    pub(super) fn new(method: &str, url: impl Into<String>) -> Self {
        Self {
            method: method.to_owned(),
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: TIMEOUT,
            body_max: BODY_MAX,
            wrong: None,
        }
    }

    /// With one more header.
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// With this bearer token, as of a [secret](crate::config::secret).
    pub fn bearer(self, token: impl AsRef<str>) -> Self {
        self.header("authorization", format!("Bearer {}", token.as_ref()))
    }

    /// With one more parameter of the query, encoded as it must be.
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        let join = if self.url.contains('?') { '&' } else { '?' };
        let (name, value) = (percent::encoded(name), percent::encoded(&value.to_string()));
        self.url.push_str(&format!("{join}{name}={value}"));
        self
    }

    /// With this value as JSON for its body. One that cannot be JSON fails the call.
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(json) => self.body = json,
            Err(error) => self.wrong = Some(format!("its body cannot be JSON: {error}")),
        }
        self.header("content-type", "application/json")
    }

    /// With this body, of this media type.
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    /// With so much time for the whole answer; 10 s unless this says otherwise. The host gives it no more than what is left
    /// of the request that is being answered.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// With an answer of at most so many bytes; 10 MiB unless this says otherwise.
    pub fn body_max(self, bytes: usize) -> Self {
        Self { body_max: bytes, ..self }
    }

    /// Sends it, and waits for the answer with its whole body. Any status is an answer, see [`Answer::ok`].
    ///
    /// # Errors
    /// When there is no answer; see [`Error`].
    pub fn send(self) -> Result<Answer, Error> {
        let called = Called::new(&self.method, &self.url);
        let timeout = self.timeout;
        let sent = self.outgoing().and_then(|outgoing| host::send(&outgoing));
        match sent {
            Ok(response) => Ok(Answer::new(called, response)),
            Err(fault) => Err(Error::new(called, fault, timeout)),
        }
    }

    pub(crate) fn outgoing(self) -> Result<Outgoing, Fault> {
        let Self { method, url, headers, body, timeout, body_max, wrong } = self;
        if let Some(wrong) = wrong {
            return Err(Fault::Invalid(wrong));
        }
        let (scheme, rest) = url.split_once("://").ok_or_else(|| invalid("its URL has no scheme"))?;
        let is_https = match scheme {
            "http" => false,
            "https" => true,
            _ => return Err(invalid("the scheme of its URL is neither http nor https")),
        };
        // A fragment is the caller's own.
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.is_empty() || authority.contains('@') {
            return Err(invalid("its URL names no host, or a user"));
        }
        if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(invalid("its path holds what has to be encoded, see `http::segment`"));
        }
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Outgoing { method, is_https, authority: authority.to_owned(), target, headers, body, timeout, body_max })
    }
}

fn invalid(what: &str) -> Fault {
    Fault::Invalid(what.to_owned())
}
