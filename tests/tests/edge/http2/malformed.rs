//! Requests that are none, or that would be others once they are written as HTTP/1.1.

use switchyard_tests::{Recorder, Setup};

use super::wire::{CONTINUATION, DATA, END_HEADERS, END_STREAM, Fate, Frame, HEADERS, Wire, block};

type Fields = Vec<(&'static [u8], &'static [u8])>;

/// What every request has.
const BASE: [(&[u8], &[u8]); 4] =
    [(b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"gateway.test"), (b":path", b"/up/x")];

fn with(more: &[(&'static [u8], &'static [u8])]) -> Fields {
    BASE.iter().chain(more).copied().collect()
}

/// The same, with another value of one that every request has.
fn other(name: &'static [u8], value: &'static [u8]) -> Fields {
    BASE.iter().map(|field| if field.0 == name { (name, value) } else { *field }).collect()
}

fn without(name: &'static [u8]) -> Fields {
    BASE.iter().filter(|field| field.0 != name).copied().collect()
}

fn cases() -> Vec<(&'static str, Fields)> {
    vec![
        ("connection", with(&[(b"connection", b"close")])),
        ("keep-alive", with(&[(b"keep-alive", b"timeout=5")])),
        ("proxy-connection", with(&[(b"proxy-connection", b"keep-alive")])),
        ("transfer-encoding", with(&[(b"transfer-encoding", b"chunked")])),
        (
            "transfer-encoding with content-length",
            with(&[(b"transfer-encoding", b"chunked"), (b"content-length", b"0")]),
        ),
        ("upgrade", with(&[(b"upgrade", b"h2c")])),
        ("te other than trailers", with(&[(b"te", b"gzip")])),
        ("a name in upper case", with(&[(b"X-Y", b"z")])),
        ("a name with a space", with(&[(b"x y", b"z")])),
        ("a name with a colon", with(&[(b"x:y", b"z")])),
        ("a name with CR and LF", with(&[(b"x\r\ny", b"z")])),
        ("a name with an underscore", with(&[(b"x_auth_subject", b"root")])),
        ("an empty name", with(&[(b"", b"z")])),
        ("a name beyond ASCII", with(&[(b"x-\xc3\xbc", b"z")])),
        ("a value with CR and LF", with(&[(b"x", b"y\r\ntransfer-encoding: chunked")])),
        ("a value with LF", with(&[(b"x", b"y\nhost: evil.test")])),
        ("a value with CR", with(&[(b"x", b"y\rz")])),
        ("a value with a NUL", with(&[(b"x", b"y\0z")])),
        ("two lengths", with(&[(b"content-length", b"0"), (b"content-length", b"5")])),
        ("a length of text", with(&[(b"content-length", b"five")])),
        ("a length with a plus", with(&[(b"content-length", b"+0")])),
        ("a length without a body", with(&[(b"content-length", b"5")])),
        ("a host that is another", with(&[(b"host", b"evil.test")])),
        ("two hosts", with(&[(b"host", b"gateway.test"), (b"host", b"gateway.test")])),
        ("no method", without(b":method")),
        ("no path", without(b":path")),
        ("no scheme", without(b":scheme")),
        ("no authority and no host", without(b":authority")),
        ("an empty path", other(b":path", b"")),
        ("a path without a slash", other(b":path", b"up/x")),
        ("a star with GET", other(b":path", b"*")),
        ("a path with a space", other(b":path", b"/up/x HTTP/1.1\r\nX: y")),
        ("a path with LF", other(b":path", b"/up/x\ny")),
        ("an absolute path", other(b":path", b"http://gateway.test/up/x")),
        ("segments up", other(b":path", b"/up/../smuggled")),
        ("segments up, encoded", other(b":path", b"/up/%2e%2e/smuggled")),
        ("a method with a space", other(b":method", b"GET /up/smuggled HTTP/1.1\r\nX: y")),
        ("an empty method", other(b":method", b"")),
        ("a tunnel", vec![(b":method", b"CONNECT"), (b":authority", b"up.test:80")]),
        ("a tunnel for a WebSocket that nobody offered", {
            [(&b":protocol"[..], &b"websocket"[..])].into_iter().chain(other(b":method", b"CONNECT")).collect()
        }),
        ("an authority with a user", other(b":authority", b"root@gateway.test")),
        ("an authority with a slash", other(b":authority", b"gateway.test/x")),
        ("an authority with CR and LF", other(b":authority", b"gateway.test\r\nx: y")),
        ("an empty authority", other(b":authority", b"")),
        ("two paths", with(&[(b":path", b"/up/y")])),
        ("two methods", with(&[(b":method", b"POST")])),
        ("a pseudo-header after others", [(&b"x"[..], &b"y"[..])].into_iter().chain(BASE).collect()),
        ("a pseudo-header that is not known", with(&[(b":up", b"x")])),
        ("a status", with(&[(b":status", b"200")])),
    ]
}

fn is_refused(fate: Fate) -> bool {
    matches!(fate, Fate::Answered(400) | Fate::Reset | Fate::Gone)
}

#[tokio::test]
async fn malformed_requests_are_refused_and_reach_nobody() {
    let upstream = Recorder::echo().await;
    let route = "[[route]]\npath = '/up/*'\nservice = 'up'\n";
    let host = Setup::new().config(&format!("{}{route}", upstream.upstream("up"))).start().await;
    // The base is right, or nothing below would show anything.
    let mut wire = Wire::connect(host.gateway).await;
    assert!(wire.send(&[Frame::new(HEADERS, END_HEADERS | END_STREAM, 1, block(BASE))]).await);
    assert_eq!(wire.fate(1).await, Fate::Answered(200));
    upstream.take();
    let mut failed = Vec::new();
    for (name, fields) in cases() {
        let block = block(fields);
        let (first, second) = block.split_at(block.len() / 2);
        let whole = vec![Frame::new(HEADERS, END_HEADERS | END_STREAM, 1, &block[..])];
        let parts = vec![Frame::new(HEADERS, END_STREAM, 1, first), Frame::new(CONTINUATION, END_HEADERS, 1, second)];
        for frames in [whole, parts] {
            let mut wire = Wire::connect(host.gateway).await;
            wire.send(&frames).await;
            let fate = wire.fate(1).await;
            let (bytes, _) = upstream.take();
            if !is_refused(fate) || !bytes.is_empty() {
                failed.push(format!("{name}: {fate:?}, and {:?}", String::from_utf8_lossy(&bytes)));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!(host.get("/up/after").await.status, 200);
}

/// A fragment is a client's own affair; whatever becomes of the request, no upstream sees it.
#[tokio::test]
async fn a_fragment_reaches_nobody() {
    let upstream = Recorder::echo().await;
    let route = "[[route]]\npath = '/up/*'\nservice = 'up'\n";
    let host = Setup::new().config(&format!("{}{route}", upstream.upstream("up"))).start().await;
    let mut wire = Wire::connect(host.gateway).await;
    wire.send(&[Frame::new(HEADERS, END_HEADERS | END_STREAM, 1, block(other(b":path", b"/up/x#smuggled")))]).await;
    wire.fate(1).await;
    assert!(!String::from_utf8_lossy(&upstream.bytes()).contains("smuggled"));
}

/// A body that is longer or shorter than it was said to be is none: half of one must not be taken for a whole one.
#[tokio::test]
async fn a_body_of_another_length_than_said_is_broken_off() {
    let upstream = Recorder::echo().await;
    let route = "[[route]]\npath = '/up/*'\nservice = 'up'\n";
    let host = Setup::new().config(&format!("{}{route}", upstream.upstream("up"))).start().await;
    let fields: Fields = other(b":method", b"POST").into_iter().chain([(&b"content-length"[..], &b"5"[..])]).collect();
    for (name, bodies) in [
        ("longer", vec!["hello GET /up/smuggled HTTP/1.1"]),
        ("shorter", vec!["hell"]),
        ("longer with its second frame", vec!["hello", "GET /up/smuggled HTTP/1.1"]),
        ("empty", vec![""]),
    ] {
        upstream.take();
        let mut wire = Wire::connect(host.gateway).await;
        let mut frames = vec![Frame::new(HEADERS, END_HEADERS, 1, block(fields.clone()))];
        let last = bodies.len() - 1;
        for (place, body) in bodies.iter().enumerate() {
            frames.push(Frame::new(DATA, if place == last { END_STREAM } else { 0 }, 1, *body));
        }
        wire.send(&frames).await;
        let fate = wire.fate(1).await;
        assert!(is_refused(fate), "{name}: {fate:?}");
        let (bytes, requests) = upstream.take();
        assert!(requests.iter().all(|request| !request.is_whole), "{name}: {requests:?}");
        assert!(!String::from_utf8_lossy(&bytes).contains("smuggled"), "{name}");
    }
    assert_eq!(host.get("/up/after").await.status, 200);
}
