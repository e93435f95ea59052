//! Where a request came from, and what services are told of it.
//!
//! It is read before anything that clients write is removed, and believed as far as the peer is a trusted proxy.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, header::HOST};
use switchyard_core::forwarded::{self, Networks};

use crate::connection::Connection;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Who sent a request, by which way.
#[derive(Debug)]
pub(crate) struct Client {
    /// The client's address: the peer's, or beyond the proxies that are trusted.
    pub(crate) address: IpAddr,
    /// `http` or `https`, as the client has it.
    pub(crate) scheme: &'static str,
    /// The way through a trusted proxy; none where it is the peer alone.
    forwarded_for: Option<HeaderValue>,
    /// The host that a trusted proxy was asked for; none where it is the request's own.
    forwarded_host: Option<HeaderValue>,
}

// === impl Client ===

impl Client {
    /// Reads it from a head as it was sent.
    pub(super) fn of(connection: &Connection, trusted: &Networks, headers: &HeaderMap) -> Self {
        let (peer, own) = (connection.peer, connection.scheme);
        // Most gateways trust nobody, and have nothing to read.
        if trusted.is_empty() || !trusted.contains(peer) {
            return Self { address: peer, scheme: own, forwarded_for: None, forwarded_host: None };
        }
        let said = |name: HeaderName| headers.get_all(name).iter().map(HeaderValue::as_bytes);
        let forwarded_for = forwarded::forwarded_for(peer, said(X_FORWARDED_FOR), true);
        let forwarded_host = forwarded::forwarded_host(None, said(X_FORWARDED_HOST), true);
        Self {
            address: forwarded::client(peer, said(X_FORWARDED_FOR), trusted),
            scheme: forwarded::forwarded_proto(own, said(X_FORWARDED_PROTO), true),
            forwarded_for: HeaderValue::try_from(forwarded_for).ok(),
            forwarded_host: forwarded_host.and_then(|host| HeaderValue::from_bytes(host).ok()),
        }
    }

    /// Tells services, in the place of what the client wrote.
    pub(super) fn introduce(&self, connection: &Connection, headers: &mut HeaderMap, host: Option<HeaderValue>) {
        let forwarded_for = self.forwarded_for.as_ref().unwrap_or(&connection.forwarded_for);
        headers.insert(X_FORWARDED_FOR, forwarded_for.clone());
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(self.scheme));
        if let Some(host) = self.forwarded_host.as_ref().or(host.as_ref()) {
            headers.insert(X_FORWARDED_HOST, host.clone());
        }
        if let Some(host) = host {
            headers.insert(HOST, host);
        }
    }
}
