//! Bodies both ways: streamed, held back, ended by trailers, and broken off.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use switchyard_dispatch::{Body, BodyError};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
};

use crate::world::{PATIENCE, Raw, Server, World, chunks, get, read, request, text, upstream};

/// A body of frames that come when they are sent.
fn fed() -> (mpsc::Sender<Result<Frame<Bytes>, BodyError>>, Body) {
    let (sender, mut receiver) = mpsc::channel(1);
    let frames = stream::poll_fn(move |cx| receiver.poll_recv(cx));
    (sender, Body::stream(StreamBody::new(frames)))
}

fn data(text: &'static str) -> Frame<Bytes> {
    Frame::data(Bytes::from_static(text.as_bytes()))
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

async fn servers(
    answer: impl Fn(http::Request<hyper::body::Incoming>) -> futures_util::future::BoxFuture<'static, crate::world::Answer>
    + Clone
    + Send
    + Sync
    + 'static,
) -> [Server; 2] {
    [Server::http1(answer.clone()).await, Server::h2c(answer).await]
}

#[tokio::test]
async fn both_bodies_stream_at_the_same_time() {
    for server in servers(|request| {
        Box::pin(async move {
            // Each part is answered as it comes.
            let frames = stream::unfold(request.into_body(), |mut body| async move {
                let frame = body.frame().await?.unwrap();
                Some((frame, body))
            });
            chunks(frames)
        })
    })
    .await
    {
        let world = World::new(vec![upstream(&server.address)]);
        let (feed, body) = fed();
        let call = tokio::spawn({
            let (dispatcher, service) = (world.dispatcher.clone(), world.service.clone());
            async move { dispatcher.call(&service, crate::world::context(PATIENCE), request("POST", "/", body)).await }
        });
        feed.send(Ok(data("one"))).await.unwrap();
        let mut answer = within(call).await.unwrap().unwrap().into_body();
        assert_eq!(within(answer.frame()).await.unwrap().unwrap().into_data().unwrap(), "one");
        assert_eq!(world.service.upstreams[0].in_flight(), 1);
        for part in ["two", "three"] {
            feed.send(Ok(data(part))).await.unwrap();
            assert_eq!(within(answer.frame()).await.unwrap().unwrap().into_data().unwrap(), part);
        }
        drop(feed);
        // What ends a body may be a frame without data.
        let rest = within(answer.collect(1)).await.unwrap();
        assert!(rest.is_empty());
        assert_eq!(world.service.upstreams[0].in_flight(), 0);
        assert_eq!(world.counted(), (1, 0, 0));
    }
}

#[tokio::test]
async fn a_request_is_still_taken_while_nobody_reads_its_answer() {
    let (done, mut told) = mpsc::unbounded_channel();
    for server in servers(move |request| {
        let done = done.clone();
        Box::pin(async move {
            tokio::spawn(async move {
                let length = request.into_body().collect().await.unwrap().to_bytes().len();
                done.send(length).unwrap();
            });
            chunks(stream::repeat_with(|| Frame::data(Bytes::from_static(&[b'x'; 64 << 10]))).take(256))
        })
    })
    .await
    {
        let world = World::new(vec![upstream(&server.address)]);
        let (feed, body) = fed();
        let call = Box::pin(world.call(request("POST", "/", body)));
        let answer = within(async {
            feed.send(Ok(data("begin"))).await.unwrap();
            call.await
        });
        let answer = answer.await.unwrap();
        for _ in 0..1_000 {
            let sent = within(feed.send(Ok(Frame::data(Bytes::from(vec![b'y'; 4096]))))).await;
            assert!(sent.is_ok(), "{}", server.address);
        }
        drop(feed);
        assert_eq!(within(told.recv()).await, Some(5 + 4096 * 1_000));
        assert_eq!(read(answer).await.len(), 16 << 20);
    }
}

#[tokio::test]
async fn who_reads_slowly_holds_the_sender_back() {
    const CHUNK: usize = 64 << 10;
    let sent = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = sent.clone();
    for server in servers(move |_| {
        let counted = counted.clone();
        Box::pin(async move {
            chunks(stream::repeat_with(move || {
                counted.fetch_add(CHUNK, std::sync::atomic::Ordering::Relaxed);
                Frame::data(Bytes::from(vec![b'z'; CHUNK]))
            }))
        })
    })
    .await
    {
        sent.store(0, std::sync::atomic::Ordering::Relaxed);
        let world = World::new(vec![upstream(&server.address)]);
        let mut answer = world.call(get("/")).await.unwrap().into_body();
        // What the kernel and windows hold is sent, and then no more.
        let mut before = usize::MAX;
        while std::mem::replace(&mut before, sent.load(std::sync::atomic::Ordering::Relaxed)) != before {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        assert!(before < 64 << 20, "{before}");
        let mut read = 0;
        while read < 2 * before {
            read += within(answer.frame()).await.unwrap().unwrap().into_data().unwrap().len();
        }
        assert!(sent.load(std::sync::atomic::Ordering::Relaxed) >= read);
        drop(answer);
        assert_eq!(world.service.upstreams[0].in_flight(), 0);
    }
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    for server in servers(|request| {
        Box::pin(async move {
            let body = request.into_body().collect().await.unwrap();
            let sum = body.trailers().and_then(|trailers| trailers.get("x-sum")).cloned();
            let mut trailers = http::HeaderMap::new();
            trailers.insert("x-status", sum.unwrap_or(http::HeaderValue::from_static("none")));
            let mut answer = chunks(stream::iter([data("body"), Frame::trailers(trailers)]));
            answer.headers_mut().insert("trailer", "x-status".parse().unwrap());
            answer
        })
    })
    .await
    {
        let world = World::new(vec![upstream(&server.address)]);
        let mut trailers = http::HeaderMap::new();
        trailers.insert("x-sum", "7".parse().unwrap());
        let frames = stream::iter([Ok::<_, BodyError>(data("abc")), Ok(Frame::trailers(trailers))]);
        let mut sent = request("POST", "/", Body::stream(StreamBody::new(frames)));
        sent.headers_mut().insert("trailer", "x-sum".parse().unwrap());
        sent.headers_mut().insert("te", "trailers".parse().unwrap());
        let answer = world.call(sent).await.unwrap();
        let body = answer.into_body().collect_all().await;
        assert_eq!(body.0, "body", "{}", server.address);
        assert_eq!(body.1.unwrap()["x-status"], "7", "{}", server.address);
        // The connection goes on.
        assert_eq!(read(world.call(request("POST", "/", "x")).await.unwrap()).await, "body");
        assert_eq!(server.connections(), 1);
    }
}

trait CollectAll {
    async fn collect_all(self) -> (Bytes, Option<http::HeaderMap>);
}

impl CollectAll for Body {
    async fn collect_all(self) -> (Bytes, Option<http::HeaderMap>) {
        let collected = BodyExt::collect(self).await.unwrap();
        let trailers = collected.trailers().cloned();
        (collected.to_bytes(), trailers)
    }
}

#[tokio::test]
async fn a_small_answer_is_whole_however_it_is_framed() {
    for (answer, expected) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", "hello"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", ""),
        ("HTTP/1.1 204 No Content\r\n\r\n", ""),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", ""),
    ] {
        let server = Raw::start(move |mut stream, _| async move {
            let mut head = [0; 1024];
            while stream.read(&mut head).await.is_ok_and(|length| length > 0) {
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        })
        .await;
        let world = World::new(vec![upstream(&server.address)]);
        for _ in 0..3 {
            let response = world.call(get("/")).await.unwrap();
            assert_eq!(response.body().as_full(), Some(expected.as_bytes()), "{answer}");
        }
        assert_eq!(server.connections(), 1, "{answer}");
    }
}

#[tokio::test]
async fn an_answer_in_pieces_arrives_whole_and_frees_its_connection() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
    for (answer, closes) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", false),
        (chunked, false),
        ("HTTP/1.1 200 OK\r\n\r\nhello", true),
        ("HTTP/1.0 200 OK\r\n\r\nhello", true),
    ] {
        for size in [1, 7, 1024] {
            let server = Raw::start(move |mut stream, _| async move {
                stream.set_nodelay(true).unwrap();
                let mut head = [0; 1024];
                while stream.read(&mut head).await.is_ok_and(|length| length > 0) {
                    for piece in answer.as_bytes().chunks(size) {
                        stream.write_all(piece).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                    if closes {
                        return;
                    }
                }
            })
            .await;
            let world = World::new(vec![upstream(&server.address)]);
            for _ in 0..3 {
                assert_eq!(world.text().await, "hello", "{answer}");
            }
            assert_eq!(server.connections(), if closes { 3 } else { 1 }, "{answer}");
            assert_eq!(world.service.upstreams[0].in_flight(), 0);
        }
    }
}

#[tokio::test]
async fn large_bodies_arrive_whole() {
    const SIZE: usize = 5 << 20;
    for server in
        servers(|request| Box::pin(async move { text(200, request.into_body().collect().await.unwrap().to_bytes()) }))
            .await
    {
        let world = World::new(vec![upstream(&server.address)]);
        let bytes: Vec<u8> = (0..SIZE).map(|n| u8::try_from(n % 251).unwrap()).collect();
        for _ in 0..3 {
            let answer = world.call(request("PUT", "/", Body::full(bytes.clone()))).await.unwrap();
            assert!(answer.into_body().collect(SIZE).await.unwrap() == bytes);
        }
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_fails_and_counts() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ] {
        let server = Raw::start(move |mut stream, _| async move {
            let mut head = [0; 1024];
            assert!(stream.read(&mut head).await.unwrap() > 0);
            stream.write_all(answer.as_bytes()).await.unwrap();
        })
        .await;
        let world = World::new(vec![upstream(&server.address)]);
        let response = world.call(get("/")).await.unwrap();
        assert!(matches!(response.into_body().collect(99).await, Err(BodyError::Aborted(_))), "{answer}");
        assert_eq!(world.counted(), (2, 1, 0), "{answer}");
        assert_eq!(world.service.upstreams[0].in_flight(), 0);
    }
}

#[tokio::test]
async fn a_request_that_breaks_off_does_not_count_and_is_broken_off() {
    for server in servers(|request| {
        Box::pin(async move {
            match request.into_body().collect().await {
                Ok(_) => text(200, "whole"),
                Err(_) => text(400, "broken"),
            }
        })
    })
    .await
    {
        let world = World::new(vec![upstream(&server.address)]);
        let (feed, body) = fed();
        let call = Box::pin(world.call(request("POST", "/", body)));
        let (answer, ()) = within(futures_util::future::join(call, async {
            feed.send(Ok(data("part"))).await.unwrap();
            feed.send(Err(BodyError::TooLarge { max: 4 })).await.unwrap();
        }))
        .await;
        let error = answer.unwrap_err();
        assert_eq!(error.code(), switchyard_core::problem::Code::PayloadTooLarge, "{error}");
        assert_eq!(world.counted(), (1, 0, 0));
    }
}
