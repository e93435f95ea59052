//! The place of a request in its trace, and its span: that of a server, by OpenTelemetry's conventions.

use std::sync::{Mutex, PoisonError};

use http::{
    HeaderMap, HeaderName, Request, StatusCode,
    header::{HOST, USER_AGENT},
};
use switchyard_core::trace::{Kind, TraceParent};
use switchyard_dispatch::Active;

use super::Exchange;
use crate::{
    connection::Connection,
    request::{Client, Ids},
    response::{Answer, Refusal},
};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What it is called until its route is known.
const METHOD_UNKNOWN: &str = "_OTHER";

/// The span of a request; none when its trace is not recorded, which is nearly always.
pub(super) struct Traced(Option<Mutex<Option<Active>>>);

/// A span whose response is on its way to the client. It ends with that.
#[derive(Default)]
pub(crate) struct Leaving(Option<Active>);

/// The client's traceparent, if there is one, and a valid one.
pub(super) fn parent(headers: &HeaderMap) -> Option<TraceParent> {
    let first = headers.get(TRACEPARENT)?;
    let only = headers.get_all(TRACEPARENT).iter().nth(1).is_none();
    if only { TraceParent::parse(first.as_bytes()) } else { None }
}

/// The place of a request with this id: the id's random half is the new span; without a parent all of it is the new
/// trace, and `samples` says whether that is recorded.
pub(super) fn place(parent: Option<TraceParent>, id: [u8; 16], samples: impl FnOnce() -> bool) -> TraceParent {
    let mut span_id = [0; 8];
    // The variant bits of a UUID keep it from being zero.
    span_id.copy_from_slice(&id[8..]);
    match parent {
        Some(parent) => parent.child(span_id),
        None => TraceParent { trace_id: id, span_id, flags: 0 }.sampled(samples()),
    }
}

// === impl Traced ===

impl Traced {
    /// Begins it, with what its head says. A query may say what is not for everybody, so it is left out.
    pub(super) fn begin<B>(connection: &Connection, request: &Request<B>, ids: &Ids, client: &Client) -> Self {
        let tracer = connection.shared.dispatcher.tracer();
        if !tracer.is_on() || !ids.place.is_sampled() {
            return Self(None);
        }
        let method = switchyard_dispatch::known_method(request.method());
        let name = if method == METHOD_UNKNOWN { "HTTP" } else { method };
        let Some(mut span) = tracer.begin_at(ids.place, ids.parent_id, Kind::Server, name.into()) else {
            return Self(None);
        };
        span.set("http.request.method", method);
        if method == METHOD_UNKNOWN {
            span.set("http.request.method_original", request.method().to_string());
        }
        span.set("url.path", request.uri().path().to_owned());
        span.set("url.scheme", client.scheme);
        span.set("client.address", client.address.to_string());
        let said = |name| request.headers().get(name)?.to_str().ok().map(str::to_owned);
        let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
        if let Some(authority) = said(HOST).or(authority) {
            let (host, port) = host_and_port(&authority);
            span.set("server.address", host.to_owned());
            span.set_some("server.port", port);
        }
        span.set_some("user_agent.original", said(USER_AGENT));
        span.set("network.protocol.version", version(request.version()));
        span.set("switchyard.request.id", ids.request_id.clone());
        Self(Some(Mutex::new(Some(span))))
    }

    /// Notes the pattern of the route that takes it, which it is called by.
    pub(super) fn route(&self, exchange: &Exchange, pattern: &str) {
        self.with(|span| {
            let method = switchyard_dispatch::known_method(&exchange.method);
            let method = if method == METHOD_UNKNOWN { "HTTP" } else { method };
            span.rename(format!("{method} {pattern}"));
            span.set("http.route", pattern.to_owned());
        });
    }

    /// Notes how it is answered, before that is made fit for the wire.
    pub(super) fn answered(&self, exchange: &Exchange, answer: &Result<Answer, Refusal>) {
        self.with(|span| {
            if let Err(refusal) = answer {
                span.set("switchyard.code", refusal.code().as_str());
                if refusal.code().status() >= 500 {
                    span.fail(refusal.code().as_str(), refusal.detail());
                }
            }
            span.set_some("switchyard.service", exchange.service().map(|service| service.name().to_string()));
        });
    }

    /// It is on its way to the client, with this status.
    pub(super) fn leave(&self, status: StatusCode) -> Leaving {
        self.with(|span| {
            span.set("http.response.status_code", status.as_u16());
            if status.is_server_error() && !span.has_failed() {
                span.fail(status.as_str().to_owned(), format!("the service answered {status}"));
            }
        });
        Leaving(self.0.as_ref().and_then(|span| span.lock().unwrap_or_else(PoisonError::into_inner).take()))
    }

    fn with(&self, note: impl FnOnce(&mut Active)) {
        if let Some(span) = &self.0
            && let Some(span) = &mut *span.lock().unwrap_or_else(PoisonError::into_inner)
        {
            note(span);
        }
    }
}

// === impl Leaving ===

impl Leaving {
    /// Its body broke off.
    pub(crate) fn broke(&mut self, error: &dyn std::fmt::Display) {
        if let Some(span) = &mut self.0 {
            span.fail("broken", format!("the response broke off: {error}"));
        }
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if let Some(span) = self.0.take() {
            span.end();
        }
    }
}

fn host_and_port(authority: &str) -> (&str, Option<u16>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && !port.contains(']') => (host, port.parse().ok()),
        _ => (authority, None),
    }
}

fn version(version: http::Version) -> &'static str {
    match version {
        http::Version::HTTP_10 => "1.0",
        http::Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn two_traceparents_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(TRACEPARENT, http::HeaderValue::from_static(SENT));
        assert_eq!(parent(&headers).unwrap().to_text().as_str(), SENT);
        headers.append(TRACEPARENT, http::HeaderValue::from_static(SENT));
        assert_eq!(parent(&headers), None);
    }

    #[test]
    fn a_client_says_whether_its_trace_is_recorded_and_chance_does_where_it_begins_here() {
        let parent = TraceParent::parse(SENT.as_bytes()).unwrap();
        let never = || panic!("the client has decided");
        assert!(place(Some(parent), [7; 16], never).is_sampled());
        assert!(!place(Some(parent.sampled(false)), [7; 16], never).is_sampled());
        for sampled in [true, false] {
            let place = place(None, [7; 16], || sampled);
            assert_eq!((place.trace_id, place.span_id, place.is_sampled()), ([7; 16], [7; 8], sampled));
        }
    }

    #[test]
    fn a_host_may_have_a_port() {
        for (authority, expected) in [
            ("a", ("a", None)),
            ("a:80", ("a", Some(80))),
            ("[::1]", ("[::1]", None)),
            ("[::1]:80", ("[::1]", Some(80))),
        ] {
            assert_eq!(host_and_port(authority), expected);
        }
    }
}
