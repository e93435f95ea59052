//! Async services of the SDK, in the host: routes, JSON, streams both ways, calls at the same time.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::{
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::json;
use switchyard_tests::{Host, Recorder, Setup, UpstreamReply};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Barrier, mpsc},
};

async fn start(config: &str) -> Host {
    Setup::new().plugin("sdk-async", "sdk-async").config(config).start().await
}

async fn post(host: &Host, path: &str, body: &str) -> (u16, String) {
    let answer = host.send(Method::POST, &format!("/sdk-async{path}"), body).await;
    (answer.status.as_u16(), answer.text())
}

async fn get(host: &Host, path: &str) -> (u16, String) {
    let answer = host.get(&format!("/sdk-async{path}")).await;
    (answer.status.as_u16(), answer.text())
}

/// A server that answers a request when another one is there as well, with its path.
async fn listen_for_two() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let both = Arc::new(Barrier::new(2));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let both = both.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let both = both.clone();
                async move {
                    both.wait().await;
                    Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(request.uri().path().to_owned())))
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    at
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routes_extractors_and_problems_are_those_of_synchronous_services() {
    let host = start("").await;
    assert_eq!(get(&host, "/users/7").await, (200, "user 7".to_owned()), "{}", host.log());
    for (path, status, error) in [
        ("/sdk-async/users/ann", 400, "Invalid path"),
        ("/sdk-async/users/0", 404, "User not found"),
        ("/sdk-async/nowhere", 404, "Not found"),
        ("/sdk-async/orders", 405, "Method not allowed"),
    ] {
        let answer = host.get(path).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (status, &json!(error)), "{path}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
    }

    let order = json!({ "product": "p1", "quantity": 2 });
    let made = host.send(Method::POST, "/sdk-async/orders", &order.to_string()).await;
    assert_eq!((made.status.as_u16(), made.json()), (201, order), "{}", host.log());
    let wrong = host.send(Method::POST, "/sdk-async/orders", r#"{"product": "p1", "quantity": "two"}"#).await;
    assert_eq!((wrong.status.as_u16(), wrong.header("content-type")), (400, "application/problem+json"));
    let entry = &wrong.json()["errors"][0];
    assert_eq!((&entry["pointer"], &entry["got"]), (&json!("#/quantity"), &json!("\"two\"")), "{}", wrong.text());

    // What is synchronous works beside it, from several requests at once.
    let visits = [1, 2, 3].map(|_| post(&host, "/visits/front", ""));
    let mut counts: Vec<String> = futures_util::future::join_all(visits).await.into_iter().map(|(_, n)| n).collect();
    counts.sort();
    assert_eq!(counts, ["1", "2", "3"], "{}", host.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_stream_in_and_out_part_by_part() {
    let host = start("").await;
    let stream = TcpStream::connect(host.gateway).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (parts, mut queue) = mpsc::channel::<&str>(1);
    let body = StreamBody::new(futures_util::stream::poll_fn(move |context| {
        queue.poll_recv(context).map(|part| part.map(|part| Ok::<_, Infallible>(Frame::data(Bytes::from(part)))))
    }));
    let request = Request::post("/sdk-async/echo").header("host", "x").body(body).unwrap();
    parts.send("the first").await.unwrap();
    let mut answer = sender.send_request(request).await.unwrap().into_body();
    // Each part is back before the next one is sent.
    for next in ["the second", "the third"] {
        assert!(answer.frame().await.unwrap().unwrap().is_data(), "{}", host.log());
        parts.send(next).await.unwrap();
    }
    drop(parts);
    assert_eq!(answer.collect().await.unwrap().to_bytes(), "the third");
    let large = "0123456789abcdef".repeat(40_000);
    assert!(post(&host, "/echo", &large).await == (200, large.clone()), "{}", host.log());
    assert_eq!(post(&host, "/length", &large).await, (200, "640000 in parts".to_owned()));
    assert_eq!(post(&host, "/length", "").await, (200, "0 at once".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_is_written_over_time_and_may_break_off() {
    let host = start("").await;
    let expected: String = (0..10).map(|number| format!("part {number}\n")).collect();
    assert_eq!(get(&host, "/stream").await, (200, expected), "{}", host.log());
    let broken = host.client().await.get("/sdk-async/broken").await;
    assert!(broken.is_err(), "{broken:?}");
    let cause = async || host.log().contains("there is no second part").then_some(());
    host.eventually("the cause is in the log", cause).await;
    assert_eq!(get(&host, "/users/7").await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_run_at_the_same_time_and_end_in_time() {
    let two = listen_for_two().await;
    let echo = Recorder::echo().await;
    let silent = Recorder::listen(|_| UpstreamReply::Hang).await;
    let two = format!("[[upstream]]\nname = 'two'\naddress = 'http://{two}'\n");
    let host = start(&format!("{two}{}{}", echo.upstream("echo"), silent.upstream("silent"))).await;
    assert_eq!(get(&host, "/both?name=two").await, (200, "/a /b".to_owned()), "{}", host.log());
    let (status, text) = post(&host, "/relay/echo", "a letter").await;
    assert!(status == 200 && text.contains("POST /relayed") && text.contains("a letter"), "{text}\n{}", host.log());
    assert_eq!(get(&host, "/late?name=silent").await.0, 504, "{}", host.log());
    assert_eq!(get(&host, "/both?name=nobody").await.0, 502, "{}", host.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_traps_is_a_bad_gateway() {
    let host = start("").await;
    let answer = host.get("/sdk-async/trap").await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert_eq!(get(&host, "/users/7").await.0, 200, "{}", host.log());
}
