//! The headers of a request: what may not pass is removed, then what services rely on is set. In this order, so
//! that no client can have a service believe it.

use super::Ids;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONNECTION, CONTENT_LENGTH, HOST, TE},
};
use switchyard_core::route::action::HeaderMatch;

const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Whether a request has a header that a route asks for; of several values any one may be the one.
pub(super) fn has(headers: &HeaderMap, asked: &HeaderMatch) -> bool {
    let is_asked_for = |value: &HeaderValue| asked.value.as_ref().is_none_or(|asked| value == asked.as_str());
    headers.get_all(asked.name.as_str()).iter().any(is_asked_for)
}

/// Removes what is only for this connection (RFC 9110, section 7.6.1), and what only the gateway may say. For trailers
/// too, which some servers merge into the headers.
pub(super) fn clean(headers: &mut HeaderMap) {
    remove_listed_in_connection(headers);
    // Most requests carry one or two of them, so that looking anew for each is the cheapest.
    while let Some(name) = headers.keys().find(|name| is_hop_by_hop(name) || is_ours(name)).cloned() {
        headers.remove(name);
    }
}

/// Cleans the head of a request. What is left of it is what services get.
pub(super) fn clean_head(headers: &mut HeaderMap, ids: &Ids) {
    // It is for one connection, and what it says holds for the next one too: trailers are passed on.
    let takes_trailers = headers.get(TE).is_some_and(|te| te.as_bytes().eq_ignore_ascii_case(b"trailers"));
    clean(headers);
    if takes_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    // It belongs to a traceparent that was not there, or not valid (W3C Trace Context, section 3.3).
    if !ids.continues() {
        headers.remove(TRACESTATE);
    }
}

/// Whether a header is about the connection, or was dealt with by the gateway itself: Expect is answered by the
/// server that reads the body. Trailer is none of them (RFC 9110, section 7.6.1).
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

/// Whether only the gateway may say this. What a trusted proxy said of it is read before.
pub(crate) fn is_ours(name: &HeaderName) -> bool {
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
        let ids = Ids::new(&headers, || false);
        clean_head(&mut headers, &ids);
        let mut left: Vec<_> = headers.iter().map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect();
        left.sort();
        left
    }

    #[test]
    fn a_route_finds_its_header_among_all_values() {
        let headers = map(&[("x-tenant", "a"), ("X-Tenant", "b")]);
        let asked = |value| HeaderMatch::list([("X-Tenant", value)]).unwrap().remove(0);
        for (value, is_there) in
            [(None, true), (Some("a"), true), (Some("b"), true), (Some("B"), false), (Some("a, b"), false)]
        {
            assert_eq!(has(&headers, &asked(value)), is_there, "{value:?}");
        }
        assert!(!has(&map(&[]), &asked(None)));
    }

    #[test]
    fn what_is_for_one_connection_ends_here() {
        let left = cleaned(&[
            ("connection", "Keep-Alive, X-Hop , ,bad name"),
            ("keep-alive", "timeout=5"),
            ("x-hop", "1"),
            ("te", "gzip"),
            ("upgrade", "h2c"),
            ("expect", "100-continue"),
            ("proxy-connection", "close"),
            ("transfer-encoding", "chunked"),
            ("accept", "*/*"),
        ]);
        assert_eq!(left, [("accept".into(), "*/*".into())]);
    }

    #[test]
    fn that_a_client_takes_trailers_is_passed_on() {
        let left = cleaned(&[("te", "Trailers"), ("connection", "te"), ("trailer", "checksum")]);
        assert_eq!(left, [("te".into(), "trailers".into()), ("trailer".into(), "checksum".into())]);
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
    fn a_tracestate_without_its_trace_is_removed() {
        let mut headers = map(&[("tracestate", "a=b")]);
        let ids = Ids::new(&headers, || false);
        clean_head(&mut headers, &ids);
        assert!(headers.is_empty());
        headers =
            map(&[("tracestate", "a=b"), ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]);
        let ids = Ids::new(&headers, || false);
        clean_head(&mut headers, &ids);
        assert!(headers.contains_key("tracestate"));
    }
}
