//! What is sent again, and what is not.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use switchyard_core::{
    problem::Code,
    retry::{BudgetConfig, Policy},
};
use switchyard_dispatch::{Body, BodyError, CallOptions, CallSettings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::world::{PATIENCE, Raw, Server, World, context, get, quick, read, request, text, upstream};

/// One whose breakers stay closed.
fn retrying(addresses: &[&str]) -> World {
    let world = World::new(addresses.iter().map(|address| upstream(address)).collect()).with_patient_breakers();
    world.set(CallSettings { retry: quick(), ..CallSettings::default() });
    world
}

/// Answers 503 so often, and then what it got.
async fn failing(times: usize) -> Server {
    let left = Arc::new(AtomicUsize::new(times));
    Server::http1(move |request| {
        let left = left.clone();
        async move {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let has_left = left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
            if has_left { text(503, "not now") } else { text(200, body) }
        }
    })
    .await
}

/// Nobody listens there.
async fn nowhere() -> String {
    format!("http://{}", TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap())
}

#[tokio::test]
async fn idempotent_requests_are_sent_again() {
    for (method, body) in [("GET", ""), ("PUT", "all of it"), ("DELETE", ""), ("OPTIONS", "x")] {
        let server = failing(2).await;
        let world = retrying(&[&server.address]);
        let answer = world.call(request(method, "/", body)).await.unwrap();
        assert_eq!((answer.status().as_u16(), server.requests()), (200, 3), "{method}");
        assert_eq!(read(answer).await, body);
        assert_eq!(world.counted(), (3, 2, 0), "each attempt counts");
    }
}

#[tokio::test]
async fn the_last_answer_is_the_caller_s_when_none_is_better() {
    let server = failing(9).await;
    let answer = retrying(&[&server.address]).call(get("/")).await.unwrap();
    assert_eq!((answer.status().as_u16(), server.requests()), (503, 3));
    assert_eq!(read(answer).await, "not now");
}

#[tokio::test]
async fn others_are_sent_once_unless_told_otherwise() {
    let server = failing(9).await;
    let world = retrying(&[&server.address]);
    for method in ["POST", "PATCH", "PROPFIND"] {
        assert_eq!(world.call(request(method, "/", "x")).await.unwrap().status(), 503);
    }
    assert_eq!(server.requests(), 3);
    let all = Policy { all_methods: true, ..quick() };
    let options = CallOptions { retry: Some(&all), affinity: None };
    let call = world.dispatcher.call_with(&world.service, context(PATIENCE), request("POST", "/", "x"), options);
    assert_eq!((call.await.unwrap().status().as_u16(), server.requests()), (503, 6));
}

#[tokio::test]
async fn other_failures_than_of_the_way_are_final() {
    for status in [500, 501, 404, 429] {
        let server = Server::http1(move |_| async move { text(status, "x") }).await;
        assert_eq!(retrying(&[&server.address]).call(get("/")).await.unwrap().status(), status);
        assert_eq!(server.requests(), 1);
    }
}

#[tokio::test]
async fn what_nobody_took_is_sent_elsewhere_whatever_it_is() {
    let server = failing(0).await;
    for method in ["POST", "GET"] {
        let world = retrying(&[&nowhere().await, &server.address]);
        let feed = stream::iter([Ok::<_, BodyError>(Frame::data(Bytes::from_static(b"of unknown length")))]);
        let answer = world.call(request(method, "/", Body::stream(StreamBody::new(feed)))).await.unwrap();
        assert_eq!(read(answer).await, "of unknown length");
        assert_eq!((world.counted(), world.service.upstreams[1].in_flight()), ((1, 1, 0), 0));
    }
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn an_end_without_an_answer_is_tried_again_where_that_is_safe() {
    let server = Raw::start(|mut stream, number| async move {
        let mut head = [0; 1024];
        assert!(stream.read(&mut head).await.unwrap() > 0);
        if number % 2 == 1 {
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        }
    })
    .await;
    let world = retrying(&[&server.address]);
    assert_eq!(world.text().await, "ok");
    assert_eq!(server.connections(), 2);
    let error = world.call(request("POST", "/", "x")).await.unwrap_err();
    assert_eq!((error.code(), server.connections()), (Code::ServiceFailed, 3));
}

#[tokio::test]
async fn a_body_that_is_not_held_is_sent_once() {
    let server = failing(9).await;
    let world = retrying(&[&server.address]);
    let unknown = stream::iter([Ok::<_, BodyError>(Frame::data(Bytes::from_static(b"x")))]);
    let long = Body::full(vec![b'x'; (64 << 10) + 1]);
    for body in [Body::stream(StreamBody::new(unknown)), long] {
        assert_eq!(world.call(request("PUT", "/", body)).await.unwrap().status(), 503);
    }
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn nothing_is_sent_again_after_a_byte_of_the_answer() {
    let server = Raw::start(|mut stream, _| async move {
        let mut head = [0; 1024];
        assert!(stream.read(&mut head).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();
    })
    .await;
    let answer = retrying(&[&server.address]).call(get("/")).await.unwrap();
    assert!(answer.into_body().collect(99).await.is_err());
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn another_instance_has_the_next_attempt() {
    let (bad, good) = (failing(usize::MAX).await, failing(0).await);
    let world = retrying(&[&bad.address, &good.address]);
    for _ in 0..10 {
        assert_eq!(world.call(get("/")).await.unwrap().status(), 200);
    }
    assert_eq!(good.requests(), 10);
    assert!(bad.requests() <= 10, "never twice for one call: {}", bad.requests());
}

#[tokio::test]
async fn an_open_breaker_ends_the_attempts() {
    let server = failing(usize::MAX).await;
    let world = retrying(&[&server.address]).with_touchy_breakers();
    assert_eq!(world.call(get("/")).await.unwrap().status(), 503, "what the service said, not its breaker");
    assert_eq!(server.requests(), 1);
    assert_eq!(world.call(get("/")).await.unwrap_err().code(), Code::BreakerOpen);
}

#[tokio::test]
async fn the_budget_bounds_all_calls_together() {
    let server = failing(usize::MAX).await;
    let world = World::new(vec![upstream(&server.address)]).with_patient_breakers();
    let budget = BudgetConfig { percent: 10, min_per_second: 0 };
    world.set(CallSettings { retry: quick(), budget, ..CallSettings::default() });
    for _ in 0..100 {
        world.call(get("/")).await.unwrap();
    }
    assert_eq!(server.requests(), 110);
}

#[tokio::test]
async fn a_pause_that_outlasts_the_call_is_not_begun() {
    let server = failing(usize::MAX).await;
    let world = World::new(vec![upstream(&server.address)]);
    let hour = Duration::from_secs(3_600);
    let slow = Policy { attempts: 10, base: hour, max: hour, all_methods: false };
    world.set(CallSettings { retry: slow, ..CallSettings::default() });
    // One of some thousand pauses would be short enough by chance.
    assert_eq!(world.call_within(Duration::from_millis(500), get("/")).await.unwrap().status(), 503);
    assert!(server.requests() <= 2);
}

#[tokio::test]
async fn an_upgrade_is_sent_once() {
    let server = failing(usize::MAX).await;
    let world = retrying(&[&server.address]);
    let mut request = get("/");
    request.headers_mut().insert("upgrade", "websocket".parse().unwrap());
    assert_eq!(world.call(request).await.unwrap().status(), 503);
    assert_eq!(server.requests(), 1);
}
