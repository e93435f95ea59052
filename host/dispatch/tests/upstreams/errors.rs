//! Each way to fail: what callers are told, and what breakers count.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::Request;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use switchyard_core::{breaker::State, problem::Code};
use switchyard_dispatch::{Body, BodyError};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::world::{PATIENCE, Raw, Server, World, get, request, text, upstream};

/// Of a call that fails: the code, a part of the text, and requests, failures and time-outs that are counted.
#[track_caller]
fn check(world: &World, error: &switchyard_dispatch::CallError, code: Code, part: &str, counted: (u64, u64, u64)) {
    assert_eq!(error.code(), code, "{error}");
    assert!(error.to_string().contains(part), "{error}");
    assert_eq!(world.counted(), counted, "{error}");
}

#[tokio::test]
async fn nobody_listens() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let world = World::new(vec![upstream(&format!("http://{address}"))]);
    let error = world.call(get("/")).await.unwrap_err();
    check(&world, &error, Code::ServiceFailed, "cannot be reached", (1, 1, 0));
}

#[tokio::test]
async fn a_name_that_nobody_knows() {
    let world = World::new(vec![upstream("http://nobody.invalid:80")]);
    let error = world.call(get("/")).await.unwrap_err();
    check(&world, &error, Code::ServiceFailed, "cannot be reached", (1, 1, 0));
}

#[tokio::test]
async fn it_hangs_up_or_answers_nonsense() {
    for answer in [
        "",
        "HTTP/1.1 20",
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
    ] {
        let server = Raw::start(move |mut stream, _| async move {
            let mut head = [0; 1024];
            assert!(stream.read(&mut head).await.unwrap() > 0);
            stream.write_all(answer.as_bytes()).await.unwrap();
        })
        .await;
        let world = World::new(vec![upstream(&server.address)]);
        let error = world.call(get("/")).await.unwrap_err();
        check(&world, &error, Code::ServiceFailed, "gave no answer", (1, 1, 0));
    }
}

#[tokio::test]
async fn it_does_not_answer_in_time() {
    let server = Server::http1(|_| std::future::pending()).await;
    let h2 = Server::h2c(|_| std::future::pending()).await;
    for server in [server, h2] {
        let world = World::new(vec![upstream(&server.address)]);
        let error = world.call_within(Duration::from_millis(50), get("/")).await.unwrap_err();
        check(&world, &error, Code::GatewayTimeout, "did not answer in time", (1, 1, 1));
        assert_eq!(world.service.upstreams[0].in_flight(), 0);
    }
}

#[tokio::test]
async fn its_status_counts_as_it_should() {
    for (status, failures) in [(200, 0), (404, 0), (429, 1), (500, 1), (503, 1)] {
        let server = Server::http1(move |_| async move { text(status, "x") }).await;
        let world = World::new(vec![upstream(&server.address)]);
        assert_eq!(world.call(get("/")).await.unwrap().status(), status);
        assert_eq!(world.counted(), (1, failures, 0), "{status}");
    }
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_count_and_closes_the_connection() {
    let (closed, mut told) = tokio::sync::mpsc::unbounded_channel();
    let server = Raw::start(move |mut stream, _| {
        let closed = closed.clone();
        async move {
            let mut bytes = [0; 1024];
            while stream.read(&mut bytes).await.is_ok_and(|length| length > 0) {
                closed.send(()).unwrap();
            }
            closed.send(()).unwrap();
        }
    })
    .await;
    let world = World::new(vec![upstream(&server.address)]);
    let call = world.call(get("/"));
    tokio::select! {
        _ = call => panic!("nobody answers"),
        _ = told.recv() => {}
    }
    tokio::time::timeout(PATIENCE, told.recv()).await.unwrap().unwrap();
    assert_eq!(world.counted(), (1, 0, 0));
    assert_eq!(world.service.upstreams[0].in_flight(), 0);
}

#[tokio::test]
async fn an_open_breaker_keeps_callers_away() {
    let server = Server::http1(|_| async { text(500, "x") }).await;
    let world = World::new(vec![upstream(&server.address)]).with_touchy_breakers();
    world.call(get("/")).await.unwrap();
    let error = world.call(get("/")).await.unwrap_err();
    assert_eq!(error.code(), Code::BreakerOpen);
    assert_eq!(server.requests(), 1);
    let view = &world.dispatcher.breakers()[0];
    assert_eq!((view.id.as_str(), view.state), (world.service.upstreams[0].id(), State::Open));
}

#[tokio::test]
async fn calls_in_a_circle_end_here_too() {
    let server = Server::http1(|_| async { text(200, "x") }).await;
    let world = World::new(vec![upstream(&server.address)]);
    let ancestors = (0..=switchyard_dispatch::HOPS_MAX).map(|n| format!("a{n}").parse().unwrap()).collect();
    let context = switchyard_dispatch::CallContext { ancestors, ..crate::world::context(PATIENCE) };
    let error = world.dispatcher.call(&world.service, context, request("GET", "/", Body::empty())).await.unwrap_err();
    assert_eq!((error.code(), server.requests()), (Code::TooManyHops, 0));
}

/// A body whose sender has more to say, and does not.
fn stalled() -> Body {
    let begun = stream::once(async { Ok::<_, BodyError>(Frame::data(Bytes::from_static(b"part"))) });
    Body::stream(StreamBody::new(begun.chain(stream::pending())))
}

#[tokio::test]
async fn a_request_that_does_not_arrive_in_time_is_the_caller_s_fault() {
    let answer =
        |request: Request<Incoming>| async move { text(200, request.into_body().collect().await.unwrap().to_bytes()) };
    for server in [Server::http1(answer).await, Server::h2c(answer).await] {
        let world = World::new(vec![upstream(&server.address)]);
        let error = world.call_within(Duration::from_millis(100), request("POST", "/", stalled())).await.unwrap_err();
        check(&world, &error, Code::RequestTimeout, "no part of the body arrived", (1, 0, 0));
    }
}

#[tokio::test]
async fn a_request_that_nobody_takes_is_not() {
    let server = Raw::start(|stream, _| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let world = World::new(vec![upstream(&server.address)]);
    let endless = stream::repeat_with(|| Ok::<_, BodyError>(Frame::data(Bytes::from_static(&[b'x'; 64 << 10]))));
    let body = Body::stream(StreamBody::new(endless));
    let error = world.call_within(Duration::from_millis(300), request("POST", "/", body)).await.unwrap_err();
    check(&world, &error, Code::GatewayTimeout, "did not answer in time", (1, 1, 1));
}
