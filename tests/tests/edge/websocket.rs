//! WebSockets pass to upstreams, and live through whatever changes around them.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use http::Method;
use switchyard_tests::{Host, Raw, Recorder, Setup, UpstreamReply, component_bytes};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async, client_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        handshake::server::{Request, Response},
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use crate::{configure, until_answered};

type Socket = WebSocketStream<TcpStream>;

/// A server that echoes what it gets; it ends with this value.
struct Echo {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

// === impl Echo ===

impl Echo {
    async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(echo(stream));
            }
        });
        Self { address, accepting }
    }

    fn config(&self) -> String {
        format!(
            "[[upstream]]\nname = 'echo'\naddress = '{}'\n[[route]]\npath = '/ws/*'\nservice = 'echo'\n",
            self.address
        )
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

#[allow(clippy::result_large_err, reason = "the library's own signature")]
fn answer_with_first_protocol(
    request: &Request,
    mut response: Response,
) -> Result<Response, http::Response<Option<String>>> {
    if let Some(offered) = request.headers().get("sec-websocket-protocol") {
        let first = offered.to_str().unwrap().split(',').next().unwrap().parse().unwrap();
        response.headers_mut().insert("sec-websocket-protocol", first);
    }
    Ok(response)
}

async fn echo(stream: TcpStream) {
    let Ok(mut socket) = accept_hdr_async(stream, answer_with_first_protocol).await else { return };
    while let Some(Ok(message)) = socket.next().await {
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            return;
        }
    }
}

async fn connect(host: &Host, path: &str) -> Result<(Socket, http::Response<Option<Vec<u8>>>), Error> {
    let mut request = format!("ws://gateway.test{path}").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "chat, other".parse().unwrap());
    let stream = TcpStream::connect(host.gateway).await.unwrap();
    client_async(request, stream).await
}

async fn is_echoed(socket: &mut Socket, message: Message) {
    socket.send(message.clone()).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), message);
}

#[tokio::test]
async fn messages_pass_both_ways_until_one_side_closes() {
    let echo = Echo::listen().await;
    let host = Setup::new().config(&echo.config()).start().await;
    let (mut socket, response) = connect(&host, "/ws/chat?room=1").await.unwrap();
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
    is_echoed(&mut socket, Message::text("hello")).await;
    is_echoed(&mut socket, Message::binary(vec![7; 1 << 20])).await;
    for n in 0..1_000 {
        socket.feed(Message::text(n.to_string())).await.unwrap();
    }
    socket.flush().await.unwrap();
    for n in 0..1_000 {
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(n.to_string()));
    }
    let goodbye = CloseFrame { code: CloseCode::Library(4000), reason: "done".into() };
    socket.close(Some(goodbye.clone())).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Close(Some(goodbye)));
    assert!(socket.next().await.is_none());
}

#[tokio::test]
async fn a_socket_lives_through_reloads_of_another_plugin_and_of_the_config() {
    let echo = Echo::listen().await;
    let config = format!("[gateway]\nrequest-timeout = '1s'\n{}", echo.config());
    let host = Setup::new().plugin("hello", "hello").config(&config).start().await;
    let (mut socket, _) = connect(&host, "/ws/").await.unwrap();
    is_echoed(&mut socket, Message::text("before")).await;

    host.rename_into_place("hello", &component_bytes("hello-next"));
    host.until("hello", "another version", |plugin| plugin["version"] != "1.0.0" && plugin["state"] == "active").await;
    is_echoed(&mut socket, Message::text("after the plugin")).await;

    configure(&host, &format!("{config}[[route]]\npath = '/more/*'\nservice = 'hello'\n"));
    until_answered(&host, "/more/x", 200).await;
    is_echoed(&mut socket, Message::text("after the config")).await;

    // Its route and its upstream go, and it stays: what is under way is finished.
    configure(&host, "[gateway]\nrequest-timeout = '1s'\n");
    until_answered(&host, "/ws/", 404).await;
    is_echoed(&mut socket, Message::text("after the route")).await;
    // A request's time is over long ago, and means nothing to a socket.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    is_echoed(&mut socket, Message::text("after a request's time")).await;
}

#[tokio::test]
async fn a_silent_socket_is_closed_and_a_stop_waits_for_none() {
    let echo = Echo::listen().await;
    let config = format!("[gateway]\nidle-timeout = '2s'\n[plugins]\ndrain-timeout = '1s'\n{}", echo.config());
    let host = Setup::new().config(&config).start().await;
    let (mut silent, _) = connect(&host, "/ws/").await.unwrap();
    let ended = silent.next().await;
    assert!(!matches!(ended, Some(Ok(Message::Text(_) | Message::Binary(_)))), "{ended:?}");

    let (mut open, _) = connect(&host, "/ws/").await.unwrap();
    is_echoed(&mut open, Message::text("hello")).await;
    let stopped = tokio::task::spawn_blocking(move || host.stop().1);
    while let Some(Ok(_)) = open.next().await {}
    assert_eq!(stopped.await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn what_the_upstream_answers_instead_is_passed_back() {
    let upstream = Recorder::listen(|_| UpstreamReply::Status(403)).await;
    let route = "[[route]]\npath = '/ws/*'\nservice = 'up'\n";
    let host = Setup::new().config(&format!("{}{route}", upstream.upstream("up"))).start().await;
    let Err(Error::Http(response)) = connect(&host, "/ws/").await else { panic!("it is refused") };
    assert_eq!(response.status(), 403);
    let request = &upstream.requests()[0];
    assert_eq!(request.header("upgrade").to_ascii_lowercase(), "websocket");
    assert_eq!(request.header("connection").to_ascii_lowercase(), "upgrade");
    assert!(!request.header("sec-websocket-key").is_empty(), "{}", request.head);
    assert_eq!(request.header("x-forwarded-for"), "127.0.0.1");
}

#[tokio::test]
async fn an_upstream_that_is_not_there_or_a_plugin_is_a_problem() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let config =
        format!("[[upstream]]\nname = 'gone'\naddress = '{gone}'\n[[route]]\npath = '/ws/*'\nservice = 'gone'\n");
    let host = Setup::new().plugin("hello", "hello").config(&config).start().await;
    let Err(Error::Http(response)) = connect(&host, "/ws/").await else { panic!("nobody is there") };
    assert_eq!(response.status(), 502);
    // A plugin has no socket to upgrade; whatever is said, it is said in HTTP.
    let Err(Error::Http(response)) = connect(&host, "/hello/").await else { panic!("plugins take no sockets") };
    assert!(response.status().is_client_error() || response.status().is_server_error(), "{response:?}");
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(host.send(Method::GET, "/hello/", "").await.status, 200);
}

/// What is sent behind a request for a socket before it is accepted is the socket's, or nobody's: never a request.
#[tokio::test]
async fn bytes_behind_a_refused_upgrade_are_no_request() {
    let upstream = Recorder::listen(|_| UpstreamReply::Status(426)).await;
    let route = "[[route]]\npath = '/ws/*'\nservice = 'up'\n";
    let host = Setup::new().config(&format!("{}{route}", upstream.upstream("up"))).start().await;
    let upgrade = "GET /ws/ HTTP/1.1\r\nHost: gateway.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let mut raw = Raw::connect(host.gateway).await;
    raw.send(format!("{upgrade}GET /ws/smuggled HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n\r\n")).await;
    let (answers, _) = raw.rest().await;
    assert_eq!(answers[0].status, 426);
    // Either the connection ends, or the gateway itself reads the second as one; the upstream never gets both at once.
    for request in upstream.requests() {
        assert!(request.body.is_empty(), "{request:?}");
    }
}
