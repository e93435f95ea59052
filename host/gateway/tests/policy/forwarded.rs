//! What services are told about where a request came from.

use switchyard_core::forwarded::Networks;
use switchyard_gateway::Policy;

use crate::common::{Backend, Edge, get, got, route};

const CLAIMED: [&str; 8] = [
    "x-forwarded-for: 6.6.6.6, 203.0.113.9",
    "x-forwarded-proto: https",
    "x-forwarded-host: shop.example",
    "forwarded: for=6.6.6.6",
    "x-real-ip: 6.6.6.6",
    "x-auth-subject: root",
    "x-auth-claims: {}",
    "x-service-name: admin",
];

#[tokio::test]
async fn what_a_client_claims_is_replaced() {
    let backend = Backend::start().await;
    let edge = Edge::start(Policy::default(), &backend, vec![route("/*")]).await;
    let response = edge.send(&get("/x", &CLAIMED)).await;
    for (name, value) in [
        ("x-forwarded-for", Some("127.0.0.1")),
        ("x-forwarded-proto", Some("http")),
        ("x-forwarded-host", Some("h.example")),
        ("forwarded", None),
        ("x-real-ip", None),
        ("x-auth-subject", None),
        ("x-auth-claims", None),
        ("x-service-name", Some("web")),
    ] {
        assert_eq!(got(&response, name).as_deref(), value, "{name}");
    }
    assert_eq!(response.body.to_ascii_lowercase().matches("x-forwarded-for").count(), 1);
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_about_where_a_request_came_from_and_nothing_else() {
    let backend = Backend::start().await;
    let policy = Policy { trusted_proxies: Networks::parse(&["127.0.0.0/8"]).unwrap(), ..Policy::default() };
    let edge = Edge::start(policy, &backend, vec![route("/*")]).await;
    let response = edge.send(&get("/x", &CLAIMED)).await;
    for (name, value) in [
        ("x-forwarded-for", Some("6.6.6.6, 203.0.113.9, 127.0.0.1")),
        ("x-forwarded-proto", Some("https")),
        ("x-forwarded-host", Some("shop.example")),
        ("forwarded", None),
        ("x-real-ip", None),
        ("x-auth-subject", None),
        ("x-service-name", Some("web")),
    ] {
        assert_eq!(got(&response, name).as_deref(), value, "{name}");
    }
}

#[tokio::test]
async fn connection_cannot_remove_what_the_gateway_says() {
    let backend = Backend::start().await;
    let edge = Edge::start(Policy::default(), &backend, vec![route("/*")]).await;
    let line = "connection: x-forwarded-for, x-forwarded-proto, x-gateway-request-id, traceparent, x-own";
    let response = edge.send(&get("/x", &[line, "x-own: 1"])).await;
    for name in ["x-forwarded-for", "x-forwarded-proto", "x-gateway-request-id", "traceparent"] {
        assert!(got(&response, name).is_some(), "{name}");
    }
    assert_eq!(got(&response, "x-own"), None);
}
