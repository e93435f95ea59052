//! Streams of one connection, by the `h2` crate.

use std::time::Duration;

use bytes::Bytes;
use h2::{
    Reason,
    client::{SendRequest, handshake},
};
use http::{HeaderMap, Request, StatusCode};
use switchyard_tests::{Host, Recorder, Setup, UpstreamReply};
use tokio::{net::TcpStream, task::JoinHandle};

/// A connection, and how it ends.
async fn connect(host: &Host) -> (SendRequest<Bytes>, JoinHandle<Result<(), h2::Error>>) {
    let stream = TcpStream::connect(host.gateway).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (client, connection) = handshake(stream).await.unwrap();
    (client, tokio::spawn(connection))
}

fn get(path: &str) -> Request<()> {
    Request::builder().uri(format!("http://gateway.test{path}")).body(()).unwrap()
}

/// Sends a request with a body, and reads status, body and trailers.
async fn exchange(
    client: &SendRequest<Bytes>,
    request: Request<()>,
    body: &[u8],
    trailers: Option<HeaderMap>,
) -> Result<(StatusCode, Vec<u8>, Option<HeaderMap>), h2::Error> {
    let mut client = client.clone().ready().await?;
    let is_end = body.is_empty() && trailers.is_none();
    let (response, mut sending) = client.send_request(request, is_end)?;
    if !is_end {
        sending.send_data(Bytes::copy_from_slice(body), trailers.is_none())?;
        if let Some(trailers) = trailers {
            sending.send_trailers(trailers)?;
        }
    }
    let (head, mut receiving) = response.await?.into_parts();
    let mut read = Vec::new();
    while let Some(data) = receiving.data().await {
        let data = data?;
        receiving.flow_control().release_capacity(data.len())?;
        read.extend_from_slice(&data);
    }
    Ok((head.status, read, receiving.trailers().await?))
}

async fn echo() -> (Recorder, Host) {
    let upstream = Recorder::echo().await;
    let route = "[[route]]\npath = '/up/*'\nservice = 'up'\n";
    let config = format!("{}{route}", upstream.upstream("up"));
    let host = Setup::new().plugin("hello", "hello").plugin("rogue", "rogue").config(&config).start().await;
    (upstream, host)
}

#[tokio::test]
async fn a_hundred_streams_are_served_at_once() {
    let (_upstream, host) = echo().await;
    let (mut client, _) = connect(&host).await;
    // Every one of them waits for the others at the plugin, so that all are open together.
    let mut all = tokio::task::JoinSet::new();
    for n in 0..100 {
        let client = client.clone();
        let path = if n % 2 == 0 { format!("/up/{n}") } else { "/rogue/sleep?ms=300".to_owned() };
        all.spawn(async move { (n, exchange(&client, get(&path), b"", None).await.unwrap()) });
    }
    for (n, (status, body, _)) in all.join_all().await {
        let expected = if n % 2 == 0 { format!("GET /up/{n} ") } else { "slept".to_owned() };
        assert_eq!(status, 200);
        assert!(String::from_utf8_lossy(&body).starts_with(&expected), "{n}: {}", String::from_utf8_lossy(&body));
    }
    client = client.ready().await.unwrap();
    assert_eq!(client.current_max_send_streams(), 100);
}

#[tokio::test]
async fn a_request_is_the_same_as_over_http_1() {
    let (upstream, host) = echo().await;
    let (client, _) = connect(&host).await;
    let request = Request::post("http://gateway.test/up/x?y=z")
        .header("x-forwarded-for", "6.6.6.6")
        .header("x-auth-subject", "root")
        .header("x-kept", "yes")
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .body(())
        .unwrap();
    let (status, _, _) = exchange(&client, request, b"hello", None).await.unwrap();
    assert_eq!(status, 200);
    let request = &upstream.requests()[0];
    assert_eq!(request.line(), "POST /up/x?y=z HTTP/1.1");
    assert_eq!((request.header("host"), &request.body[..]), ("gateway.test", &b"hello"[..]));
    assert_eq!((request.header("x-forwarded-for"), request.header("x-forwarded-proto")), ("127.0.0.1", "http"));
    assert_eq!((request.header("x-kept"), request.headers("x-auth-subject")), ("yes", vec![]));
    // A cookie that came in crumbs is one again for HTTP/1.1 (RFC 9113, section 8.2.3).
    assert_eq!(request.header("cookie"), "a=1; b=2");
}

#[tokio::test]
async fn problems_have_their_status_and_the_connection_goes_on() {
    let (_upstream, host) = echo().await;
    let (client, _) = connect(&host).await;
    let (status, body, _) = exchange(&client, get("/nowhere"), b"", None).await.unwrap();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status.as_u16(), &problem["code"]), (404, &"SY1001".into()));
    let length = Request::post("http://gateway.test/up/x").header("content-length", 11 << 20).body(()).unwrap();
    let mut ready = client.clone().ready().await.unwrap();
    let (response, _sending) = ready.send_request(length, false).unwrap();
    assert_eq!(response.await.unwrap().status(), 413);
    assert_eq!(exchange(&client, get("/rogue/trap"), b"", None).await.unwrap().0, 502);
    assert_eq!(exchange(&client, get("/hello/"), b"", None).await.unwrap().0, 200);
}

#[tokio::test]
async fn a_long_answer_waits_for_its_reader_and_others_do_not() {
    let big = UpstreamReply::Raw(
        [&b"HTTP/1.1 200 OK\r\ncontent-length: 8000000\r\n\r\n"[..], &vec![7; 8_000_000]].concat().into(),
    );
    let upstream =
        Recorder::listen(move |request| if request.target() == "/up/big" { big.clone() } else { UpstreamReply::Echo })
            .await;
    let route = "[[route]]\npath = '/up/*'\nservice = 'up'\n";
    let host = Setup::new().config(&format!("{}{route}", upstream.upstream("up"))).start().await;
    // What is not read of one stream may fill that stream's window, not that of all.
    let stream = TcpStream::connect(host.gateway).await.unwrap();
    let mut windows = h2::client::Builder::new();
    let (client, connection) = windows.initial_connection_window_size(1 << 20).handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut ready = client.clone().ready().await.unwrap();
    let (response, _) = ready.send_request(get("/up/big"), true).unwrap();
    let mut unread = response.await.unwrap().into_body();
    // Its window is used up and stays so, and the connection serves others.
    for n in 0..20 {
        let mut body = vec![];
        if n == 10 {
            body = vec![b'x'; 10_000];
        }
        let request = Request::post("http://gateway.test/up/x").body(()).unwrap();
        assert_eq!(exchange(&client, request, &body, None).await.unwrap().0, 200);
    }
    let mut length = 0;
    while let Some(data) = unread.data().await {
        let data = data.unwrap();
        unread.flow_control().release_capacity(data.len()).unwrap();
        length += data.len();
    }
    assert_eq!(length, 8_000_000);
}

#[tokio::test]
async fn a_stream_that_is_reset_ends_at_the_upstream_and_no_other_does() {
    let upstream =
        Recorder::listen(
            |request| {
                if request.target() == "/up/hang" { UpstreamReply::Hang } else { UpstreamReply::Echo }
            },
        )
        .await;
    let route = "[[route]]\npath = '/up/*'\nservice = 'up'\n";
    let host = Setup::new().config(&format!("{}{route}", upstream.upstream("up"))).start().await;
    let (client, _) = connect(&host).await;
    let mut ready = client.clone().ready().await.unwrap();
    let request = Request::post("http://gateway.test/up/hang").body(()).unwrap();
    let (response, mut sending) = ready.send_request(request, false).unwrap();
    sending.send_data(Bytes::from_static(b"begun"), false).unwrap();
    upstream.until("begun", |bytes, _| bytes.windows(5).any(|window| window == b"begun")).await;
    sending.send_reset(Reason::CANCEL);
    drop(response);
    upstream.until("broken off", |_, requests| requests.iter().any(|request| !request.is_whole)).await;
    assert_eq!(exchange(&client, get("/up/x"), b"", None).await.unwrap().0, 200);
}

#[tokio::test]
async fn a_stop_says_goaway_and_finishes_what_is_open() {
    let (_upstream, host) = echo().await;
    let (client, connection) = connect(&host).await;
    let slow = {
        let client = client.clone();
        tokio::spawn(async move { exchange(&client, get("/rogue/sleep?ms=700"), b"", None).await })
    };
    tokio::time::sleep(Duration::from_millis(200)).await;
    let stopped = tokio::task::spawn_blocking(move || host.stop().1);
    assert_eq!(slow.await.unwrap().unwrap().0, 200);
    assert_eq!(stopped.await.unwrap().code(), Some(0));
    // GOAWAY without an error, not a connection that breaks.
    assert!(connection.await.unwrap().is_ok());
    assert!(exchange(&client, get("/hello/"), b"", None).await.is_err());
}

#[tokio::test]
async fn a_stream_that_stands_still_is_ended_and_its_connection_is_not() {
    let upstream = Recorder::echo().await;
    let route = "[[route]]\npath = '/up/*'\nservice = 'up'\n";
    let config = format!("[gateway]\nidle-timeout = '2s'\n{}{route}", upstream.upstream("up"));
    let host = Setup::new().config(&config).start().await;
    let (client, _) = connect(&host).await;
    let mut ready = client.clone().ready().await.unwrap();
    let request = Request::post("http://gateway.test/up/x").body(()).unwrap();
    let (mut response, mut sending) = ready.send_request(request, false).unwrap();
    sending.send_data(Bytes::from_static(b"a part"), false).unwrap();
    // Others keep the connection busy meanwhile; what stands still is ended all the same.
    let ended = loop {
        assert_eq!(exchange(&client, get("/up/y"), b"", None).await.unwrap().0, 200);
        tokio::select! {
            ended = &mut response => break ended,
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
    };
    assert!(ended.as_ref().map_or(true, |response| response.status() == 408), "{ended:?}");
    assert_eq!(exchange(&client, get("/up/y"), b"", None).await.unwrap().0, 200);
}
