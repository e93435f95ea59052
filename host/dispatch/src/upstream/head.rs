//! The heads of requests as upstreams get them, and of their answers as callers do.

use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, Version,
    header::{CONNECTION, CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING, UPGRADE},
    uri::{Authority, Parts, PathAndQuery, Scheme},
};
use http_body::Body as _;
use switchyard_core::name::ServiceName;
use switchyard_runtime::Body;

const TRAILERS: HeaderValue = HeaderValue::from_static("trailers");

/// Headers that only speak of the connection they come over (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 6] = [
    CONNECTION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Whether a request asks for another protocol. The gateway leaves that in requests only which may get it.
pub(super) fn is_upgrade(request: &Request<Body>) -> bool {
    request.headers().contains_key(UPGRADE)
}

/// Makes it one of HTTP/1.1: the path alone in its first line, and the host in a header.
pub(super) fn for_http1(request: &mut Request<Body>, authority: &HeaderValue) {
    *request.version_mut() = Version::HTTP_11;
    let is_upgrade = is_upgrade(request);
    let is_of_unknown_length = !request.body().is_end_stream() && request.body().size_hint().exact().is_none();
    if !names_a_host(request.headers()) {
        let host = host_of_target(request.uri()).unwrap_or_else(|| authority.clone());
        request.headers_mut().insert(HOST, host);
    }
    if request.uri().authority().is_some() || request.uri().path_and_query().is_none() {
        *request.uri_mut() = Uri::from(path_and_query(request.uri()));
    }
    let headers = request.headers_mut();
    let wants_trailers = headers.contains_key(TE);
    for name in [CONNECTION, TE, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    if is_of_unknown_length && !headers.contains_key(CONTENT_LENGTH) {
        // Else a GET, whose method has no meaning for a body, would be sent without.
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    if is_upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    } else if wants_trailers {
        // RFC 9110, section 10.1.4: TE is about the connection, which has to be said.
        headers.insert(TE, TRAILERS);
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
}

/// Makes it one of HTTP/2: the host in the target, and trailers taken, which gRPC does not go without.
pub(super) fn for_http2(request: &mut Request<Body>, authority: &HeaderValue, is_tls: bool) {
    *request.version_mut() = Version::HTTP_2;
    let path = path_and_query(request.uri());
    let of_target = host_of_target(request.uri());
    let headers = request.headers_mut();
    let host = if names_a_host(headers) { headers.remove(HOST) } else { of_target };
    HOP_BY_HOP.iter().chain([&HOST]).for_each(|name| drop(headers.remove(name)));
    headers.insert(TE, TRAILERS);
    let mut parts = Parts::default();
    parts.scheme = Some(if is_tls { Scheme::HTTPS } else { Scheme::HTTP });
    let host = host.as_ref().unwrap_or(authority);
    // What the gateway took for a host is one; for any other there is still the server's own.
    parts.authority = Authority::try_from(host.as_bytes()).or_else(|_| Authority::try_from(authority.as_bytes())).ok();
    parts.path_and_query = Some(path);
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
}

/// Whether the head of an answer of HTTP/1.1 leaves no doubt about where it ends, and answers what was asked.
///
/// RFC 9112, section 6.3: with both a Transfer-Encoding and a Content-Length it may be an attempt at something, and only
/// `chunked` says where a body ends whose coding nobody here takes off.
pub(super) fn check<B>(response: &Response<B>) -> Result<(), &'static str> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err("it switches protocols, which nobody asked for");
    }
    let headers = response.headers();
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(_), _) if headers.contains_key(CONTENT_LENGTH) => Err("it has a Transfer-Encoding and a Content-Length"),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        (Some(_), _) => Err("it has a Transfer-Encoding other than chunked"),
    }
}

/// Takes off an answer what is about its connection. One that switches protocols is about nothing else.
pub(super) fn clean<B>(response: &mut Response<B>) {
    *response.version_mut() = Version::HTTP_11;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return;
    }
    let headers = response.headers_mut();
    if let Some(listed) = headers.get(CONNECTION).and_then(|value| value.to_str().ok()) {
        let listed: Vec<HeaderName> = listed.split(',').filter_map(|name| name.trim().parse().ok()).collect();
        listed.iter().for_each(|name| drop(headers.remove(name)));
    }
    while let Some(name) = headers.keys().find(|name| HOP_BY_HOP.contains(name)).cloned() {
        headers.remove(name);
    }
}

/// Whether the host is one that means something outside: `NAME.internal` is the caller's word for this very server.
fn names_a_host(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    host.is_some_and(|host| !host.is_empty() && ServiceName::from_internal_host(host).is_none())
}

/// The host of a target that names one itself, under the same condition.
fn host_of_target(uri: &Uri) -> Option<HeaderValue> {
    let host = uri.authority()?.as_str();
    let is_outside = ServiceName::from_internal_host(host).is_none();
    if is_outside { HeaderValue::from_str(host).ok() } else { None }
}

fn path_and_query(uri: &Uri) -> PathAndQuery {
    uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"))
}
