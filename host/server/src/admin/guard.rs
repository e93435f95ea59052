//! Who may ask: programs on this machine that mean this host, and pages that it served itself.

use http::{
    HeaderMap, HeaderValue, Uri,
    header::{HOST, ORIGIN},
    uri::Authority,
};
use switchyard_core::problem::Code;

use super::reply::Problem;

/// Refuses a request whose Host or Origin is not this machine: a page from elsewhere in a browser here.
///
/// # Errors
/// With the problem to answer.
pub(super) fn check(uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let refused = |detail: &'static str| Problem::new(Code::Forbidden, detail);
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    };
    let authority = uri.authority().map(Authority::as_str).or(host);
    if !host.is_some_and(is_local) || !authority.is_some_and(is_local) {
        return Err(refused("the Host header must be localhost or a loopback address"));
    }
    if !headers.get_all(ORIGIN).iter().all(is_local_origin) {
        return Err(refused("requests of pages from elsewhere are refused"));
    }
    Ok(())
}

fn is_local_origin(origin: &HeaderValue) -> bool {
    let host = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
    host.is_some_and(is_local)
}

fn is_local(authority: &str) -> bool {
    let Ok(authority) = authority.parse::<Authority>() else { return false };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed(host: Option<&str>, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in [(HOST, host), (ORIGIN, origin)] {
            if let Some(value) = value {
                headers.insert(name, value.parse().expect("a header value"));
            }
        }
        check(&Uri::from_static("/livez"), &headers).is_ok()
    }

    #[test]
    fn only_this_machine_may_ask() {
        for host in ["localhost", "LOCALHOST:3900", "127.0.0.1:3900", "127.8.8.8", "[::1]:3900"] {
            assert!(is_allowed(Some(host), None), "{host}");
        }
        for host in ["example.com", "localhost.example.com", "10.0.0.1", "a@b@c", "0.0.0.0"] {
            assert!(!is_allowed(Some(host), None), "{host}");
        }
        assert!(!is_allowed(None, None));
    }

    #[test]
    fn pages_from_elsewhere_are_refused() {
        assert!(is_allowed(Some("localhost:3900"), Some("http://localhost:3900")));
        for origin in ["https://example.com", "http://example.com", "null", "http://localhost.example.com"] {
            assert!(!is_allowed(Some("localhost:3900"), Some(origin)), "{origin}");
        }
    }
}
