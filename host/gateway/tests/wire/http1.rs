//! What is no valid HTTP/1.1, on the wire; `validate/tests.rs` has all kinds of it.

use std::time::Duration;

use switchyard_gateway::Options;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::common::{Edge, json, options, soon};

const GOOD: &str = "POST /good HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\n\r\ngood";
const CHUNKED: &str = "POST /x HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n";

#[tokio::test]
async fn what_is_not_valid_reaches_nobody_and_is_told_why() {
    let edge = Edge::start(options()).await;
    for (request, status, detail) in [
        (format!("{}0\r\n\r\n", CHUNKED.replace("chunked\r\n", "chunked\r\ncontent-length: 4\r\n")), 400, "both"),
        ("GET / HTTP/1.1\nhost: h\r\n\r\n".to_owned(), 400, "line feed"),
        ("GET / HTTP/1.1\r\nhost: h\r\nx_y: 1\r\n\r\n".to_owned(), 400, "underscore"),
        ("GET / HTTP/1.1\r\nhost: h\r\nupgrade: h2c\r\n\r\n".to_owned(), 400, "HTTP/2"),
        ("GET http://a/ HTTP/1.1\r\nhost: b\r\n\r\n".to_owned(), 400, "different hosts"),
        (format!("{CHUNKED}1 \r\nx\r\n0\r\n\r\n"), 400, "size of a chunk"),
        (format!("GET / HTTP/1.1\r\nhost: h\r\nx: {}\r\n\r\n", "x".repeat(70_000)), 431, "header-max"),
        (format!("GET / HTTP/1.1\r\nhost: h\r\n{}\r\n", "x: y\r\n".repeat(100)), 431, "more than 100"),
    ] {
        let mut client = edge.client().await;
        let response = client.send(&request).await;
        assert_eq!((response.status, response.header("connection")), (status, Some("close")), "{request}");
        let problem = json(&response);
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
        assert_eq!(problem["requestId"].as_str(), response.header("x-gateway-request-id"));
        assert!(client.is_closed().await);
    }
    assert_eq!(edge.backend.seen(), [""; 0]);
}

#[tokio::test]
async fn good_requests_before_a_bad_one_are_answered_and_then_it_is() {
    let edge = Edge::start(options()).await;
    for bad in
        ["GET / HTTP/1.1\r\nhost: h\r\nhost: h\r\n\r\n".to_owned(), format!("{CHUNKED}zz\r\n"), "\x16\x03".to_owned()]
    {
        let mut client = edge.client().await;
        client.write(&format!("{GOOD}{GOOD}{bad}")).await;
        for _ in 0..2 {
            let response = client.response().await;
            assert_eq!((response.status, &*response.body), (200, "good"));
        }
        assert_eq!(client.response().await.status, 400);
        assert!(client.is_closed().await);
    }
    assert_eq!(edge.backend.seen(), ["POST /good"; 6]);
}

/// hyper reads on while a service is at work, and ends the connection when that fails.
#[tokio::test]
async fn a_bad_request_does_not_disturb_the_one_before_it() {
    let edge = Edge::start(options()).await;
    let mut client = edge.client().await;
    client.write("GET /wait HTTP/1.1\r\nhost: h\r\n\r\n").await;
    soon(edge.backend.reached.notified()).await;
    client.write("GET  / HTTP/1.1\r\n\r\n").await;
    // It has been read when a later one was answered; nothing else tells.
    assert_eq!(edge.client().await.send("GET /x HTTP/1.1\r\nhost: h\r\n\r\n").await.status, 200);
    edge.backend.go.notify_one();
    let response = client.response().await;
    assert_eq!((response.status, &*response.body), (200, "waited"));
    assert_eq!(client.response().await.status, 400);
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_request_in_pieces_is_one_request() {
    let edge = Edge::start(options()).await;
    let mut socket = edge.socket().await;
    socket.set_nodelay(true).unwrap();
    for byte in format!("{CHUNKED}3;a=b\r\nabc\r\n0\r\nsum: 1\r\n\r\n").bytes() {
        socket.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut answer = vec![0; 1024];
    let length = soon(socket.read(&mut answer)).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("abc"), "{answer}");
}

#[tokio::test]
async fn trailers_pass_both_ways_when_the_client_takes_them() {
    let edge = Edge::start(options()).await;
    let mut socket = edge.socket().await;
    let head = CHUNKED.replace("host: h\r\n", "host: h\r\nte: trailers\r\nconnection: te, close\r\ntrailer: sum\r\n");
    socket.write_all(format!("{head}1\r\nx\r\n0\r\nsum: 7\r\nx-auth-subject: me\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(socket.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.ends_with("1\r\nx\r\n0\r\nsum: 7\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_body_that_turns_bad_is_refused_and_does_not_end() {
    let edge = Edge::start(options()).await;
    let mut client = edge.client().await;
    client.write(&format!("{CHUNKED}5\r\nfirst\r\n")).await;
    while edge.backend.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    client.write("5\r\nsecond\r\n0\r\n\r\n").await;
    let response = client.response().await;
    assert_eq!((response.status, response.header("connection")), (400, Some("close")));
    assert!(json(&response)["detail"].as_str().unwrap().contains("a chunk does not end"));
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_part_of_a_request_behind_another_has_the_time_of_a_head() {
    let times = Options { header_timeout: Duration::from_millis(300), ..options() };
    let edge = Edge::start(times).await;
    let mut client = edge.client().await;
    client.write(&format!("{GOOD}GET /late HTT")).await;
    assert_eq!(client.response().await.status, 200);
    let response = client.response().await;
    assert_eq!((response.status, json(&response)["code"].as_str()), (408, Some("SY1006")));
}
