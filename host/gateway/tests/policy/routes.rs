//! What a route says beyond the service that answers.

use std::time::Duration;

use switchyard_core::route::action::{Destination, Mirror, Redirect, Rewrite, Rules};
use switchyard_gateway::Policy;

use crate::common::{Backend, Edge, Route, get, got, problem, request, route, ruled, split};

/// The target that the backend got.
fn target(body: &str) -> &str {
    body.lines().next().unwrap().split(' ').nth(1).unwrap()
}

#[tokio::test]
async fn a_service_gets_the_path_that_its_route_makes() {
    let backend = Backend::start().await;
    let rewritten = |rewrite| Rules { rewrite: Some(rewrite), ..Rules::default() };
    let routes = vec![
        ruled("/cut/*", Rules { strip_prefix: Some("/cut".into()), ..Rules::default() }),
        ruled("/all/*", rewritten(Rewrite::Full("/one".to_owned()))),
        ruled("/v1/*", rewritten(Rewrite::Prefix("/v2".to_owned()))),
    ];
    let edge = Edge::start(Policy::default(), &backend, routes).await;
    for (asked, got) in
        [("/cut/a?q=%2F", "/a?q=%2F"), ("/all/a/b?q", "/one?q"), ("/v1/a/b?q", "/v2/a/b?q"), ("/v1", "/v2")]
    {
        assert_eq!(target(&edge.send(&get(asked, &[])).await.body), got);
    }
}

#[tokio::test]
async fn a_redirect_keeps_what_it_does_not_change() {
    let backend = Backend::start().await;
    let to = |redirect: Redirect, path| Route { to: Destination::Redirect(redirect), ..route(path) };
    let redirect = Redirect { scheme: None, host: None, path: None, status: 302 };
    let https = Redirect { scheme: Some("https".to_owned()), status: 308, ..redirect.clone() };
    let moved = Redirect { path: Some(Rewrite::Prefix("/new".to_owned())), status: 301, ..redirect.clone() };
    let away = Redirect { host: Some("b.example".to_owned()), path: Some(Rewrite::Full("/".to_owned())), ..redirect };
    let edge =
        Edge::start(Policy::default(), &backend, vec![to(https, "/https/*"), to(moved, "/old/*"), to(away, "/away/*")])
            .await;
    for (asked, status, location) in [
        ("/https/a?q=1", 308, "https://h.example/https/a?q=1"),
        ("/old/a/b?q", 301, "/new/a/b?q"),
        ("/old//evil.example/", 301, "/new//evil.example/"),
        ("/away/a?q", 302, "http://b.example/?q"),
    ] {
        let response = edge.send(&get(asked, &[])).await;
        assert_eq!((response.status, response.header("location")), (status, Some(location)));
    }
    assert_eq!(backend.count(), 0);
}

#[tokio::test]
async fn a_split_gives_each_its_share() {
    let (old, new, never) = (Backend::start().await, Backend::start().await, Backend::start().await);
    let services = [("old", old.clone()), ("new", new.clone()), ("never", never.clone())];
    let to = split(&[("old", 3), ("new", 1), ("never", 0)]);
    let edge = Edge::of(Policy::default(), &services, vec![Route { to, ..route("/*") }]).await;
    let mut client = edge.client().await;
    for _ in 0..400 {
        assert_eq!(client.send(&get("/a", &[])).await.status, 200);
    }
    assert_eq!((old.count() + new.count(), never.count()), (400, 0));
    // Nine standard deviations either way.
    assert!((22..=178).contains(&new.count()), "{}", new.count());
}

#[tokio::test]
async fn a_mirror_gets_a_copy_and_its_answer_is_nobodys() {
    let (web, shadow) = (Backend::start().await, Backend::start().await);
    let mirror = Some(Mirror { service: "shadow", percent: 100 });
    let rules = Rules { strip_prefix: Some("/m".into()), ..Rules::default() };
    let edge = Edge::of(
        Policy::default(),
        &[("web", web.clone()), ("shadow", shadow.clone())],
        vec![Route { mirror, ..ruled("/m/*", rules) }],
    )
    .await;
    let mut client = edge.client().await;
    // The copy is never answered, and the request is.
    let sent = request("POST", "/m/slow?q", &["content-length: 4", "x-own: 1"]) + "body";
    let web_is_slow = client.write(&sent);
    web_is_slow.await;
    let copies = shadow.reached(1).await;
    assert!(copies[0].starts_with("POST /slow?q HTTP/1.1"), "{}", copies[0]);
    assert!(copies[0].contains("x-own: 1") && copies[0].ends_with("body"), "{}", copies[0]);
    assert!(copies[0].contains("x-service-name: shadow"), "{}", copies[0]);
    let mut client = edge.client().await;
    let long = "x".repeat((64 << 10) + 1);
    let sent = request("POST", "/m/a", &[&format!("content-length: {}", long.len())]) + &long;
    assert!(client.send(&sent).await.body.ends_with(&long));
    assert_eq!((edge.handle.unmirrored(), shadow.count()), (1, 1));
}

#[tokio::test]
async fn limits_are_the_routes_own_where_it_has_some() {
    let backend = Backend::start().await;
    let tight = Rules { body_max: Some(4), timeout: Some(Duration::from_millis(200)), ..Rules::default() };
    let roomy = Rules { body_max: Some(100), ..Rules::default() };
    let policy = Policy { body_max: 10, ..Policy::default() };
    let edge =
        Edge::start(policy, &backend, vec![route("/*"), ruled("/tight/*", tight), ruled("/roomy/*", roomy)]).await;
    for (path, length, status) in
        [("/tight/a", 4, 200), ("/tight/a", 5, 413), ("/a", 10, 200), ("/a", 11, 413), ("/roomy/a", 11, 200)]
    {
        let sent = request("POST", path, &[&format!("content-length: {length}")]) + &"x".repeat(length);
        assert_eq!(edge.send(&sent).await.status, status, "{path} {length}");
    }
    // Also when the length is not known ahead.
    let sent = request("POST", "/tight/a", &["transfer-encoding: chunked"]) + "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
    assert_eq!(edge.send(&sent).await.status, 413);
    let response = edge.send(&get("/tight/slow", &[])).await;
    assert_eq!((response.status, problem(&response).1.as_str()), (504, "Gateway timeout"));
}

#[tokio::test]
async fn no_route_is_found_by_a_header_that_only_the_gateway_may_say() {
    let backend = Backend::start().await;
    let admin = Route {
        headers: &[("x-auth-subject", Some("root"))],
        ..ruled("/*", Rules { rewrite: Some(Rewrite::Full("/admin".to_owned())), ..Rules::default() })
    };
    let canary = Route {
        headers: &[("x-canary", None)],
        ..ruled("/*", Rules { rewrite: Some(Rewrite::Full("/canary".to_owned())), ..Rules::default() })
    };
    let edge = Edge::start(Policy::default(), &backend, vec![route("/*"), admin, canary]).await;
    for (line, expected) in [
        ("x-auth-subject: root", "/a"),
        ("x-canary: 1", "/canary"),
        // What is for the connection only is not there for the route either.
        ("connection: x-canary\r\nx-canary: 1", "/a"),
    ] {
        let response = edge.send(&get("/a", &[line])).await;
        assert_eq!(target(&response.body), expected, "{line}");
    }
}

#[tokio::test]
async fn a_middleware_that_is_not_loaded_refuses_what_would_pass_it() {
    let backend = Backend::start().await;
    let filtered = Rules { middleware: vec!["filter".parse().unwrap()], ..Rules::default() };
    let edge = Edge::start(Policy::default(), &backend, vec![route("/*"), ruled("/filtered/*", filtered)]).await;
    assert_eq!(edge.send(&get("/a", &[])).await.status, 200);
    let response = edge.send(&get("/filtered/a", &[])).await;
    assert_eq!((response.status, problem(&response).0.as_str()), (503, "SY1011"));
    // A service that is no middleware is no better.
    edge.handle.set_policy(Policy { middleware: vec!["web".parse().unwrap()], ..Policy::default() });
    for path in ["/a", "/nowhere"] {
        assert_eq!(edge.send(&get(path, &[])).await.status, 503);
    }
    assert_eq!(edge.send(&get("/health", &[])).await.header("content-type"), Some("application/json"));
    assert_eq!(backend.count(), 1);
}

#[tokio::test]
async fn each_instance_has_its_row_and_its_service_its_figures() {
    let backend = Backend::start().await;
    let edge = Edge::start(Policy::default(), &backend, vec![route("/*")]).await;
    let response = edge.send(&get("/services", &[])).await;
    let rows: serde_json::Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert_eq!((&rows[0]["name"], &rows[0]["address"]), (&"web".into(), &"127.0.0.1".into()));
    assert_eq!(rows[0]["id"], format!("web-127.0.0.1-{}", rows[0]["port"]));
    assert!(got(&edge.send(&get("/a", &[])).await, "host").is_some());
}
