//! WebSocket through the gateway; what is in its frames is nothing to it.

use std::time::Duration;

use switchyard_gateway::Options;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::common::{Edge, options, soon};

const ASK: &str = "GET /socket HTTP/1.1\r\nhost: h\r\nconnection: keep-alive, Upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-key: a\r\nsec-websocket-version: 13\r\n\r\n";

async fn head(socket: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon(socket.read_u8()).await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

async fn echo(socket: &mut TcpStream, bytes: &[u8]) {
    socket.write_all(bytes).await.unwrap();
    let mut back = vec![0; bytes.len()];
    soon(socket.read_exact(&mut back)).await.unwrap();
    assert_eq!(back, bytes.to_ascii_uppercase());
}

#[tokio::test]
async fn bytes_pass_both_ways_once_both_sides_agree() {
    let edge = Edge::start(options()).await;
    let mut socket = edge.socket().await;
    // What is no HTTP and comes early waits for the other protocol.
    socket.write_all(format!("{ASK}\u{1}early").as_bytes()).await.unwrap();
    let head = head(&mut socket).await;
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    for line in ["connection: upgrade\r\n", "upgrade: websocket\r\n", "sec-websocket-accept: accepted\r\n"] {
        assert!(head.contains(line), "{head}");
    }
    let mut early = [0; 6];
    soon(socket.read_exact(&mut early)).await.unwrap();
    assert_eq!(&early, b"\x01EARLY");
    echo(&mut socket, b"GET / HTTP/1.1\n\n").await;
    echo(&mut socket, &[b'x'; 900]).await;
    socket.shutdown().await.unwrap();
    assert_eq!(soon(socket.read(&mut early)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_connection_goes_on_with_http_where_the_service_does_not_agree() {
    let edge = Edge::start(options()).await;
    let mut client = edge.client().await;
    let asks = ASK.replace("/socket", "/headers");
    client.write(&format!("{asks}{asks}GET /y HTTP/1.1\r\nhost: h\r\n\r\n")).await;
    for _ in 0..3 {
        assert_eq!(client.response().await.status, 200);
    }
    client.write(&format!("{asks}GET  / HTTP/1.1\r\n\r\n")).await;
    assert_eq!(client.response().await.status, 200);
    assert_eq!(client.response().await.status, 400);
    assert_eq!(edge.backend.seen(), ["GET /headers", "GET /headers", "GET /y", "GET /headers"]);
}

#[tokio::test]
async fn other_protocols_are_not_asked_for() {
    let edge = Edge::start(options()).await;
    for asks in [ASK.replace("websocket\r\n", "tls/1.0\r\n"), ASK.replace("keep-alive, Upgrade", "keep-alive")] {
        let response = edge.client().await.send(&asks).await;
        assert_eq!((response.status, &*response.body), (200, "no upgrade"));
    }
}

#[tokio::test]
async fn a_bridge_lives_as_long_as_bytes_move() {
    let times = Options { idle_timeout: Duration::from_millis(400), ..options() };
    let edge = Edge::start(times).await;
    let mut socket = edge.socket().await;
    socket.write_all(ASK.as_bytes()).await.unwrap();
    head(&mut socket).await;
    for _ in 0..12 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        echo(&mut socket, b"ping").await;
    }
    let mut rest = [0; 1];
    assert!(matches!(soon(socket.read(&mut rest)).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn a_bridge_is_cut_when_the_drain_time_is_over() {
    let edge = Edge::start(Options { drain_timeout: Duration::from_millis(300), ..options() }).await;
    let mut socket = edge.socket().await;
    socket.write_all(ASK.as_bytes()).await.unwrap();
    head(&mut socket).await;
    edge.begin_stop();
    echo(&mut socket, b"still here").await;
    edge.stopped().await;
    let mut rest = [0; 1];
    assert!(matches!(soon(socket.read(&mut rest)).await, Ok(0) | Err(_)));
}
