//! What is asked of every such component. They all answer in the same way: `/echo` streams the body back, `/stream`
//! writes ten chunks 20 ms apart, `/fetch?url=` relays another answer, `/trap` traps, `/trap-late` does so after the
//! first chunk; every other path says `hello`.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use http::Method;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use switchyard_tests::Host;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub(crate) async fn says_hello(host: &Host, name: &str) {
    let answer = host.get(&format!("/{name}/any/path")).await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "hello"), "{name}\n{}", host.log());
}

pub(crate) async fn echoes(host: &Host, name: &str) {
    let large = "0123456789abcdef".repeat(40_000);
    for body in ["", "small", &large] {
        let answer = host.send(Method::POST, &format!("/{name}/echo"), body).await;
        assert_eq!(answer.status, 200, "{name}: {}\n{}", answer.text(), host.log());
        assert!(answer.text() == body, "{name}: {} bytes became {}", body.len(), answer.body.len());
    }
}

/// The first chunk comes well before the last.
pub(crate) async fn streams(host: &Host, name: &str) {
    let stream = TcpStream::connect(host.gateway).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::get(format!("/{name}/stream")).header("host", "x").body(Empty::<bytes::Bytes>::new());
    let mut body = sender.send_request(request.unwrap()).await.unwrap().into_body();
    let (mut text, mut first) = (Vec::new(), None);
    while let Some(frame) = body.frame().await {
        text.extend(frame.unwrap().into_data().unwrap_or_default());
        first.get_or_insert_with(Instant::now);
    }
    let whole: String = (0..10).map(|number| format!("chunk {number}\n")).collect();
    assert_eq!(String::from_utf8(text).unwrap(), whole, "{name}");
    let apart = first.unwrap().elapsed();
    assert!(apart > Duration::from_millis(80), "{name}: all came within {apart:?}");
}

/// Another service is called in process, one that is not there is not, and neither breaks the caller.
pub(crate) async fn calls_a_neighbour(host: &Host, name: &str) {
    let answer = host.get(&format!("/{name}/fetch?url=http://hello.internal/hello/version")).await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "1"), "{name}\n{}", host.log());
    let unknown = host.get(&format!("/{name}/fetch?url=http://nobody.internal/")).await;
    assert_ne!(unknown.status, 200, "{name}");
    says_hello(host, name).await;
}

/// The host outside is reached by those that are allowed to, and by nobody else.
pub(crate) async fn calls_outside(host: &Host, name: &str, outside: SocketAddr, is_allowed: bool) {
    let answer = host.get(&format!("/{name}/fetch?url=http://{outside}/")).await;
    if is_allowed {
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "outside"), "{name}\n{}", host.log());
    } else {
        assert!(answer.status != 200 && !answer.text().contains("outside"), "{name}: {}", answer.text());
    }
}

/// A trap before the head is told as such, and the next call has a sound instance.
pub(crate) async fn traps(host: &Host, name: &str, status: u16) {
    let answer = host.get(&format!("/{name}/trap")).await;
    assert_eq!(answer.status, status, "{name}: {}\n{}", answer.text(), host.log());
    says_hello(host, name).await;
}

/// A trap after the head breaks the connection.
pub(crate) async fn traps_late(host: &Host, name: &str) {
    let mut client = host.client().await;
    let late = client.get(&format!("/{name}/trap-late")).await;
    assert!(late.is_err(), "{name}: half an answer was passed off as whole: {late:?}");
    says_hello(host, name).await;
}

/// A server that answers every connection with `outside`.
pub(crate) async fn outside() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                // Some send a body after the head, if an empty one, and take an answer before its end for a broken connection.
                // Whoever connected may be gone before it.
                let mut request = Vec::new();
                while !is_whole(&request) && stream.read_buf(&mut request).await.is_ok_and(|read| read > 0) {}
                let answer = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: close\r\n\r\noutside";
                let _ = stream.write_all(answer.as_bytes()).await;
                // To close what has unread bytes resets it, and the answer may be lost with it.
                let _ = stream.shutdown().await;
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            });
        }
    });
    address
}

/// Whether a request without a body, or with one in chunks, has arrived.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let is_chunked = text.contains("transfer-encoding: chunked");
    text.ends_with(if is_chunked { "\r\n0\r\n\r\n" } else { "\r\n\r\n" })
}
