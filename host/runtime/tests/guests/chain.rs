//! Gateway middleware in a chain: what it hands on, and what becomes of that.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use switchyard_core::describe::{Role, Track};
use switchyard_runtime::{Body, BodyError, GuestError, MiddlewareKind, Next, ports::OutgoingError};
use tokio::sync::{Notify, mpsc};

use crate::world::{World, context};

const SECOND: Duration = Duration::from_secs(1);

type Answer = Result<Response<Body>, OutgoingError>;

async fn chain() -> World {
    World::new("chain", 60 * SECOND).await
}

/// What comes next, and what came there.
fn next<F>(answer: F) -> (Next, Arc<Mutex<Vec<http::request::Parts>>>)
where
    F: Fn(Bytes) -> Answer + Send + Sync + 'static,
{
    let came: Arc<Mutex<Vec<_>>> = Arc::default();
    let (kept, answer) = (came.clone(), Arc::new(answer));
    let next: Next = Arc::new(move |request: Request<Body>| -> BoxFuture<'static, Answer> {
        let (kept, answer) = (kept.clone(), answer.clone());
        let (parts, body) = request.into_parts();
        kept.lock().unwrap().push(parts);
        async move { answer(body.collect(1 << 24).await.unwrap()) }.boxed()
    });
    (next, came)
}

fn echo(body: Bytes) -> Answer {
    Ok(Response::builder().status(201).header("etag", "\"1\"").body(Body::full(body)).unwrap())
}

fn asked(wish: &str) -> http::request::Builder {
    let builder = Request::post("/orders?x=1").header("host", "shop.example:81");
    if wish.is_empty() { builder } else { builder.header("x-chain", wish) }
}

async fn send(world: &World, request: Request<Body>, next: &Next) -> Result<Response<Body>, GuestError> {
    world.plugin.chain(context(60 * SECOND), request, next.clone()).await
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect(1 << 24).await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn a_handler_that_imports_a_handler_is_a_middleware_and_no_service() {
    for guest in ["chain", "pass"] {
        let world = World::new(guest, SECOND).await;
        assert_eq!(world.plugin.middleware(), Some(MiddlewareKind::Chain), "{guest}");
        assert_eq!((world.description.track, world.description.http_role()), (Track::P3, None), "{guest}");
        let called = world.plugin.call(context(SECOND), Request::new(Body::empty())).await;
        assert!(matches!(called, Err(GuestError::NotExported { .. })), "{called:?}");
    }
    let service = World::new("hello-p3", SECOND).await;
    assert!(service.description.has(Role::WasiHttp03));
    let (next, _) = next(echo);
    let error = send(&service, asked("").body(Body::empty()).unwrap(), &next).await.unwrap_err();
    assert!(matches!(error, GuestError::NotExported { .. }), "{error}");
}

#[tokio::test]
async fn what_it_hands_on_is_the_request_as_it_came() {
    let world = World::new("pass", SECOND).await;
    let (next, came) = next(echo);
    let mut request = asked("").header("x-a", "1").header("x-a", "2").body(Body::full("hello")).unwrap();
    request.extensions_mut().insert(7_u8);
    let response = send(&world, request, &next).await.unwrap();
    assert_eq!((response.status(), &response.headers()["etag"]), (StatusCode::CREATED, &"\"1\"".parse().unwrap()));
    assert_eq!(text(response).await, "hello");
    let came = came.lock().unwrap().pop().unwrap();
    assert_eq!((came.method.as_str(), came.uri.to_string().as_str()), ("POST", "/orders?x=1"));
    assert_eq!(came.headers["host"], "shop.example:81");
    assert_eq!(came.headers.get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(came.extensions.get::<u8>(), Some(&7));
    // HTTP/2's form stays HTTP/2's form, and what never had an authority gets none.
    for target in ["https://shop.example/orders", "/orders"] {
        let (next, came) = self::next(echo);
        send(&world, Request::get(target).body(Body::empty()).unwrap(), &next).await.unwrap();
        let came = came.lock().unwrap().pop().unwrap();
        assert_eq!(came.uri.to_string(), target);
        assert!(came.headers.get("host").is_none_or(|host| host == "shop.example"), "{:?}", came.headers);
    }
}

#[tokio::test]
async fn bodies_and_trailers_stream_through_in_both_directions() {
    let world = World::new("pass", 60 * SECOND).await;
    // What comes next answers each part as it comes, so that nothing moves if anything waits for the whole.
    let next: Next = Arc::new(|request| {
        let body = request.into_body().into_data_stream();
        let parts = body.map(|part| Ok::<_, BodyError>(Frame::data(Bytes::from([&b"got "[..], &part?].concat()))));
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "0".parse().unwrap());
        let parts = parts.chain(stream::iter([Ok(Frame::trailers(trailers))]));
        async move { Ok(Response::new(Body::stream(StreamBody::new(parts)))) }.boxed()
    });
    let (sender, mut receiver) = mpsc::channel::<Bytes>(1);
    let upload = stream::poll_fn(move |cx| receiver.poll_recv(cx)).map(|part| Ok::<_, BodyError>(Frame::data(part)));
    let request = asked("").body(Body::stream(StreamBody::new(upload))).unwrap();
    let mut body = send(&world, request, &next).await.unwrap().into_body();
    for part in ["a", "b", "c"] {
        sender.send(Bytes::from(part)).await.unwrap();
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(frame, format!("got {part}"));
    }
    drop(sender);
    let trailers = body.frame().await.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!(trailers["grpc-status"], "0");
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn it_changes_heads_and_bodies_on_the_way() {
    let world = chain().await;
    let (next, came) = next(echo);
    let response = send(&world, asked("").body(Body::full("hello")).unwrap(), &next).await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["x-chain-status"]), (201, &"201".parse().unwrap()));
    assert_eq!(text(response).await, "hello");
    assert_eq!(came.lock().unwrap().pop().unwrap().headers["x-chain-seen"], "yes");
    let response = send(&world, asked("upper").body(Body::full("hello")).unwrap(), &next).await.unwrap();
    assert_eq!(text(response).await, "HELLO");
    let response = send(&world, asked("double").body(Body::full("hello")).unwrap(), &next).await.unwrap();
    assert_eq!(text(response).await, "hellohello");
    // Larger than any buffer on the way.
    let large = "abcdefgh".repeat(1 << 18);
    let response = send(&world, asked("upper").body(Body::full(large.clone())).unwrap(), &next).await.unwrap();
    assert!(text(response).await == large.to_uppercase());
}

#[tokio::test]
async fn it_may_send_a_request_elsewhere() {
    let world = chain().await;
    let (next, came) = next(echo);
    let rewrite = || asked("rewrite").header("x-to-path", "/b?c").header("x-to-authority", "other.example");
    send(&world, rewrite().header("x-to-method", "DELETE").body(Body::empty()).unwrap(), &next).await.unwrap();
    let seen = came.lock().unwrap().pop().unwrap();
    assert_eq!((seen.method.as_str(), seen.uri.to_string().as_str()), ("DELETE", "/b?c"));
    assert_eq!(seen.headers["host"], "other.example");
    for (name, value) in [("x-to-method", "CONNECT"), ("x-to-path", "nowhere")] {
        let request = asked("rewrite").header(name, value).body(Body::empty()).unwrap();
        let refused = send(&world, request, &next).await;
        assert!(refused.is_err(), "{value}: {refused:?}");
        assert!(came.lock().unwrap().is_empty(), "{value}");
    }
}

#[tokio::test]
async fn it_may_answer_by_itself_or_hand_on_again_but_not_without_end() {
    let world = chain().await;
    let (next, came) = next(|_| Err(OutgoingError::Unavailable("down".to_owned())));
    let answer = send(&world, asked("answer").body(Body::empty()).unwrap(), &next).await.unwrap();
    assert_eq!((answer.status().as_u16(), text(answer).await.as_str()), (403, "no further"));
    assert!(came.lock().unwrap().is_empty());
    let failed = send(&world, asked("").body(Body::empty()).unwrap(), &next).await.unwrap_err();
    assert!(failed.to_string().contains("it answered with the error ErrorCode::DestinationUnavailable"), "{failed}");
    let statuses = Mutex::new(vec![200, 503, 502]);
    let (next, came) = self::next(move |_| {
        let status = statuses.lock().unwrap().pop().unwrap();
        Ok(Response::builder().status(status).body(Body::empty()).unwrap())
    });
    let again = send(&world, asked("again").body(Body::empty()).unwrap(), &next).await.unwrap();
    assert_eq!((again.status().as_u16(), came.lock().unwrap().len()), (200, 3));
    let (next, came) = self::next(echo);
    let looped = send(&world, asked("loop").body(Body::empty()).unwrap(), &next).await.unwrap();
    assert_eq!((text(looped).await.as_str(), came.lock().unwrap().len()), ("16 times", 16));
}

#[tokio::test]
async fn nothing_is_handed_on_once_it_has_answered() {
    let world = chain().await;
    let (next, came) = next(echo);
    let late = send(&world, asked("late").body(Body::empty()).unwrap(), &next).await.unwrap();
    let text = text(late).await;
    assert!(text.starts_with("then: ") && text.contains("answered already"), "{text}");
    assert!(came.lock().unwrap().is_empty());
}

/// What comes next fails once it is told to, and then answers with a name.
fn reluctant(name: &'static str) -> (Next, mpsc::Receiver<()>, Arc<Notify>) {
    let (came, arrival) = mpsc::channel(2);
    let (go_on, is_first) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(true)));
    let wait = go_on.clone();
    let next: Next = Arc::new(move |_| {
        let (came, wait, is_first) = (came.clone(), wait.clone(), is_first.swap(false, Relaxed));
        async move {
            came.send(()).await.unwrap();
            if is_first {
                wait.notified().await;
            }
            let status = if is_first { 503 } else { 200 };
            Ok(Response::builder().status(status).body(Body::full(name)).unwrap())
        }
        .boxed()
    });
    (next, arrival, go_on)
}

#[tokio::test]
async fn requests_in_one_instance_go_on_each_its_own_way() {
    let world = Arc::new(World::reused("chain").await);
    let ((one, mut one_came, go_one), (other, mut other_came, go_other)) = (reluctant("one"), reluctant("other"));
    let send = |next: Next| {
        let world = world.clone();
        tokio::spawn(async move {
            let request = asked("again").body(Body::empty()).unwrap();
            text(send(&world, request, &next).await.unwrap()).await
        })
    };
    // One waits in the instance, so that it is there for the other, which enters before the first hands on again.
    let one = send(one);
    one_came.recv().await.unwrap();
    let other = send(other);
    other_came.recv().await.unwrap();
    go_one.notify_one();
    one_came.recv().await.unwrap();
    go_other.notify_one();
    other_came.recv().await.unwrap();
    assert_eq!((one.await.unwrap().as_str(), other.await.unwrap().as_str()), ("one", "other"));
}

#[tokio::test]
async fn what_comes_next_ends_with_the_client() {
    let world = chain().await;
    let (ended, mut end) = mpsc::channel::<()>(1);
    let (began, mut begin) = mpsc::channel::<()>(1);
    let next: Next = Arc::new(move |_| {
        let (ended, began) = (ended.clone(), began.clone());
        async move {
            let _ended = ended;
            began.send(()).await.unwrap();
            std::future::pending().await
        }
        .boxed()
    });
    let sent = world.plugin.chain(context(60 * SECOND), asked("").body(Body::empty()).unwrap(), next);
    tokio::select! {
        answer = sent => panic!("it waits: {answer:?}"),
        _ = begin.recv() => {}
    }
    // The client has gone: the future is dropped, and with it the last sender, though the deadline is far.
    assert_eq!(tokio::time::timeout(20 * SECOND, end.recv()).await, Ok(None));
}

#[tokio::test]
async fn one_that_traps_or_spins_or_waits_too_long_fails_alone() {
    let world = World::new("chain", SECOND).await;
    let (next, _) = next(echo);
    let trapped = send(&world, asked("trap").body(Body::empty()).unwrap(), &next).await;
    assert!(matches!(trapped, Err(GuestError::Failed { .. })), "{trapped:?}");
    let spun = send(&world, asked("spin").body(Body::empty()).unwrap(), &next).await;
    assert!(matches!(spun, Err(GuestError::TimedOut { .. })), "{spun:?}");
    let never: Next = Arc::new(|_| std::future::pending().boxed());
    let late = world.plugin.chain(context(SECOND), asked("").body(Body::empty()).unwrap(), never).await;
    assert!(matches!(late, Err(GuestError::TimedOut { .. })), "{late:?}");
    assert!(send(&world, asked("").body(Body::empty()).unwrap(), &next).await.is_ok(), "it goes on");
}
