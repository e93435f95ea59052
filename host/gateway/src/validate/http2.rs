//! What HTTP/2 leaves to be checked. Its frames say where a message ends, and h2 refuses what HTTP/1 needs for that.

use http::{
    HeaderValue, Method, Request,
    header::{COOKIE, EXPECT, HOST},
};

use super::{Violation, signs};

/// Checks a request's head as those of HTTP/1 are, and gives it the form that they have: a Host header, and one Cookie.
///
/// # Errors
/// When it could be read in two ways.
pub(crate) fn http2<B>(request: &mut Request<B>) -> Result<(), Violation> {
    if request.method() == Method::CONNECT {
        return Err(Violation::Connect);
    }
    let target = request.uri().path_and_query().map_or("", http::uri::PathAndQuery::as_str).as_bytes();
    let is_target = match target {
        b"*" => request.method() == Method::OPTIONS,
        target => target.first() == Some(&b'/') && signs::is_target(target),
    };
    if !is_target {
        return Err(Violation::Target);
    }
    request.headers().keys().try_for_each(|name| signs::check_name(name.as_str().as_bytes()))?;
    join_cookies(request);
    let expects = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    if !request.headers().get_all(EXPECT).iter().all(expects) {
        return Err(Violation::Expectation);
    }
    let mut hosts = request.headers().get_all(HOST).iter();
    let (host, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return Err(Violation::TwoHosts);
    }
    // RFC 9113, section 8.3.1: a Host that says something else than :authority makes a request malformed.
    let host = match (request.uri().authority().map(|authority| authority.as_str().as_bytes()), host) {
        (Some(authority), Some(host)) if !authority.eq_ignore_ascii_case(host.as_bytes()) => {
            return Err(Violation::HostDiffers);
        }
        (_, Some(host)) if !signs::is_host(host.as_bytes()) => return Err(Violation::Host),
        (_, Some(_)) => return Ok(()),
        (Some(authority), None) if !signs::is_host(authority) => return Err(Violation::Host),
        (Some(authority), None) => HeaderValue::from_bytes(authority).map_err(|_| Violation::Host)?,
        (None, None) => return Err(Violation::NoHost),
    };
    request.headers_mut().insert(HOST, host);
    Ok(())
}

/// RFC 9113, section 8.2.3: a cookie may come in crumbs, which are one again where HTTP/1 or something else is spoken.
fn join_cookies<B>(request: &mut Request<B>) {
    let crumbs = request.headers().get_all(COOKIE);
    if crumbs.iter().nth(1).is_some() {
        let crumbs: Vec<_> = crumbs.iter().map(HeaderValue::as_bytes).collect();
        if let Ok(whole) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
            request.headers_mut().insert(COOKIE, whole);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, headers: &[(&str, &str)], expected: Result<&str, Violation>) {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        let result = http2(&mut request).map(|()| request.headers()[HOST].to_str().unwrap());
        assert_eq!(result, expected, "{uri} {headers:?}");
    }

    #[test]
    fn a_cookie_in_crumbs_is_one() {
        let request = Request::builder().uri("http://a/").header(COOKIE, "a=1").header(COOKIE, "b=2; c=3");
        let mut request = request.body(()).unwrap();
        http2(&mut request).unwrap();
        let cookies: Vec<_> = request.headers().get_all(COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1; b=2; c=3"]);
    }

    #[test]
    fn a_head_is_checked_as_one_of_http_1() {
        check("http://a.example:80/x", &[], Ok("a.example:80"));
        check("http://a.example/x", &[("host", "A.example")], Ok("A.example"));
        check("/x", &[("host", "a")], Ok("a"));
        check("/x", &[], Err(Violation::NoHost));
        check("http://a/x", &[("host", "b")], Err(Violation::HostDiffers));
        check("http://a/x", &[("host", "a"), ("host", "a")], Err(Violation::TwoHosts));
        check("http://u@a/x", &[], Err(Violation::Host));
        check("http://a/x", &[("x_y", "1")], Err(Violation::Underscore));
        check("http://a/x", &[("expect", "more")], Err(Violation::Expectation));
        check("http://a/x\\y", &[], Err(Violation::Target));
    }
}
