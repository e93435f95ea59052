//! Bodies pass as they come, both ways, and their trailers behind them.

use std::{net::SocketAddr, time::Duration};

use switchyard_tests::{Host, Raw, Setup};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A host in front of an upstream whose one connection the test has in its hands.
async fn start(config: &str) -> (TcpListener, Host) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let config = format!(
        "{config}\n[[upstream]]\nname = 'up'\naddress = '{address}'\n[[route]]\npath = '/up/*'\nservice = 'up'\n"
    );
    (listener, Setup::new().config(&config).start().await)
}

/// Reads until this was there, and answers everything.
async fn until(stream: &mut TcpStream, text: &str) -> String {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains(text) {
        let length = tokio::time::timeout(Duration::from_secs(60), stream.read_buf(&mut read)).await.unwrap().unwrap();
        assert!(length > 0, "it ends without {text:?}: {}", String::from_utf8_lossy(&read));
    }
    String::from_utf8(read).unwrap()
}

#[tokio::test]
async fn server_sent_events_come_one_by_one_for_longer_than_a_request_may_take() {
    let (listener, host) = start("[gateway]\nrequest-timeout = '1s'\nidle-timeout = '30s'").await;
    let mut client = Raw::connect(host.gateway).await;
    client.send("GET /up/events HTTP/1.1\r\nHost: gateway.test\r\nAccept: text/event-stream\r\n\r\n").await;
    let (mut upstream, _) = listener.accept().await.unwrap();
    until(&mut upstream, "\r\n\r\n").await;
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    upstream.write_all(head.as_bytes()).await.unwrap();
    let head = client.until("\r\n\r\n").await.to_ascii_lowercase();
    assert!(head.contains("content-type: text/event-stream"), "{head}");
    for n in 0..4 {
        // Each is read before the next is written, so nothing on the way may wait for more.
        let event = format!("id: {n}\ndata: {n}\n\n");
        upstream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).await.unwrap();
        client.until(&event).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    // A client that goes is told to the upstream, which need not find out by itself.
    drop(client);
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(60), upstream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the connection upstream stays open");
}

#[tokio::test]
async fn an_upload_passes_as_it_comes() {
    let (listener, host) = start("").await;
    let mut client = Raw::connect(host.gateway).await;
    client.send("POST /up/x HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n").await;
    let (mut upstream, _) = listener.accept().await.unwrap();
    until(&mut upstream, "first").await;
    client.send("6\r\nsecond\r\n").await;
    until(&mut upstream, "second").await;
    // An answer before all was sent is an answer.
    upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly").await.unwrap();
    let answer = client.answer().await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "early"));
}

#[tokio::test]
async fn a_get_keeps_a_body_of_unknown_length() {
    let (listener, host) = start("").await;
    let mut client = Raw::connect(host.gateway).await;
    client.send("GET /up/x HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n").await;
    let (mut upstream, _) = listener.accept().await.unwrap();
    let seen = until(&mut upstream, "first").await.to_ascii_lowercase();
    assert!(seen.contains("\r\ntransfer-encoding: chunked\r\n"), "{seen}");
}

#[tokio::test]
async fn trailers_pass_to_a_client_that_takes_them() {
    let (listener, host) = start("").await;
    let mut client = Raw::connect(host.gateway).await;
    client
        .send(
            "POST /up/x HTTP/1.1\r\nHost: gateway.test\r\nTE: trailers\r\nConnection: close, TE\r\nTransfer-Encoding: \
               chunked\r\nTrailer: X-Up\r\n\r\n5\r\nhello\r\n0\r\nX-Up: 1\r\n\r\n",
        )
        .await;
    let (mut upstream, _) = listener.accept().await.unwrap();
    until(&mut upstream, "\r\nx-up: 1\r\n\r\n").await;
    let answer =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Down\r\n\r\n5\r\nworld\r\n0\r\nX-Down: 2\r\n\r\n";
    upstream.write_all(answer.as_bytes()).await.unwrap();
    let all = client.until("x-down: 2\r\n\r\n").await;
    assert!(all.contains("world"), "{all}");
}

/// What a client does not read is not read from the upstream either, beyond what lies in buffers.
#[tokio::test]
async fn a_download_waits_for_its_reader() {
    let (listener, host) = start("").await;
    let mut client = Raw::connect(host.gateway).await;
    client.send("GET /up/big HTTP/1.1\r\nHost: gateway.test\r\n\r\n").await;
    let (mut upstream, _) = listener.accept().await.unwrap();
    until(&mut upstream, "\r\n\r\n").await;
    let size = 200_000_000_u64;
    upstream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n").as_bytes()).await.unwrap();
    let part = vec![b'x'; 1 << 16];
    let mut written = 0;
    while let Ok(sent) = tokio::time::timeout(Duration::from_secs(2), upstream.write(&part)).await {
        written += sent.unwrap() as u64;
        assert!(written < size / 2, "{written} bytes were taken that nobody reads");
    }
    // It goes on where it stopped.
    let writing = tokio::spawn(async move {
        while written < size {
            let length = part.len().min(usize::try_from(size - written).unwrap());
            written += upstream.write(&part[..length]).await.unwrap() as u64;
        }
    });
    assert_eq!(client.skip().await, size);
    writing.await.unwrap();
}
