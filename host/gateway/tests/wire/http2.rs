//! HTTP/2 by prior knowledge, with hyper's client, and with frames by hand.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use h2::{Reason, client};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use switchyard_gateway::Options;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

use crate::common::{Edge, LARGE, options, soon};

type Sender = http2::SendRequest<Full<Bytes>>;

pub(crate) async fn connect<S>(socket: S) -> Sender
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = soon(http2::handshake(TokioExecutor::new(), TokioIo::new(socket))).await.unwrap();
    tokio::spawn(connection);
    sender
}

pub(crate) fn get(path: &str) -> Request<Full<Bytes>> {
    Request::builder().uri(format!("http://h{path}")).body(Full::default()).unwrap()
}

pub(crate) async fn read(response: Response<Incoming>) -> (u16, String) {
    let status = response.status().as_u16();
    let body = soon(response.into_body().collect()).await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// What a client says first: the preface, and SETTINGS that set nothing.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

fn frame(kind: u8, flags: u8, stream: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream, payload].concat()
}

/// The head of a GET, each header a literal without indexing (RFC 7541, section 6.2.2).
fn block(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    let own = [(":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", path)];
    for (name, value) in own.iter().chain(headers) {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// The next frame's type and payload.
async fn next(socket: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 9];
    socket.read_exact(&mut head).await.ok()?;
    let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
    socket.read_exact(&mut payload).await.ok()?;
    Some((head[3], payload))
}

/// A connection by hand; the second part has to be polled, and is.
async fn by_hand(edge: &Edge) -> client::SendRequest<Bytes> {
    let (sender, connection) = soon(client::handshake(edge.socket().await)).await.unwrap();
    tokio::spawn(connection);
    soon(sender.ready()).await.unwrap()
}

#[tokio::test]
async fn many_requests_share_a_connection() {
    let edge = Edge::start(options()).await;
    let sender = connect(edge.socket().await).await;
    let answers = join_all((0..300).map(|number| {
        let mut sender = sender.clone();
        async move {
            let request = get(&format!("/{number}")).map(|_| Full::from(format!("body {number}")));
            read(soon(sender.send_request(request)).await.unwrap()).await
        }
    }))
    .await;
    for (number, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer, (200, format!("body {number}")));
    }
    assert_eq!(edge.handle.metrics().request_count, 300);
}

#[tokio::test]
async fn a_request_is_told_like_one_of_http_1() {
    let edge = Edge::start(options()).await;
    let mut sender = connect(edge.socket().await).await;
    let (status, headers) = read(sender.send_request(get("/headers")).await.unwrap()).await;
    assert_eq!(status, 200);
    for part in ["\"host\": \"h\"", "\"x-forwarded-host\": \"h\"", "\"x-forwarded-for\": \"127.0.0.1\""] {
        assert!(headers.contains(part), "{headers}");
    }
    let (status, problem) = read(sender.send_request(get("/a/../b")).await.unwrap()).await;
    assert!(status == 400 && problem.contains("SY1003"), "{problem}");
    assert_eq!(read(sender.send_request(get("/health")).await.unwrap()).await.0, 200);
}

#[tokio::test]
async fn what_could_be_read_in_two_ways_is_refused() {
    let edge = Edge::start(options()).await;
    let mut sender = by_hand(&edge).await;
    for (request, detail) in [
        (Request::builder().uri("http://a/x").header("host", "b"), "different hosts"),
        (Request::builder().uri("http://a/x").header("x_y", "1"), "underscore"),
        (Request::builder().uri("http://u@a/x"), "no host"),
        (Request::builder().uri("http://a/x\u{7c}").header("expect", "more"), "100-continue"),
    ] {
        let (response, _) = sender.send_request(request.body(()).unwrap(), true).unwrap();
        let response = soon(response).await.unwrap();
        assert_eq!(response.status(), 400);
        let mut body = response.into_body();
        let problem = soon(body.data()).await.unwrap().unwrap();
        assert!(problem.windows(detail.len()).any(|part| part == detail.as_bytes()), "{problem:?}");
    }
    assert_eq!(edge.backend.seen(), [""; 0]);
}

/// RFC 9113, section 8.2.2: they make a request malformed, and that is an error of its stream.
#[tokio::test]
async fn headers_of_a_connection_of_http_1_are_not_taken() {
    let edge = Edge::start(options()).await;
    for header in ["connection", "transfer-encoding", "upgrade", "keep-alive", "proxy-connection", "Upper"] {
        let mut socket = edge.socket().await;
        let head = frame(1, 5, [0, 0, 0, 1], &block("/", &[(header, "x")]));
        socket.write_all(&[PREFACE, &head].concat()).await.unwrap();
        let kind = loop {
            let (kind, _) = soon(next(&mut socket)).await.unwrap();
            // Neither SETTINGS nor WINDOW_UPDATE: RST_STREAM, or GOAWAY.
            if ![4, 8].contains(&kind) {
                break kind;
            }
        };
        assert!([3, 7].contains(&kind), "{header}: a frame of type {kind}");
    }
    assert_eq!(edge.backend.seen(), [""; 0]);
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let edge = Edge::start(options()).await;
    let mut sender = by_hand(&edge).await;
    let request = Request::post("http://h/x").header("te", "trailers").header("trailer", "sum").body(()).unwrap();
    let (response, mut upload) = sender.send_request(request, false).unwrap();
    upload.send_data(Bytes::from_static(b"hello"), false).unwrap();
    let trailers = HeaderMap::from_iter([("sum".parse().unwrap(), "7".parse().unwrap())]);
    upload.send_trailers(trailers).unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    assert_eq!(soon(body.data()).await.unwrap().unwrap(), "hello");
    while soon(body.data()).await.is_some() {}
    assert_eq!(soon(body.trailers()).await.unwrap().unwrap()["sum"], "7");
}

#[tokio::test]
async fn no_more_streams_than_a_hundred_are_offered() {
    let edge = Edge::start(options()).await;
    let mut sender = by_hand(&edge).await;
    let (response, _) = sender.send_request(Request::get("http://h/x").body(()).unwrap(), true).unwrap();
    soon(response).await.unwrap();
    assert_eq!(sender.current_max_send_streams(), 100);
}

#[tokio::test]
async fn a_stream_that_is_not_read_is_reset_and_the_others_live() {
    let times = Options { idle_timeout: Duration::from_millis(500), ..options() };
    let edge = Edge::start(times).await;
    // One stream's window is exhausted, the connection's is not.
    let mut builder = client::Builder::new();
    builder.initial_connection_window_size(1 << 20);
    let (sender, connection) = soon(builder.handshake(edge.socket().await)).await.unwrap();
    tokio::spawn(connection);
    let mut sender: client::SendRequest<Bytes> = soon(sender.ready()).await.unwrap();
    let ask = |path: &str| Request::get(format!("http://h{path}")).body(()).unwrap();
    let (large, _) = sender.send_request(ask("/large"), true).unwrap();
    // Its window is never opened again.
    let mut large = soon(large).await.unwrap().into_body();
    let (drip, _) = sender.send_request(ask("/drip"), true).unwrap();
    let mut drip = soon(drip).await.unwrap().into_body();
    let mut length = 0;
    let error = loop {
        edge.backend.go.notify_one();
        let part = soon(drip.data()).await.unwrap().unwrap();
        drip.flow_control().release_capacity(part.len()).unwrap();
        match tokio::time::timeout(Duration::from_millis(50), large.data()).await {
            Err(_) => {}
            Ok(Some(Ok(part))) => length += part.len(),
            Ok(other) => break other.unwrap().unwrap_err(),
        }
    };
    assert_eq!(error.reason(), Some(Reason::CANCEL));
    assert!(length < LARGE);
    edge.backend.go.notify_one();
    assert!(soon(drip.data()).await.unwrap().is_ok());
}

#[tokio::test]
async fn a_connection_without_streams_ends_after_the_idle_timeout() {
    let times = Options { idle_timeout: Duration::from_millis(300), ..options() };
    let edge = Edge::start(times).await;
    let (sender, connection) = soon(client::handshake(edge.socket().await)).await.unwrap();
    let mut ended = tokio::spawn(connection);
    let mut sender = soon(sender.ready()).await.unwrap();
    let (response, _) = sender.send_request(Request::get("http://h/x").body(()).unwrap(), true).unwrap();
    soon(response).await.unwrap();
    assert!(soon(&mut ended).await.unwrap().is_ok());
}

#[tokio::test]
async fn a_stop_lets_streams_finish_and_takes_no_new_ones() {
    let edge = Edge::start(options()).await;
    let mut sender = connect(edge.socket().await).await;
    let waiting = tokio::spawn(sender.send_request(get("/wait")));
    soon(edge.backend.reached.notified()).await;
    edge.begin_stop();
    soon(async {
        // The client knows when it has been told.
        while sender.ready().await.is_ok() && !sender.is_closed() {
            tokio::task::yield_now().await;
            if sender.send_request(get("/late")).await.is_err() {
                break;
            }
        }
    })
    .await;
    edge.backend.go.notify_one();
    assert_eq!(read(soon(waiting).await.unwrap().unwrap()).await, (200, "waited".to_owned()));
    edge.stopped().await;
}

#[tokio::test]
async fn a_flood_of_resets_ends_the_connection() {
    let edge = Edge::start(options()).await;
    let head = block("/wait", &[]);
    let mut flood = PREFACE.to_vec();
    for number in 0..1_000_u32 {
        let stream = (2 * number + 1).to_be_bytes();
        flood.extend_from_slice(&frame(1, 5, stream, &head));
        flood.extend_from_slice(&frame(3, 0, stream, &8_u32.to_be_bytes()));
    }
    let mut socket = edge.socket().await;
    let _ = socket.write_all(&flood).await;
    let last = soon(async {
        loop {
            match next(&mut socket).await {
                // GOAWAY: the last stream, and the reason.
                Some((7, payload)) => break payload[4..8].to_vec(),
                Some(_) => {}
                None => panic!("it closed without a word"),
            }
        }
    });
    assert_eq!(last.await, u32::from(Reason::ENHANCE_YOUR_CALM).to_be_bytes());
    // And nobody else notices.
    let mut other = connect(edge.socket().await).await;
    assert_eq!(read(other.send_request(get("/x")).await.unwrap()).await.0, 200);
}

#[tokio::test]
async fn a_preface_in_pieces_is_one_and_half_of_one_is_none() {
    let times = Options { header_timeout: Duration::from_millis(500), ..options() };
    let edge = Edge::start(times).await;
    let mut socket = edge.socket().await;
    socket.set_nodelay(true).unwrap();
    for part in [&b"PRI * HT"[..], b"TP/2.0\r\n\r\nSM", b"\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"] {
        socket.write_all(part).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut frame = [0; 9];
    soon(socket.read_exact(&mut frame)).await.unwrap();
    assert_eq!(frame[3], 4, "SETTINGS come first");

    let mut socket: TcpStream = edge.socket().await;
    socket.write_all(b"PRI * HTTP").await.unwrap();
    let mut rest = Vec::new();
    soon(socket.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn a_head_over_the_limit_is_refused() {
    let edge = Edge::start(Options { header_max: 8 << 10, ..options() }).await;
    let mut sender = by_hand(&edge).await;
    let request = Request::get("http://h/x").header("x", "x".repeat(10 << 10)).body(()).unwrap();
    let (response, _) = sender.send_request(request, true).unwrap();
    let refused = soon(response).await;
    assert!(refused.as_ref().map_or(true, |response| response.status() == 431), "{refused:?}");
    assert_eq!(edge.backend.seen(), [""; 0]);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let policy = switchyard_gateway::Policy { body_max: 1_000, ..Default::default() };
    let edge = Edge::start(Options { policy, ..options() }).await;
    let mut sender = connect(edge.socket().await).await;
    let request = get("/x").map(|_| Full::from(vec![b'x'; 100_000]));
    assert_eq!(read(soon(sender.send_request(request)).await.unwrap()).await.0, 413);
    let empty = Request::builder().uri("http://h/y").body(Full::default()).unwrap();
    assert_eq!(read(sender.send_request(empty).await.unwrap()).await.0, 200);
}
