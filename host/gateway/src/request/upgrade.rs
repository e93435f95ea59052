//! WebSocket: the one protocol that a client may switch to, if the service is an ordinary server that wants it.
//!
//! Upgrade is for one hop, so it is removed from all requests and put back where it is followed. Requests that ask for
//! anything else are served as if they had not asked (RFC 9110, section 7.8).

use std::any::Any;

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE},
};
use hyper::upgrade::OnUpgrade;
use switchyard_core::problem::Code;
use switchyard_dispatch::{Service, Upgraded};

use super::Exchange;
use crate::response::{Answer, Refusal};

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// An upstream that has agreed to speak another protocol.
pub(crate) struct Switched {
    upstream: OnUpgrade,
    in_use: Option<Upgraded>,
}

/// Whether a request asks for WebSocket (RFC 6455, section 4.1), over a connection that can be switched.
pub(super) fn asked<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    // Most requests end here.
    headers.contains_key(UPGRADE)
        && request.version() == Version::HTTP_11
        && request.method() == Method::GET
        && lists(headers, &UPGRADE, "websocket")
        && lists(headers, &CONNECTION, "upgrade")
        && !headers.contains_key(CONTENT_LENGTH)
        && !headers.contains_key(TRANSFER_ENCODING)
}

/// Puts back what a service needs to switch.
///
/// # Errors
/// When the service is a plugin: it answers requests, and has no connection.
pub(super) fn keep(exchange: &Exchange, service: &Service, headers: &mut HeaderMap) -> Result<(), Refusal> {
    if !exchange.asks_upgrade {
        return Ok(());
    }
    if service.plugin().is_some() {
        let what = format!("the service '{}' is a plugin, and plugins do not speak WebSocket", service.name());
        return Err(Refusal::new(Code::BadRequest, what));
    }
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, WEBSOCKET);
    Ok(())
}

/// Takes what a switch needs out of the answer that agrees to it. None when the answer is none.
pub(crate) fn switched(exchange: &Exchange, answer: &mut Answer) -> Option<Switched> {
    let agrees = exchange.asks_upgrade
        && answer.status() == StatusCode::SWITCHING_PROTOCOLS
        && lists(answer.headers(), &UPGRADE, "websocket");
    if !agrees {
        return None;
    }
    let upstream = answer.extensions_mut().remove::<OnUpgrade>()?;
    Some(Switched { upstream, in_use: answer.extensions_mut().remove() })
}

/// Says to the client that the connection is switched.
pub(crate) fn agree(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, WEBSOCKET);
}

fn lists(headers: &HeaderMap, name: &HeaderName, member: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(member))
}

// === impl Switched ===

impl Switched {
    /// The upstream's bytes, once they are there, and what has to be kept for as long as they are in use.
    pub(crate) fn into_parts(self) -> (OnUpgrade, impl Any + Send) {
        (self.upstream, self.in_use)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(version: Version, method: Method, headers: &[(&str, &str)], expected: bool) {
        let mut request = Request::builder().version(version).method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        assert_eq!(asked(&request.body(()).unwrap()), expected, "{headers:?}");
    }

    #[test]
    fn only_a_websocket_is_an_upgrade() {
        let (http1, get) = (Version::HTTP_11, || Method::GET);
        let asks = [("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")];
        check(http1, get(), &asks, true);
        check(Version::HTTP_10, get(), &asks, false);
        check(Version::HTTP_2, get(), &asks, false);
        check(http1, Method::POST, &asks, false);
        check(http1, get(), &[("connection", "upgrade"), ("upgrade", "tls/1.0")], false);
        check(http1, get(), &[("upgrade", "websocket")], false);
        check(http1, get(), &[("connection", "upgrade")], false);
        check(http1, get(), &[("connection", "upgrade"), ("upgrade", "websocket"), ("content-length", "1")], false);
    }
}
