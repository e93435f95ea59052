//! What pages of other origins are told.

use switchyard_core::rate_limit::Quota;
use switchyard_gateway::{Policy, auth, cors};

use crate::common::{Backend, Edge, get, request, route};

const ORIGIN: &str = "origin: https://shop.example";

/// Pages of the shop may call, everybody needs a key, and one request is all.
fn strict() -> Policy {
    let cors = cors::Config { origins: vec!["https://shop.example".to_owned()], ..cors::Config::default() };
    let kind = auth::Kind::ApiKey(auth::api_key::Policy::new("x-api-key", vec![]).unwrap());
    Policy {
        cors: Some(cors.check().unwrap()),
        auth: auth::Policy { kind, public: vec!["/open".parse().unwrap()] },
        rate_limit: Some(Quota { requests: 1, burst: 1, ..Quota::default() }),
        ..Policy::default()
    }
}

#[tokio::test]
async fn a_preflight_is_answered_before_anybody_is_counted_or_asked_who_he_is() {
    let backend = Backend::start().await;
    let edge = Edge::start(strict(), &backend, vec![route("/*")]).await;
    let preflight = request("OPTIONS", "/x", &[ORIGIN, "access-control-request-method: PUT"]);
    for _ in 0..3 {
        let response = edge.send(&preflight).await;
        assert_eq!(response.status, 204);
        assert_eq!(response.header("access-control-allow-origin"), Some("https://shop.example"));
        assert_eq!(response.header("access-control-allow-methods"), Some("GET, POST, PUT, DELETE, OPTIONS"));
        assert_eq!(response.header("vary"), Some("Origin"));
    }
    // One that asks nothing is a request like any other.
    let response = edge.send(&request("OPTIONS", "/x", &[ORIGIN])).await;
    assert_eq!(response.status, 401);
    assert_eq!(backend.count(), 0);
}

#[tokio::test]
async fn answers_and_refusals_can_be_read_by_the_pages_that_may() {
    let backend = Backend::start().await;
    let edge = Edge::start(strict(), &backend, vec![route("/*")]).await;
    let mut client = edge.client().await;
    for status in [200, 429] {
        let response = client.send(&get("/open", &[ORIGIN])).await;
        assert_eq!(response.status, status);
        // Also in the place of what the service said.
        assert_eq!(response.header("access-control-allow-origin"), Some("https://shop.example"));
        assert!(response.header("access-control-expose-headers").unwrap().contains("Retry-After"));
    }
    for (request, status) in [
        ("GET /health HTTP/1.1\r\nhost: h\r\norigin: https://shop.example\r\n\r\n", 503),
        ("GET /a/../b HTTP/1.1\r\nhost: h\r\norigin: https://shop.example\r\n\r\n", 400),
    ] {
        let response = edge.send(request).await;
        assert!(response.status == status || response.status == 200, "{}", response.status);
        assert_eq!(response.header("access-control-allow-origin"), Some("https://shop.example"));
    }
    let stranger = edge.send(&get("/open", &["origin: https://evil.example"])).await;
    assert_eq!(stranger.header("access-control-allow-origin"), None);
    assert_eq!(stranger.header("vary"), Some("Origin"));
}

#[tokio::test]
async fn without_a_policy_services_speak_for_themselves() {
    let backend = Backend::start().await;
    let edge = Edge::start(Policy::default(), &backend, vec![route("/*")]).await;
    let response = edge.send(&get("/x", &[ORIGIN])).await;
    assert_eq!(response.header("access-control-allow-origin"), Some("https://evil.example"));
    // And a preflight is theirs to answer.
    let preflight = request("OPTIONS", "/x", &[ORIGIN, "access-control-request-method: PUT"]);
    assert_eq!(edge.send(&preflight).await.status, 200);
    assert_eq!(backend.count(), 2);
}
