//! HTTP/2 in the clear: one connection for many, and what gRPC needs.

use std::sync::Arc;

use http::Version;
use tokio::sync::Barrier;

use crate::world::{Server, World, get, read, text, upstream};

#[tokio::test]
async fn requests_share_a_connection() {
    let barrier = Arc::new(Barrier::new(20));
    let server = Server::h2c(move |_| {
        let barrier = barrier.clone();
        async move {
            barrier.wait().await;
            text(200, "x")
        }
    })
    .await;
    let world = World::new(vec![upstream(&server.address)]);
    for _ in 0..2 {
        let calls = (0..20).map(|_| world.text());
        assert_eq!(futures_util::future::join_all(calls).await, ["x"; 20]);
    }
    assert_eq!((server.connections(), server.requests()), (1, 40));
}

#[tokio::test]
async fn beyond_a_hundred_requests_another_connection_is_made() {
    let barrier = Arc::new(Barrier::new(150));
    let server = Server::h2c(move |_| {
        let barrier = barrier.clone();
        async move {
            barrier.wait().await;
            text(200, "x")
        }
    })
    .await;
    let world = World::new(vec![upstream(&server.address)]);
    let calls = (0..150).map(|_| world.text());
    assert_eq!(futures_util::future::join_all(calls).await.len(), 150);
    assert_eq!((server.connections(), server.requests()), (2, 150));
}

#[tokio::test]
async fn the_host_goes_into_the_target_and_trailers_are_welcome() {
    let server = Server::h2c(|request| async move {
        let headers = request.headers();
        let te = headers["te"].to_str().unwrap().to_owned();
        let has_host = headers.contains_key("host") || headers.contains_key("upgrade");
        text(200, format!("{:?} {} te={te} {has_host}", request.version(), request.uri()))
    })
    .await;
    let world = World::new(vec![upstream(&server.address)]);
    let mut request = get("/a?b");
    request.headers_mut().insert("upgrade", "websocket".parse().unwrap());
    request.headers_mut().insert("connection", "upgrade".parse().unwrap());
    let response = world.call(request).await.unwrap();
    assert_eq!(response.version(), Version::HTTP_11);
    assert_eq!(read(response).await, "HTTP/2.0 http://shop.example/a?b te=trailers false");
    let request = http::Request::get("http://users.internal/x").body(switchyard_dispatch::Body::empty()).unwrap();
    let own = server.address.strip_prefix("h2c://").unwrap();
    assert_eq!(read(world.call(request).await.unwrap()).await, format!("HTTP/2.0 http://{own}/x te=trailers false"));
}

#[tokio::test]
async fn a_connection_that_ended_is_replaced() {
    let first = Server::h2c(|_| async { text(200, "first") }).await;
    let address = first.address.clone();
    let world = World::new(vec![upstream(&address)]);
    assert_eq!(world.text().await, "first");
    drop(first);
    let mut errors = 0;
    // Whoever comes before the end is noticed finds it out, and then there is nobody.
    while !world.call(get("/")).await.unwrap_err().to_string().contains("cannot be reached") {
        errors += 1;
        assert!(errors < 100);
    }
}
