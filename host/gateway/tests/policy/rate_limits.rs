//! How much somebody may call.

use std::time::Duration;

use switchyard_core::{
    forwarded::Networks,
    rate_limit::Quota,
    route::action::{RouteAuth, Rules},
};
use switchyard_gateway::{AccessLog, Policy, auth};

use crate::{
    api_keys,
    common::{Backend, Edge, get, problem, route, ruled},
};

/// Two requests in an hour.
const TWO: Quota = Quota { requests: 2, window: Duration::from_secs(3600), burst: 2 };

fn two() -> Policy {
    Policy { rate_limit: Some(TWO), ..Policy::default() }
}

#[tokio::test]
async fn every_answer_says_what_is_left_and_a_refusal_when_to_come_back() {
    let backend = Backend::start().await;
    let edge = Edge::start(two(), &backend, vec![route("/a/*")]).await;
    // What is not there counts as well: who looks for paths does so by asking.
    for (path, status, left) in [("/a", 200, 1), ("/b", 404, 0), ("/a", 429, 0)] {
        let response = edge.send(&get(path, &[])).await;
        assert_eq!(response.status, status);
        assert_eq!(response.header("ratelimit-policy"), Some("\"default\";q=2;w=3600"));
        assert!(response.header("ratelimit").unwrap().starts_with(&format!("\"default\";r={left};t=")));
        if status == 429 {
            assert_eq!(problem(&response), ("SY1007".to_owned(), "Rate limit exceeded".to_owned()));
            let seconds: u64 = response.header("retry-after").unwrap().parse().unwrap();
            assert!((1_700..=1_800).contains(&seconds), "{seconds}");
        }
    }
    assert_eq!(backend.count(), 1);
    // The host's own paths are there in any case.
    for _ in 0..5 {
        let response = edge.send(&get("/services", &[])).await;
        assert_eq!((response.status, response.header("ratelimit")), (200, None));
    }
}

#[tokio::test]
async fn what_a_client_writes_does_not_make_it_somebody_else() {
    let backend = Backend::start().await;
    let edge = Edge::start(two(), &backend, vec![route("/*")]).await;
    for (number, status) in [200, 200, 429, 429].into_iter().enumerate() {
        let line = format!("x-forwarded-for: 203.0.113.{number}");
        let response = edge.send(&get("/a", &[&line, "x-api-key: k", "authorization: Bearer a"])).await;
        assert_eq!(response.status, status);
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_client_is_counted() {
    let backend = Backend::start().await;
    let policy = Policy { trusted_proxies: Networks::parse(&["127.0.0.1"]).unwrap(), ..two() };
    let edge = Edge::start(policy, &backend, vec![route("/*")]).await;
    for (said, status) in [
        ("6.6.6.1, 203.0.113.1", 200),
        ("6.6.6.2, 203.0.113.1", 200),
        ("6.6.6.3, 203.0.113.1", 429),
        ("203.0.113.2", 200),
        ("2001:db8::1", 200),
        ("2001:db8::2", 200),
        ("2001:db8::3", 429),
    ] {
        let response = edge.send(&get("/a", &[&format!("x-forwarded-for: {said}")])).await;
        assert_eq!(response.status, status, "{said}");
    }
}

#[tokio::test]
async fn principals_are_counted_apart_from_each_other_and_from_their_address() {
    let backend = Backend::start().await;
    let auth = api_keys::policy(&[("k1", "alice"), ("k2", "alice"), ("k3", "bob")]);
    let routes = vec![route("/*"), ruled("/open/*", Rules { auth: RouteAuth::Optional, ..Rules::default() })];
    let edge = Edge::start(Policy { auth, ..two() }, &backend, routes).await;
    for (line, status) in [
        ("x-api-key: k1", 200),
        ("x-api-key: k2", 200),
        ("x-api-key: k1", 429),
        ("x-api-key: k3", 200),
        ("x-other: 1", 200),
        ("x-other: 1", 200),
        ("x-other: 1", 429),
        ("x-api-key: k3", 200),
        ("x-api-key: k3", 429),
    ] {
        assert_eq!(edge.send(&get("/open/a", &[line])).await.status, status, "{line}");
    }
}

#[tokio::test]
async fn an_address_that_guesses_is_soon_refused_unchecked() {
    let backend = Backend::start().await;
    let edge =
        Edge::start(Policy { auth: api_keys::policy(&[("k1", "alice")]), ..two() }, &backend, vec![route("/*")]).await;
    for (line, status) in [
        ("x-api-key: wrong", 401),
        ("x-api-key: k1", 200),
        ("x-api-key: wrong", 401),
        ("x-api-key: wrong", 429),
        // Its guess is right now, which it does not learn.
        ("x-api-key: k1", 429),
    ] {
        let response = edge.send(&get("/a", &[line])).await;
        assert_eq!(response.status, status, "{line}");
        if status == 429 {
            assert!(response.header("retry-after").is_some());
        }
    }
    assert_eq!(backend.count(), 1);
}

#[tokio::test]
async fn a_route_counts_beside_the_gateway() {
    let backend = Backend::start().await;
    let limited = |quota| Rules { rate_limit: Some(quota), ..Rules::default() };
    let one = Quota { requests: 1, burst: 1, ..TWO };
    let four = Quota { requests: 4, burst: 4, ..TWO };
    let routes = vec![ruled("/a/*", limited(one)), ruled("/b/*", limited(one)), route("/c/*")];
    let edge = Edge::start(Policy { rate_limit: Some(four), ..Policy::default() }, &backend, routes).await;
    for (path, status, by) in [
        ("/a", 200, "\"route\";r=0"),
        ("/a/x", 429, "\"route\";r=0"),
        ("/b", 200, "\"route\";r=0"),
        ("/c", 200, "\"default\";r=0"),
        ("/c", 429, "\"default\";r=0"),
    ] {
        let response = edge.send(&get(path, &[])).await;
        assert_eq!(response.status, status, "{path}");
        let limits: Vec<_> = response.header("ratelimit").unwrap().split(", ").collect();
        assert!(limits.iter().any(|limit| limit.starts_with(by)), "{path} {limits:?}");
        assert!(limits[0].starts_with("\"default\";"));
    }
}

#[tokio::test]
async fn a_new_policy_counts_on() {
    let backend = Backend::start().await;
    let edge = Edge::start(two(), &backend, vec![route("/*")]).await;
    assert_eq!(edge.send(&get("/a", &[])).await.status, 200);
    edge.handle.set_policy(Policy { access_log: AccessLog::Text, ..two() });
    assert_eq!(edge.send(&get("/a", &[])).await.status, 200);
    assert_eq!(edge.send(&get("/a", &[])).await.status, 429);
    edge.handle.set_policy(Policy { auth: auth::Policy::default(), ..Policy::default() });
    let response = edge.send(&get("/a", &[])).await;
    assert_eq!((response.status, response.header("ratelimit")), (200, None));
}
