//! Sending a client elsewhere.

use http::{HeaderValue, Request, Response, StatusCode, header::LOCATION};
use switchyard_core::{problem::Code, route::action::Redirect};
use switchyard_dispatch::{Body, RouteTarget};

use crate::{
    request::{Exchange, route::host, target},
    response::{Answer, Refusal},
};

/// The answer that says where to.
pub(super) fn answer(
    exchange: &Exchange,
    route: &RouteTarget,
    redirect: &Redirect,
    request: &Request<Body>,
) -> Result<Answer, Refusal> {
    let path = target::redirected(request.uri().path(), route, redirect.path.as_ref());
    let place = location(redirect, exchange.client.scheme, host(request.headers()), &path, request.uri().query());
    let refuse = || Refusal::new(Code::Internal, "the route's redirect makes no valid location");
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(redirect.status).map_err(|_| refuse())?;
    response.headers_mut().insert(LOCATION, HeaderValue::try_from(place).map_err(|_| refuse())?);
    Ok(response)
}

/// Path and query alone where nothing else changes: a client that came through a proxy finds back. A path that begins
/// with `//` would then be read as a host, so that it is a whole URL or loses a slash.
fn location(redirect: &Redirect, scheme: &str, own: &str, path: &str, query: Option<&str>) -> String {
    let mut place = String::new();
    if redirect.scheme.is_some() || redirect.host.is_some() {
        // The port of the request is that of its own scheme.
        let own = if redirect.scheme.as_deref().is_none_or(|to| to == scheme) { own } else { without_port(own) };
        place.push_str(redirect.scheme.as_deref().unwrap_or(scheme));
        place.push_str("://");
        place.push_str(redirect.host.as_deref().unwrap_or(own));
        place.push_str(path);
    } else {
        place.push('/');
        place.push_str(path.trim_start_matches('/'));
    }
    if let Some(query) = query {
        place.push('?');
        place.push_str(query);
    }
    place
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(scheme: Option<&str>, host: Option<&str>, own: &str, path: &str, query: Option<&str>, expected: &str) {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let redirect = Redirect { scheme: owned(scheme), host: owned(host), path: None, status: 308 };
        assert_eq!(location(&redirect, "http", own, path, query), expected);
    }

    #[test]
    fn a_location_is_as_much_of_a_url_as_changes() {
        check(None, None, "a.example", "/x", Some("q=1"), "/x?q=1");
        check(Some("https"), None, "a.example:8080", "/x", None, "https://a.example/x");
        check(Some("https"), None, "[::1]", "/x", None, "https://[::1]/x");
        check(Some("http"), None, "a.example:8080", "/x", None, "http://a.example:8080/x");
        check(None, Some("b.example:1"), "a.example", "/x", Some(""), "http://b.example:1/x?");
        check(Some("https"), Some("b.example"), "", "/", None, "https://b.example/");
    }

    #[test]
    fn a_path_is_never_read_as_a_host() {
        check(None, None, "a.example", "//evil.example/x", None, "/evil.example/x");
        check(Some("https"), None, "a.example", "//evil.example/x", None, "https://a.example//evil.example/x");
    }
}
