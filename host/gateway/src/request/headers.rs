//! The headers of a request: what may not pass is removed, then what services rely on is set. In this order, so
//! that no client can have a service believe it.

use super::Ids;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONNECTION, CONTENT_LENGTH, HOST},
};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Removes what is only for this connection (RFC 9110, section 7.6.1), and what only the gateway may say. For the
/// head of a request and for its trailers, which some servers merge into the headers.
pub(super) fn clean(headers: &mut HeaderMap) {
    remove_listed_in_connection(headers);
    // Most requests carry one or two of them, so that looking anew for each is the cheapest.
    while let Some(name) = headers.keys().find(|name| is_hop_by_hop(name) || is_ours(name)).cloned() {
        headers.remove(name);
    }
}

/// Says where a request came from: the client's address, and the host that was asked for. Ids and the service's
/// name are set by the dispatcher, for calls between services too.
pub(super) fn stamp(headers: &mut HeaderMap, ids: &Ids, forwarded_for: &HeaderValue, host: Option<HeaderValue>) {
    if !ids.continues {
        // It belongs to a traceparent that was not there, or not valid (W3C Trace Context, section 3.3).
        headers.remove(TRACESTATE);
    }
    headers.insert(X_FORWARDED_FOR, forwarded_for.clone());
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static("http"));
    if let Some(host) = host {
        headers.insert(HOST, host.clone());
        headers.insert(X_FORWARDED_HOST, host);
    }
}

/// Whether a header is about the connection, or was dealt with by the gateway itself: Expect is answered by the
/// server that reads the body.
pub(crate) fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "expect"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Removes the headers that Connection lists. Content-Length and Host are for every recipient, so that a list with
/// them is an attempt at something and is not followed.
pub(crate) fn remove_listed_in_connection(headers: &mut HeaderMap) {
    let Some(value) = headers.get(CONNECTION) else { return };
    if matches!(value.as_bytes(), b"keep-alive" | b"close") && headers.get_all(CONNECTION).iter().nth(1).is_none() {
        return;
    }
    let listed: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .filter(|name| *name != CONTENT_LENGTH && *name != HOST)
        .collect();
    for name in listed {
        headers.remove(name);
    }
}

/// Whether only the gateway may say this. No proxy before us is trusted, so what it added goes too.
fn is_ours(name: &HeaderName) -> bool {
    let name = name.as_str();
    if !name.starts_with('x') {
        return name == "forwarded";
    }
    let is = |ours: &str| name.len() == ours.len() && begins_with(name, ours);
    begins_with(name, "x-forwarded-")
        || begins_with(name, "x-auth-")
        || is("x-service-name")
        || is("x-gateway-request-id")
        || is("x-real-ip")
}

/// Whether a header's name begins so, where a dash in `start` stands for any sign that is no letter or digit: CGI
/// and what took after it (WSGI, PHP) give services `X_Auth_Subject` and `X-Auth-Subject` under one name.
fn begins_with(name: &str, start: &str) -> bool {
    name.len() >= start.len()
        && name.bytes().zip(start.bytes()).all(|(n, s)| n == s || (s == b'-' && !n.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect()
    }

    fn cleaned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut headers = map(pairs);
        clean(&mut headers);
        let mut left: Vec<_> = headers.iter().map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect();
        left.sort();
        left
    }

    #[test]
    fn what_is_for_one_connection_ends_here() {
        let left = cleaned(&[
            ("connection", "Keep-Alive, X-Hop , ,bad name"),
            ("keep-alive", "timeout=5"),
            ("x-hop", "1"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("expect", "100-continue"),
            ("proxy-connection", "close"),
            ("transfer-encoding", "chunked"),
            ("accept", "*/*"),
        ]);
        assert_eq!(left, [("accept".into(), "*/*".into())]);
    }

    #[test]
    fn connection_cannot_remove_what_is_for_everybody() {
        let left = cleaned(&[("connection", "close, host, content-length"), ("host", "h"), ("content-length", "1")]);
        assert_eq!(left, [("content-length".into(), "1".into()), ("host".into(), "h".into())]);
    }

    #[test]
    fn a_second_connection_header_counts_too() {
        let mut headers = map(&[("x-a", "1")]);
        headers.append(CONNECTION, HeaderValue::from_static("close"));
        headers.append(CONNECTION, HeaderValue::from_static("x-a"));
        clean(&mut headers);
        assert!(headers.is_empty());
    }

    #[test]
    fn what_only_the_gateway_says_is_removed_from_clients() {
        let left = cleaned(&[
            ("x-service-name", "admin"),
            ("x-gateway-request-id", "1"),
            ("x-auth-subject", "root"),
            ("x-auth-claims", "{}"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-anything", "1"),
            ("forwarded", "for=1.2.3.4"),
            ("x-real-ip", "1.2.3.4"),
            ("x-authority", "kept"),
            ("x-service-names", "kept"),
        ]);
        assert_eq!(left, [("x-authority".into(), "kept".into()), ("x-service-names".into(), "kept".into())]);
    }

    #[test]
    fn a_name_that_guests_may_take_for_one_of_ours_is_removed_too() {
        let left = cleaned(&[
            ("x_service_name", "admin"),
            ("x-service_name", "admin"),
            ("X_Gateway_Request_Id", "1"),
            ("X_Auth_Subject", "root"),
            ("x.auth.claims", "{}"),
            ("x_forwarded_for", "1.2.3.4"),
            ("x_real_ip", "1.2.3.4"),
            ("x_authority", "kept"),
        ]);
        assert_eq!(left, [("x_authority".into(), "kept".into())]);
    }

    #[test]
    fn services_learn_where_a_request_came_from() {
        let mut headers = map(&[("host", "old"), ("tracestate", "a=b")]);
        let ids = Ids::new(&headers);
        stamp(
            &mut headers,
            &ids,
            &HeaderValue::from_static("192.0.2.1"),
            Some(HeaderValue::from_static("api.example")),
        );
        assert_eq!(headers["x-forwarded-for"], "192.0.2.1");
        assert_eq!(headers["x-forwarded-proto"], "http");
        assert_eq!(headers["x-forwarded-host"], "api.example");
        assert_eq!(headers["host"], "api.example");
        assert!(!headers.contains_key("tracestate"));
    }
}
