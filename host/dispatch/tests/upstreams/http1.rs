//! HTTP/1.1: heads, and connections that are used again.

use std::time::Duration;

use http::Request;
use switchyard_dispatch::{Body, CallSettings, IDLE_MAX};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
};

use crate::world::{Raw, Server, World, get, quick, read, request, text, upstream};

#[tokio::test]
async fn one_connection_serves_one_request_after_another() {
    let server = Server::http1(|_| async { text(200, "hello") }).await;
    let world = World::new(vec![upstream(&server.address)]);
    for _ in 0..20 {
        assert_eq!(world.text().await, "hello");
    }
    assert_eq!((server.connections(), server.requests()), (1, 20));
    assert_eq!(world.counted(), (20, 0, 0));
    assert_eq!(world.service.upstreams[0].in_flight(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn as_many_connections_are_made_as_requests_are_under_way() {
    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(8));
    let server = Server::http1(move |_| {
        let barrier = barrier.clone();
        async move {
            barrier.wait().await;
            text(200, "x")
        }
    })
    .await;
    let world = World::new(vec![upstream(&server.address)]);
    for _ in 0..3 {
        let calls = (0..8).map(|_| world.text());
        assert_eq!(futures_util::future::join_all(calls).await, ["x"; 8]);
    }
    assert_eq!((server.connections(), server.requests()), (8, 24));
}

#[tokio::test]
async fn a_head_is_passed_on_without_what_is_about_the_connection() {
    let (seen, mut heads) = mpsc::unbounded_channel();
    let server = Server::http1(move |request| {
        seen.send(request.into_parts().0).unwrap();
        let mut answer = text(201, "made");
        for (name, value) in [
            ("connection", "x-hop, keep-alive"),
            ("keep-alive", "timeout=5"),
            ("x-hop", "1"),
            ("x-end", "2"),
            ("set-cookie", "a=1"),
        ] {
            answer.headers_mut().append(name, value.parse().unwrap());
        }
        answer.headers_mut().append("set-cookie", "b=2".parse().unwrap());
        async { answer }
    })
    .await;
    let world = World::new(vec![upstream(&server.address)]);
    let mut sent = request("POST", "/a/b?c=%2F", Body::full("{}"));
    sent.headers_mut().insert("x-service-name", "spoofed".parse().unwrap());
    let response = world.call(sent).await.unwrap();
    assert_eq!(response.status(), 201);
    let headers = response.headers();
    assert!(["connection", "keep-alive", "x-hop"].iter().all(|name| !headers.contains_key(*name)), "{headers:?}");
    assert_eq!(headers["x-end"], "2");
    assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
    let head = heads.recv().await.unwrap();
    assert_eq!((head.method.as_str(), head.uri.to_string().as_str()), ("POST", "/a/b?c=%2F"));
    for (name, value) in [
        ("host", "shop.example"),
        ("content-length", "2"),
        ("x-service-name", "users"),
        ("x-gateway-request-id", "r1"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ] {
        assert_eq!(head.headers[name], value, "{name}");
    }
    assert!(!head.headers.contains_key("te") && !head.headers.contains_key("connection"));
    assert_eq!(read(response).await, "made");
}

#[tokio::test]
async fn who_calls_by_the_service_s_name_reaches_the_server_by_its_own() {
    let server = Server::http1(|request| async move {
        text(200, format!("{} {}", request.headers()["host"].to_str().unwrap(), request.uri()))
    })
    .await;
    let world = World::new(vec![upstream(&server.address)]);
    let request = Request::get("http://users.internal/x?y").body(Body::empty()).unwrap();
    let own = server.address.strip_prefix("http://").unwrap();
    assert_eq!(read(world.call(request).await.unwrap()).await, format!("{own} /x?y"));
    let request = Request::get("http://shop.example:81").body(Body::empty()).unwrap();
    assert_eq!(read(world.call(request).await.unwrap()).await, "shop.example:81 /");
}

#[tokio::test]
async fn a_connection_that_the_server_closes_is_not_used_again() {
    for is_said in [true, false] {
        let server = Raw::start(move |mut stream, number| async move {
            let mut head = [0; 1024];
            assert!(stream.read(&mut head).await.unwrap() > 0);
            let close = if is_said { "connection: close\r\n" } else { "" };
            let answer = format!("HTTP/1.1 200 OK\r\n{close}content-length: 1\r\n\r\n{number}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        })
        .await;
        let world = World::new(vec![upstream(&server.address)]);
        if !is_said {
            // The request may cross the end of the connection.
            world.set(CallSettings { retry: quick(), ..CallSettings::default() });
        }
        for number in 0..5 {
            assert_eq!(world.text().await, number.to_string());
        }
        assert_eq!(server.connections(), 5);
    }
}

#[tokio::test]
async fn a_connection_that_waited_too_long_is_closed() {
    let (closed, mut told) = mpsc::unbounded_channel();
    let server = Raw::start(move |mut stream, _| {
        let closed = closed.clone();
        async move {
            let mut head = [0; 1024];
            assert!(stream.read(&mut head).await.unwrap() > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx").await.unwrap();
            assert_eq!(stream.read(&mut head).await.unwrap(), 0);
            closed.send(()).unwrap();
        }
    })
    .await;
    let world = World::new(vec![upstream(&server.address)]);
    assert_eq!(world.text().await, "x");
    tokio::time::pause();
    tokio::time::advance(IDLE_MAX + Duration::from_secs(1)).await;
    told.recv().await.unwrap();
    tokio::time::resume();
}

#[tokio::test]
async fn a_head_that_is_too_long_is_no_answer() {
    let server = Raw::start(|mut stream, _| async move {
        let mut head = [0; 1024];
        assert!(stream.read(&mut head).await.unwrap() > 0);
        let long = "x".repeat(switchyard_dispatch::HEAD_MAX);
        let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\nx-long: {long}\r\n\r\n").as_bytes()).await;
    })
    .await;
    let world = World::new(vec![upstream(&server.address)]);
    let error = world.call(get("/")).await.unwrap_err();
    assert_eq!(error.code(), switchyard_core::problem::Code::ServiceFailed);
    assert!(error.to_string().contains("too large"), "{error}");
    assert_eq!(world.counted(), (1, 1, 0));
}
