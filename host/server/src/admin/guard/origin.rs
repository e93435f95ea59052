//! Whether a request comes from another site.

use http::{
    HeaderMap, Method, Uri,
    header::{HOST, ORIGIN},
    request::Parts,
    uri::Authority,
};
use switchyard_core::problem::Code;

use crate::admin::reply::Problem;

/// Refuses what another site asks for; with `is_local`, also what does not mean this machine.
///
/// # Errors
/// With the problem to answer.
pub(super) fn check(parts: &Parts, is_local: bool) -> Result<(), Problem> {
    let refused = |detail: &'static str| Problem::new(Code::Forbidden, detail);
    let host = host(&parts.headers).ok_or_else(|| refused("a request has one Host header"))?;
    let named = parts.uri.authority().unwrap_or(&host);
    if is_local && !(is_of_this_machine(&host) && is_of_this_machine(named)) {
        return Err(refused("the Host header must be localhost or a loopback address"));
    }
    let is_own = |origin: &http::HeaderValue| origin.to_str().is_ok_and(|origin| is_origin(origin, &host));
    if !parts.headers.get_all(ORIGIN).iter().all(is_own) {
        return Err(refused("requests of pages from elsewhere are refused"));
    }
    if is_of_elsewhere(parts) {
        return Err(refused("what another site asks a browser to send is refused"));
    }
    Ok(())
}

/// The one `Host`.
fn host(headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(HOST).iter();
    let (host, None) = (hosts.next()?, hosts.next()) else { return None };
    host.to_str().ok()?.parse().ok()
}

/// What a browser says of where a request comes from. A link that leads here from elsewhere is followed, since it only
/// looks; nothing else of another site is taken, be it only to be read into a page.
fn is_of_elsewhere(parts: &Parts) -> bool {
    let said = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    match said("sec-fetch-site") {
        None | Some("same-origin" | "none") => false,
        Some(_) => {
            let is_read = matches!(parts.method, Method::GET | Method::HEAD);
            let is_link = said("sec-fetch-mode") == Some("navigate") && said("sec-fetch-dest") == Some("document");
            !(is_read && is_link)
        }
    }
}

/// Whether an origin is the host that is asked. Behind a proxy that speaks TLS it is `https`.
fn is_origin(origin: &str, host: &Authority) -> bool {
    let Ok(uri) = origin.parse::<Uri>() else { return false };
    let port = match uri.scheme_str() {
        Some("http") => 80,
        Some("https") => 443,
        _ => return false,
    };
    let Some(own) = uri.authority().filter(|own| !own.as_str().contains('@')) else { return false };
    let is_whole = uri.path() == "/" && !origin.ends_with('/') && uri.query().is_none();
    let ports = (own.port_u16().unwrap_or(port), host.port_u16().unwrap_or(port));
    is_whole && own.host().eq_ignore_ascii_case(host.host()) && ports.0 == ports.1
}

fn is_of_this_machine(authority: &Authority) -> bool {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let is_loopback = || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    !authority.as_str().contains('@') && (host.eq_ignore_ascii_case("localhost") || is_loopback())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const LOCAL: &[(&str, &str)] = &[("host", "localhost:3900")];
    const FAR: &[(&str, &str)] = &[("host", "switchyard.example.com:3900")];

    fn is_allowed(is_local: bool, method: Method, headers: &[&[(&str, &str)]]) -> bool {
        let request = Request::builder().method(method).uri("/api/v1/routes");
        let headers = headers.iter().copied().flatten();
        let request = headers.fold(request, |request, (name, value)| request.header(*name, *value));
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        check(&parts, is_local).is_ok()
    }

    #[test]
    fn on_loopback_only_this_machine_may_be_meant() {
        let asks = |host: &str| is_allowed(true, Method::GET, &[&[("host", host)]]);
        for host in ["localhost", "LOCALHOST:3900", "127.0.0.1:3900", "127.8.8.8", "[::1]:3900"] {
            assert!(asks(host), "{host}");
        }
        for host in ["example.com", "localhost.example.com", "10.0.0.1", "a@b@c", "a@localhost", "0.0.0.0", ""] {
            assert!(!asks(host), "{host}");
        }
        assert!(!is_allowed(true, Method::GET, &[]));
        assert!(!is_allowed(true, Method::GET, &[LOCAL, LOCAL]));
        assert!(is_allowed(false, Method::GET, &[FAR]), "beyond, names are the operator's");
        assert!(!is_allowed(false, Method::GET, &[]));
    }

    #[test]
    fn a_page_may_ask_the_host_that_it_came_from_and_no_other_may() {
        let asks = |host: &'static [(&str, &str)], origin: &str| {
            is_allowed(host == LOCAL, Method::POST, &[host, &[("origin", origin)]])
        };
        for origin in ["http://localhost:3900", "http://LOCALHOST:3900", "https://localhost:3900"] {
            assert!(asks(LOCAL, origin), "{origin}");
        }
        assert!(asks(FAR, "https://switchyard.example.com:3900"));
        for origin in [
            "null",
            "",
            "http://localhost",
            "http://localhost:3000",
            "http://127.0.0.1:3900",
            "https://example.com",
            "http://localhost.example.com:3900",
            "http://a@localhost:3900",
            "ftp://localhost:3900",
            "http://localhost:3900/",
            "http://localhost:3900/a",
        ] {
            assert!(!asks(LOCAL, origin), "{origin}");
        }
        assert!(!asks(FAR, "http://localhost:3900"));
        assert!(is_allowed(false, Method::POST, &[&[("host", "a.example"), ("origin", "https://a.example")]]));
        assert!(!is_allowed(true, Method::POST, &[LOCAL, &[("origin", "http://localhost:3900"), ("origin", "null")]]));
    }

    #[test]
    fn what_a_browser_sends_for_another_site_is_refused_and_a_link_is_followed() {
        let asks = |method: Method, site: &str, mode: &str, dest: &str| {
            let said = [("sec-fetch-site", site), ("sec-fetch-mode", mode), ("sec-fetch-dest", dest)];
            is_allowed(true, method, &[LOCAL, &said])
        };
        for site in ["same-origin", "none"] {
            assert!(asks(Method::POST, site, "navigate", "document") && asks(Method::GET, site, "cors", "empty"));
        }
        for site in ["cross-site", "same-site", "else"] {
            assert!(asks(Method::GET, site, "navigate", "document"), "{site}");
            assert!(!asks(Method::POST, site, "navigate", "document"), "{site}");
            assert!(!asks(Method::GET, site, "navigate", "iframe"), "{site}");
            assert!(!asks(Method::GET, site, "no-cors", "image"), "{site}");
            assert!(!asks(Method::DELETE, site, "cors", "empty"), "{site}");
        }
    }
}
