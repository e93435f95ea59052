//! What wrong routes are answered with, row by row, and what right ones mean.

use std::{path::Path, sync::Arc, time::Duration};

use switchyard_core::{
    rate_limit::Quota,
    retry,
    route::action::{Destination, HeaderMatch, Redirect, Rewrite, RouteAuth},
};

use super::{Callee, Route};
use crate::config::{Config, Overrides};

fn parse(text: &str) -> Result<Vec<Route>, String> {
    let config = Config::of_text(Path::new("switchyard.toml"), text, &Overrides::default());
    config.map(|config| config.routes).map_err(|error| error.to_string())
}

/// The members of one route, from the third line on.
#[track_caller]
fn check(members: &str, expected: &str) {
    let error = parse(&format!("[[route]]\npath = '/a/*'\n{members}")).expect_err("it is wrong");
    assert!(error.contains(expected), "{error}");
}

#[track_caller]
fn right(members: &str) -> Route {
    parse(&format!("[[route]]\npath = '/a/*'\n{members}")).expect("it is right").remove(0)
}

#[test]
fn a_wrong_member_names_line_and_remedy() {
    check("", ":1: a route names a service, a split or a redirect; say one of them");
    check("service = 'a'\nsplit = []", ":4: a route names one of service, split and redirect; remove the others");
    check("service = 'a'\nredirect = { host = 'b' }", ":4: a route names one of service, split and redirect");
    check("service = 'A'", ":3: 'A' is not a service name");
    check("service = 'a'\nstrip = '/a'", ":4: unknown member 'strip'");
    check("service = 'a'\nstripprefix = '/a'", ":4: unknown member 'stripprefix'; did you mean 'strip-prefix'?");
    check("service = 'a'\nmethods = [\n'GET',\n'get']", ":6: 'get' is not a method");
    check("service = 'a'\nhost = 'http://a'", ":4: 'http://a' is no host");
    check("service = 'a'\ntimeout = '0s'", ":4: the duration must be at least 1ms");
    check("service = 'a'\nbody-max = '0B'", ":4: the size must be at least 1B");
    check(
        "service = 'a'\nauth = 'required'",
        ":4: nobody is asked who calls, since [gateway.auth] of the configuration",
    );
    check("service = 'a'\nauth = 'requird'", ":4: unknown value 'requird'; did you mean 'required'?");
    check("service = 'a'\nmiddleware = ['m',\n'm']", ":5: 'm' is there twice; remove one");
}

#[test]
fn wrong_headers_name_line_and_remedy() {
    check("service = 'a'\nheaders = { 'x y' = true }", ":4: 'x y' is no name of a header");
    check("service = 'a'\nheaders = { host = 'a' }", ":4: write the host as the member host");
    check("service = 'a'\n[route.headers]\nx-a = 'b'\nX-B = \" c\"", ":6: ' c' is no value that a header can have");
    check(
        "service = 'a'\nheaders = { x = false }",
        ":4: invalid value: boolean `false`, expected the header's value as",
    );
    let many: String = (0..17).map(|n| format!("x-{n} = true\n")).collect();
    check(&format!("service = 'a'\n[route.headers]\n{many}"), ":4: a route asks for at most 16 headers");
}

#[test]
fn wrong_splits_and_mirrors_name_line_and_remedy() {
    check("split = []", ":3: a split has at least one service with a weight above 0");
    check("split = [{ service = 'a' }]", ":3: missing field `weight`");
    check("split = [{ service = 'a', weight = 0 }]", ":3: a split has at least one service with a weight");
    check("split = [\n{ service = 'a', weight = 1 },\n{ service = 'a', weight = 2 }]", ":5: 'a' is there twice");
    check("split = [{ service = 'a', weight = 1 },\n{ service = 'b', weight = 1000001 }]", ":4: a weight is at most");
    check("service = 'a'\nmirror = { service = 'b', percent = 0 }", ":4: a percentage is a number from 1 to 100");
    check("service = 'a'\nmirror = { percent = 5 }", ":4: missing field `service`");
    let twice = "{ service = 'a', version = '1.0.0', weight = 1 }";
    check(&format!("split = [\n{twice},\n{twice}]"), ":5: 'a 1.0.0' is there twice; add up its weights");
    check("split = [{ service = 'a', version = '1', weight = 1 }]", ":3: unexpected end of input while parsing");
}

#[test]
fn wrong_redirects_and_rewrites_name_line_and_remedy() {
    check("redirect = {}", ":3: it would send the client to where it is");
    check("redirect = { scheme = 'ftp' }", ":3: 'ftp' is no scheme here; write http or https");
    check("redirect = { host = 'a/b' }", ":3: 'a/b' is no host");
    check("[route.redirect]\nhost = 'b'\nstatus = 200", ":5: 200 is none of 301, 302, 303, 307 and 308");
    check("redirect = { path = '/b', prefix = '/c' }", ":3: say either path or prefix; remove one");
    check("redirect = { path = 'b' }", ":3: the path does not begin with '/'");
    check("redirect = { host = 'b' }\ntimeout = '1s'", ":4: a redirect calls no service, so this has no effect");
    check("redirect = { host = 'b' }\nretry = { attempts = 2 }", ":4: a redirect calls no service");
    check("service = 'a'\nrewrite = {}", ":4: say either path, what the path becomes, or prefix");
    check("service = 'a'\nrewrite = { path = '/a?b' }", ":4: '/a?b' is no path: write it without a query");
    check("service = 'a'\nrewrite = { prefix = '/../b' }", ":4: the path has a '.' or '..' segment");
    check("service = 'a'\nstrip-prefix = '/a'\nrewrite = { path = '/b' }", ":5: a route has either strip-prefix or");
}

#[test]
fn wrong_retries_and_quotas_name_line_and_remedy() {
    check("service = 'a'\nretry = { attempts = 0 }", ":4: attempts are from 1, which repeats nothing, to 10");
    check("service = 'a'\nretry = { base = '2s' }", ":4: base is 2000ms and max 1000ms; raise max, or lower base");
    check("service = 'a'\nretry = { max = '0s' }", ":4: the duration must be at least 1ms");
    check(
        "service = 'a'\nretry = { allmethods = true }",
        ":4: unknown member 'allmethods'; did you mean 'all-methods'?",
    );
    check("service = 'a'\n[route.rate-limit]\nrequests = 0", ":5: the number must be at least 1");
    check("service = 'a'\nrate-limit = { window = '0s' }", ":4: the duration must be at least 1ms");
    check("service = 'a'\nrate-limit = { burts = 1 }", ":4: unknown member 'burts'; did you mean 'burst'?");
}

#[test]
fn everything_that_a_route_can_say_is_kept() {
    let route = right(
        "service = 'a'\nhost = 'shop.example.com'\nmethods = ['GET']\nheaders = { X-A = 'b', x-c = true }
         strip-prefix = '/a'\nmirror = { service = 'b', percent = 5 }\ntimeout = '2s'\nauth = 'optional'
         retry = { attempts = 5, all-methods = true }\nrate-limit = { requests = 7 }\nbody-max = '1KiB'
         middleware = ['m', 'n']
         [gateway.auth]\nkind = 'plugin'\nservice = 'token-check'",
    );
    let expected = [("x-a", Some("b")), ("x-c", None)]
        .map(|(name, value)| HeaderMatch { name: name.to_owned(), value: value.map(str::to_owned) });
    assert_eq!(route.headers, expected);
    let callee = Callee { service: "a".parse().expect("a name"), version: None };
    assert_eq!(route.to, Destination::Service(callee));
    assert_eq!(route.mirror.map(|mirror| (mirror.service.to_string(), mirror.percent)), Some(("b".to_owned(), 5)));
    let rules = route.rules;
    assert_eq!((rules.strip_prefix, rules.timeout), (Some(Arc::from("/a")), Some(Duration::from_secs(2))));
    assert_eq!(rules.retry, Some(retry::Policy { attempts: 5, all_methods: true, ..Default::default() }));
    assert_eq!(rules.rate_limit, Some(Quota { requests: 7, burst: 7, ..Quota::default() }));
    assert_eq!((rules.auth, rules.body_max), (RouteAuth::Optional, Some(1024)));
    assert_eq!(rules.middleware.len(), 2);

    let redirect = right("redirect = { scheme = 'https', prefix = '/b', status = 308 }");
    let expected =
        Redirect { scheme: Some("https".into()), host: None, path: Some(Rewrite::Prefix("/b".into())), status: 308 };
    assert_eq!(redirect.to, Destination::Redirect(expected));
    let split = right("split = [{ service = 'a', weight = 9 }, { service = 'b', weight = 1 }]");
    assert_eq!(split.to.services().map(ToString::to_string).collect::<Vec<_>>(), ["a", "b"]);
    let split = right(
        "split = [{ service = 'a', weight = 9 }, { service = 'a', version = '2.0.0', weight = 1 }]
         mirror = { service = 'a', version = '3.0.0-rc.1' }",
    );
    assert_eq!(split.to.services().map(ToString::to_string).collect::<Vec<_>>(), ["a", "a 2.0.0"]);
    assert_eq!(split.mirror.map(|mirror| mirror.service.to_string()), Some("a 3.0.0-rc.1".to_owned()));
    assert_eq!(right("service = 'a'\nrewrite = { path = '/x' }").rules.rewrite, Some(Rewrite::Full("/x".into())));
}

#[test]
fn a_route_completes_its_retries_by_those_of_all() {
    let text = "[retry]\nattempts = 4\nmax = '9s'\n[[route]]\npath = '/'\nservice = 'a'\nretry = { base = '5s' }";
    let policy = parse(text).expect("it is right").remove(0).rules.retry.expect("it has its own");
    let expected =
        retry::Policy { attempts: 4, base: Duration::from_secs(5), max: Duration::from_secs(9), all_methods: false };
    assert_eq!(policy, expected);
}
