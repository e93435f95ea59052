//! The gateway over real sockets, without a service behind it: what it answers itself, its limits, and its end.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

mod common;

use std::time::{Duration, Instant};

use switchyard_core::health::{Check, CheckStatus, Lifecycle};
use switchyard_gateway::{Options, Policy};

use crate::common::{Client, Edge, json};

#[tokio::test]
async fn health_tells_the_state_of_the_host() {
    let edge = Edge::start(Options { version: "1.2.3", ..common::options() }).await;
    let mut client = edge.client().await;
    let response = client.get("/health").await;
    assert_eq!((response.status, json(&response)["status"].as_str()), (200, Some("starting")));

    edge.handle.set_lifecycle(Lifecycle::Serving);
    edge.handle.set_dependency("db", Check::default());
    assert_eq!(json(&client.get("/health").await)["status"], "checking");
    edge.handle.set_dependency("db", Check { status: CheckStatus::Unhealthy, ..Check::default() });
    let degraded = json(&client.get("/health").await);
    assert_eq!(degraded["status"], "degraded");
    assert_eq!(degraded["version"], "1.2.3");
    assert_eq!(degraded["dependencies"]["db"]["status"], "unhealthy");
    assert_eq!(degraded["metrics"]["requestCount"], 2);
    edge.handle.remove_dependency("db");
    assert_eq!(json(&client.get("/health").await)["status"], "healthy");

    edge.handle.begin_shutdown();
    let response = client.get("/health").await;
    assert_eq!((response.status, json(&response)["status"].as_str()), (503, Some("shutting-down")));
}

#[tokio::test]
async fn builtin_paths_answer_get_and_head_only() {
    let edge = Edge::start(common::options()).await;
    let mut client = edge.client().await;
    assert_eq!(client.get("/services").await.body, "[]");
    let head = client.send("HEAD /services HTTP/1.1\r\nhost: h\r\n\r\n").await;
    assert_eq!((head.status, head.header("content-length"), &*head.body), (200, Some("2"), ""));
    let post = client.send("POST /health HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
}

#[tokio::test]
async fn an_unknown_path_is_a_problem_with_the_request_s_id() {
    let edge = Edge::start(common::options()).await;
    let request = "GET /nowhere?q HTTP/1.1\r\nhost: h\r\nx-gateway-request-id: mine\r\n\r\n";
    let response = edge.client().await.send(request).await;
    assert_eq!((response.status, response.header("content-type")), (404, Some("application/problem+json")));
    let problem = json(&response);
    assert_eq!(problem["error"], "Route not found");
    assert_eq!(problem["instance"], "/nowhere");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("GET /nowhere") && detail.contains("[[route]]"), "{detail}");
    let id = response.header("x-gateway-request-id").unwrap();
    assert_eq!(problem["requestId"], id);
    assert_eq!((id.len(), &id[14..15]), (36, "7"));
}

#[tokio::test]
async fn what_could_be_read_in_two_ways_is_refused() {
    let edge = Edge::start(common::options()).await;
    for request in [
        "GET /a/../b HTTP/1.1\r\nhost: h\r\n\r\n",
        "GET /a/%2e%2e/b HTTP/1.1\r\nhost: h\r\n\r\n",
        "GET /health HTTP/1.1\r\n\r\n",
        "GET /health HTTP/1.1\r\nhost: h\r\nhost: h\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nhost: h\r\n\r\n",
    ] {
        let response = edge.client().await.send(request).await;
        assert_eq!((response.status, json(&response)["code"].as_str()), (400, Some("SY1003")), "{request}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_it_is_read_and_the_answer_arrives() {
    let edge =
        Edge::start(Options { policy: Policy { body_max: 1_000, ..Policy::default() }, ..common::options() }).await;
    let mut client = edge.client().await;
    // More than the socket's buffers hold, sent before the answer is looked at.
    let length = 32 << 20;
    let head = format!("POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: {length}\r\n\r\n");
    let body = "x".repeat(length);
    client.write(&head).await;
    client.write(&body).await;
    let response = client.response().await;
    assert_eq!((response.status, response.header("connection")), (413, Some("close")));
    assert_eq!(json(&response)["error"], "Payload too large");
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_head_over_the_limit_is_refused() {
    let edge = Edge::start(Options { header_max: 8 << 10, ..common::options() }).await;
    let request = format!("GET /x HTTP/1.1\r\nhost: h\r\nx: {}\r\n\r\n", "x".repeat(16 << 10));
    let response = edge.client().await.send(&request).await;
    assert_eq!((response.status, json(&response)["code"].as_str()), (431, Some("SY1005")));
    assert_eq!(json(&response)["instance"], "/x");
}

#[tokio::test]
async fn a_head_that_cannot_be_parsed_is_answered_with_a_problem() {
    let edge = Edge::start(common::options()).await;
    for (head, instance) in [
        ("GET /a HTTP/1.1\r\nhost: h\r\nno colon\r\n\r\n", Some("/a")),
        ("GET /b HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", None),
        ("GE\x01T / HTTP/1.1\r\n\r\n", None),
        ("GET /d HTTP/9.9\r\n\r\n", None),
    ] {
        let mut client = edge.client().await;
        let response = client.send(head).await;
        assert_eq!((response.status, response.header("connection")), (400, Some("close")), "{head}");
        assert_eq!(response.header("content-type"), Some("application/problem+json"), "{head}");
        let problem = json(&response);
        assert_eq!(problem["code"], "SY1003");
        assert_eq!(problem["requestId"].as_str(), response.header("x-gateway-request-id"));
        if let Some(instance) = instance {
            assert_eq!(problem["instance"], instance);
        }
        assert!(client.is_closed().await);
    }
    assert_eq!(edge.handle.metrics().error_count, 4);
}

#[tokio::test]
async fn a_connection_that_served_a_request_ends_at_a_head_that_cannot_be_parsed() {
    let edge = Edge::start(common::options()).await;
    let mut client = edge.client().await;
    assert_eq!(client.get("/nowhere").await.status, 404);
    assert_eq!(client.send("GET / HTTP/1.1\r\nno colon\r\n\r\n").await.status, 400);
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_head_that_trickles_in_is_answered_with_408() {
    let edge = Edge::start(Options { header_timeout: Duration::from_millis(300), ..common::options() }).await;
    let mut client = edge.client().await;
    let started = Instant::now();
    client.write("GET /health HTTP/1.1\r\n").await;
    while !client.is_readable() {
        client.write("x: y\r\n").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let response = client.response().await;
    let problem = json(&response);
    assert_eq!((response.status, problem["code"].as_str()), (408, Some("SY1006")));
    assert_eq!(problem["instance"], "/health");
    assert!(problem["requestId"].as_str().is_some());
    assert_eq!(problem["requestId"].as_str(), response.header("x-gateway-request-id"));
    let metrics = edge.handle.metrics();
    assert_eq!((metrics.request_count, metrics.error_count), (1, 1));
    assert!(started.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed_after_the_header_timeout() {
    let edge = Edge::start(Options { header_timeout: Duration::from_millis(200), ..common::options() }).await;
    assert!(edge.client().await.is_closed().await);
}

#[tokio::test]
async fn a_connection_between_requests_has_the_idle_timeout() {
    let times = Options {
        header_timeout: Duration::from_millis(100),
        idle_timeout: Duration::from_millis(1_000),
        ..common::options()
    };
    let edge = Edge::start(times).await;
    let mut client = edge.client().await;
    client.get("/health").await;
    let started = Instant::now();
    assert!(client.is_closed().await);
    assert!(started.elapsed() >= Duration::from_millis(900), "{:?}", started.elapsed());
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_one_to_end() {
    let edge = Edge::start(Options { connections_max: 1, ..common::options() }).await;
    let mut first = edge.client().await;
    first.get("/health").await;
    let mut second = edge.client().await;
    second.write(&common::get("/health")).await;
    let early = tokio::time::timeout(Duration::from_millis(200), second.response()).await;
    assert!(early.is_err());
    drop(first);
    assert_eq!(second.response().await.status, 200);
}

#[tokio::test]
async fn a_stop_closes_idle_connections_at_once() {
    let edge = Edge::start(common::options()).await;
    // Connections are accepted in order, so when the second one has answered, the first is accepted too.
    let (mut fresh, mut used) = (edge.client().await, edge.client().await);
    used.get("/health").await;
    let started = Instant::now();
    let address = edge.address;
    edge.stop().await;
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert!(used.is_closed().await);
    assert!(fresh.is_closed().await);
    assert!(Client::connect(address).await.is_err());
}

#[tokio::test]
async fn a_stop_cuts_what_outlasts_the_drain_time() {
    let edge = Edge::start(Options { drain_timeout: Duration::from_millis(300), ..common::options() }).await;
    let mut client = edge.client().await;
    // A head that never ends keeps its connection.
    client.write("GET /health HTTP/1.1\r\n").await;
    let started = Instant::now();
    edge.stop().await;
    assert!(started.elapsed() < Duration::from_secs(3));
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let edge = Edge::start(common::options()).await;
    let mut client = edge.client().await;
    client.write(&format!("{}{}", common::get("/services"), common::get("/nowhere"))).await;
    assert_eq!(client.response().await.status, 200);
    assert_eq!(client.response().await.status, 404);
}
