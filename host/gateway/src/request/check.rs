//! What a request must have before it is routed.

use http::{
    HeaderMap, HeaderValue, Method, Uri,
    header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING},
    request::Parts,
};
use switchyard_core::{problem::Code, route};

use crate::response::Refusal;

/// The host that a request is for, as the client wrote it.
#[derive(Debug)]
pub(super) struct Host(HeaderValue);

/// Refuses paths that a gateway and a service may read differently.
///
/// # Errors
/// [`Code::BadRequest`], with the reason.
pub(super) fn path(uri: &Uri) -> Result<(), Refusal> {
    route::path::check(uri.path()).map_err(|error| Refusal::new(Code::BadRequest, error.to_string()))
}

/// The host of a request: of an absolute target, which goes before the Host header (RFC 9112, section 3.2.2), else
/// of the header. HTTP/1.0 may come without.
///
/// # Errors
/// [`Code::BadRequest`] when there are two Host headers, when HTTP/1.1 has none (RFC 9112, section 3.2), or when it
/// is no host.
pub(super) fn host(parts: &Parts) -> Result<Option<Host>, Refusal> {
    let refuse = |detail: &'static str| Err(Refusal::new(Code::BadRequest, detail));
    if parts.method == Method::CONNECT {
        return refuse("this gateway is no proxy for tunnels");
    }
    let mut values = parts.headers.get_all(HOST).iter();
    let (header, second) = (values.next(), values.next());
    if second.is_some() {
        return refuse("the request has more than one Host header");
    }
    let value = match (parts.uri.authority(), header) {
        // What the URI's parser took is visible ASCII, so this is always a value.
        (Some(authority), Some(_)) => HeaderValue::from_str(authority.as_str()).ok(),
        (None, Some(header)) => Some(header.clone()),
        (_, None) if parts.version <= http::Version::HTTP_10 => return Ok(None),
        (_, None) => return refuse("the request has no Host header"),
    };
    match value {
        Some(value) if value.as_bytes().iter().all(is_host_byte) => Ok(Some(Host(value))),
        _ => refuse("the Host header is no host"),
    }
}

/// Refuses requests that say in two ways how long they are, or twice (RFC 9112, section 6.3).
///
/// Over HTTP/1 the validator has seen to it, before hyper drops what is too much; this is for what else comes here.
///
/// # Errors
/// [`Code::BadRequest`], with the reason.
pub(super) fn length(headers: &HeaderMap) -> Result<(), Refusal> {
    let refuse = |detail: &'static str| Err(Refusal::new(Code::BadRequest, detail));
    match headers.get_all(CONTENT_LENGTH).iter().count() {
        0 => Ok(()),
        1 if headers.contains_key(TRANSFER_ENCODING) => {
            refuse("the request has both a Content-Length and a Transfer-Encoding header")
        }
        1 => Ok(()),
        _ => refuse("the request has more than one Content-Length header"),
    }
}

/// What a host and port can be made of (RFC 3986, section 3.2.2), percent-encoding included.
fn is_host_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(byte)
}

// === impl Host ===

impl Host {
    /// Host and port as text.
    #[cfg(test)]
    pub(super) fn as_str(&self) -> &str {
        // Checked to be ASCII when it was made.
        self.0.to_str().unwrap_or_default()
    }

    pub(super) fn into_value(self) -> HeaderValue {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use http::{Request, Version};

    use super::*;

    #[track_caller]
    fn check(uri: &str, hosts: &[&str], version: Version, expected: Result<Option<&str>, &str>) {
        let mut request = Request::builder().uri(uri).version(version);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let result = host(&request.body(()).unwrap().into_parts().0);
        let shown = result.as_ref().map(|host| host.as_ref().map(Host::as_str)).map_err(Refusal::detail);
        match (shown, expected) {
            (Err(detail), Err(part)) => assert!(detail.contains(part), "{detail}"),
            (shown, expected) => assert_eq!(shown.ok(), expected.ok(), "{uri} {hosts:?}"),
        }
    }

    #[test]
    fn a_request_has_one_host() {
        check("/", &["a.example:80"], Version::HTTP_11, Ok(Some("a.example:80")));
        check("/", &[""], Version::HTTP_11, Ok(Some("")));
        check("/", &[], Version::HTTP_10, Ok(None));
        check("http://b.example/", &["a.example"], Version::HTTP_11, Ok(Some("b.example")));
        check("/", &[], Version::HTTP_11, Err("no Host"));
        check("/", &["a", "a"], Version::HTTP_11, Err("more than one"));
        check("/", &["a/b"], Version::HTTP_11, Err("no host"));
        check("/", &["user@a"], Version::HTTP_11, Err("no host"));
    }

    #[test]
    fn a_request_says_once_how_long_it_is() {
        let check = |pairs: &[(http::HeaderName, &'static str)], refused: bool| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(name, HeaderValue::from_static(value));
            }
            assert_eq!(length(&headers).is_err(), refused, "{pairs:?}");
        };
        check(&[], false);
        check(&[(CONTENT_LENGTH, "1")], false);
        check(&[(TRANSFER_ENCODING, "chunked")], false);
        check(&[(CONTENT_LENGTH, "1"), (CONTENT_LENGTH, "1")], true);
        check(&[(CONTENT_LENGTH, "1"), (TRANSFER_ENCODING, "chunked")], true);
    }

    #[test]
    fn dot_segments_are_bad_requests() {
        assert!(path(&"/a/%2e%2E/b".parse().unwrap()).is_err());
        assert!(path(&"/a/b?x=/../".parse().unwrap()).is_ok());
    }
}
