//! The HTTP edge: what always answers, what errors look like, what is passed on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use http::Method;
use serde_json::json;
use switchyard_tests::Setup;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    let host = Setup::new().start().await;
    let answer = host.get("/nowhere").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (404, "application/problem+json"));
    let problem = answer.json();
    assert_eq!(problem["error"], "Route not found");
    assert_eq!(problem["code"], "SY1001");
    assert_eq!(problem["status"], 404);
    assert_eq!(problem["instance"], "/nowhere");
    assert_eq!(problem["requestId"], answer.header("x-gateway-request-id"));
}

#[tokio::test]
async fn a_known_path_with_another_method_is_405_with_allow() {
    let setup = Setup::new().plugin("hello", "hello");
    std::fs::write(setup.plugins().join("hello.toml"), "routes = [{ path = '/only', methods = ['POST', 'PUT'] }]")
        .unwrap();
    let host = setup.start().await;
    let answer = host.get("/only").await;
    assert_eq!(answer.status, 405);
    let mut allow: Vec<_> = answer.header("allow").split(", ").collect();
    allow.sort_unstable();
    assert_eq!(allow, ["POST", "PUT"]);
    assert_eq!(host.send(Method::POST, "/only", "").await.text(), "hello");
}

#[tokio::test]
async fn a_side_file_gives_a_foreign_component_its_routes_and_follows_changes() {
    let setup = Setup::new().plugin("hello-p2", "hello-p2");
    let side = setup.plugins().join("hello-p2.toml");
    std::fs::write(&side, "version = '3.1.4'\nroutes = [{ path = '/one/{id}' }]").unwrap();
    let host = setup.start().await;
    assert_eq!(host.get("/one/1").await.text(), "hello");
    assert_eq!(host.get("/one/1/2").await.status, 404);
    assert_eq!(host.plugin("hello-p2").await["version"], "3.1.4");
    std::fs::write(&side, "version = '3.1.5'\nroutes = [{ path = '/two/*' }]").unwrap();
    host.until("hello-p2", "3.1.5", |plugin| plugin["version"] == "3.1.5").await;
    assert_eq!(host.get("/two/1/2").await.text(), "hello");
    assert_eq!(host.get("/one/1").await.status, 404);
    std::fs::write(&side, "routs = []").unwrap();
    let plugin = host.until("hello-p2", "refused", |plugin| plugin["error"].is_string()).await;
    assert!(plugin["error"].as_str().unwrap().contains("routs"), "{plugin:#}");
    assert_eq!(host.get("/two/1").await.text(), "hello");
}

#[tokio::test]
async fn routes_of_the_config_win_and_are_followed_while_running() {
    let setup = Setup::new().plugin("hello", "hello").plugin("hello-p2", "hello-p2");
    let host =
        setup.config("[[route]]\npath = '/hello/*'\nservice = 'hello-p2'\nstrip-prefix = '/hello'\n").start().await;
    assert_eq!(host.get("/hello/version").await.text(), "hello");
    std::fs::write(host.path().join("switchyard.toml"), "[[route]]\npath = '/x'\nservice = 'hello'\n").unwrap();
    let since = std::time::Instant::now();
    while host.get("/x").await.status != 200 {
        assert!(since.elapsed().as_secs() < 30, "{}", host.log());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(host.get("/hello/version").await.text(), "1");
    std::fs::write(host.path().join("switchyard.toml"), "[gatway]\n").unwrap();
    while !host.log().contains("gatway") {
        assert!(since.elapsed().as_secs() < 60, "{}", host.log());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(host.get("/x").await.status, 200);
}

#[tokio::test]
async fn health_and_services_have_the_promised_members() {
    let host = Setup::new().plugin("user-service", "user-service").start().await;
    host.get("/nowhere").await;
    let health = host.get("/health").await;
    assert_eq!(health.status, 200);
    let health = health.json();
    for member in ["status", "uptime", "version", "dependencies", "metrics"] {
        assert!(!health[member].is_null(), "{member}: {health:#}");
    }
    for metric in ["requestCount", "errorCount", "averageResponseTime", "errorRate", "p50", "p95", "p99"] {
        assert!(health["metrics"][metric].is_number(), "{metric}: {health:#}");
    }
    assert!(health["metrics"]["errorCount"].as_u64() >= Some(1));
    let services = host.get("/services").await.json();
    let service = &services.as_array().unwrap()[0];
    for member in [
        "id",
        "name",
        "address",
        "port",
        "health",
        "version",
        "tags",
        "metadata",
        "status",
        "registeredAt",
        "lastHeartbeat",
    ] {
        assert!(service.get(member).is_some(), "{member}: {service:#}");
    }
    assert_eq!(service["name"], "user-service");
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let setup = Setup::new().plugin("hello", "hello").plugin("hello-p2", "hello-p2");
    let host = setup.config("[gateway]\nbody-max = '1KiB'\n").start().await;
    for path in ["/hello/", "/hello-p2/echo"] {
        let answer = host.send(Method::POST, path, &"x".repeat(1025)).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (413, &json!("Payload too large")), "{path}");
        assert_eq!(host.send(Method::POST, path, &"x".repeat(1024)).await.status, 200, "{path}");
    }
}

/// Sends these bytes on a connection, and answers everything that comes back until it is closed.
async fn raw(to: std::net::SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn headers_of_the_connection_and_of_the_gateway_do_not_reach_the_service() {
    let host = Setup::new().plugin("rogue", "rogue").start().await;
    let request = "GET /rogue/headers HTTP/1.1\r\nhost: x\r\nconnection: close, x-secret\r\nx-secret: 1\r\n\
                   x-auth-subject: root\r\nx-gateway-request-id: mine\r\nx-service-name: other\r\nx-kept: yes\r\n\r\n";
    let answer = raw(host.gateway, request).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let body = answer.split_once("\r\n\r\n").unwrap().1.to_ascii_lowercase();
    assert!(body.contains("x-kept: yes") && body.contains("x-service-name: rogue"), "{body}");
    assert!(body.contains("traceparent: 00-"), "{body}");
    for gone in ["x-secret", "x-auth-subject", "mine", "x-service-name: other"] {
        assert!(!body.contains(gone), "{gone} in {body}");
    }
}

#[tokio::test]
async fn a_request_under_way_is_finished_when_the_host_is_asked_to_stop() {
    let host = Setup::new().plugin("rogue", "rogue").start().await;
    let mut client = host.client().await;
    let slow = tokio::spawn(async move { client.get("/rogue/sleep?ms=500").await });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let stopped = tokio::task::spawn_blocking(move || host.stop().1);
    assert_eq!(slow.await.unwrap().unwrap().status, 200);
    assert_eq!(stopped.await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_wrong_config_is_refused_with_file_line_and_the_nearest_name() {
    let setup = Setup::new().config("[gateway]\nlisten = '127.0.0.1:0'\nbody-mx = '1KiB'\n");
    let (status, text) = setup.run_to_end();
    assert_eq!(status.code(), Some(1));
    for part in ["switchyard.toml", "3", "body-mx", "body-max"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}
