//! gRPC passes to upstreams, by a client and a server that know nothing of the gateway.

mod codec;
mod service;

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use switchyard_tests::{Host, Setup, component_bytes};
use tonic::{
    Code, Request, Status,
    client::Grpc,
    metadata::MetadataValue,
    transport::{Channel, Endpoint},
};

use self::{codec::BytesCodec, service::Echo};
use crate::{configure, until_answered};

async fn connect(host: &Host) -> Grpc<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{}", host.gateway)).unwrap();
    Grpc::new(endpoint.connect().await.unwrap())
}

async fn unary(
    client: &mut Grpc<Channel>,
    method: &'static str,
    message: Request<Bytes>,
) -> Result<tonic::Response<Bytes>, Status> {
    client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    client.unary(message, http::uri::PathAndQuery::from_static(method), BytesCodec).await
}

fn config(echo: &Echo) -> String {
    format!(
        "[[upstream]]\nname = 'echo'\naddress = 'h2c://{}'\n[[route]]\npath = '/echo.Echo/*'\nservice = 'echo'\n",
        echo.address
    )
}

#[tokio::test]
async fn a_call_is_answered_with_its_metadata_and_status() {
    let echo = Echo::listen().await;
    let host = Setup::new().config(&config(&echo)).start().await;
    let mut client = connect(&host).await;
    let mut request = Request::new(Bytes::from_static(b"hello"));
    request.metadata_mut().insert("x-asked", MetadataValue::from_static("yes"));
    request.metadata_mut().insert_bin("x-data-bin", MetadataValue::from_bytes(&[0, 1, 255]));
    let response = unary(&mut client, "/echo.Echo/Unary", request).await.unwrap();
    assert_eq!(response.metadata().get("x-asked").unwrap(), "yes");
    assert_eq!(response.metadata().get_bin("x-data-bin").unwrap().to_bytes().unwrap().as_ref(), [0, 1, 255]);
    // A service that speaks gRPC refuses a client that does not take trailers.
    assert_eq!(response.metadata().get("x-te").unwrap(), "trailers");
    assert_eq!(response.into_inner(), "hello");

    let long = Bytes::from(vec![7; 1 << 20]);
    assert_eq!(unary(&mut client, "/echo.Echo/Unary", Request::new(long.clone())).await.unwrap().into_inner(), long);
}

#[tokio::test]
async fn a_refusal_comes_in_trailers_with_its_message() {
    let echo = Echo::listen().await;
    let host = Setup::new().config(&config(&echo)).start().await;
    let mut client = connect(&host).await;
    let status = unary(&mut client, "/echo.Echo/Fail", Request::new(Bytes::new())).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, "the pantry is empty: ünïcode"));
    assert_eq!(status.metadata().get("x-why").unwrap(), "because");
    let status = unary(&mut client, "/echo.Echo/Nothing", Request::new(Bytes::new())).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}

#[tokio::test]
async fn a_stream_goes_both_ways_through_reloads_of_another_plugin_and_of_the_config() {
    let echo = Echo::listen().await;
    let config = format!("[gateway]\nrequest-timeout = '1s'\n{}", config(&echo));
    let host = Setup::new().plugin("hello", "hello").config(&config).start().await;
    let mut client = connect(&host).await;
    client.ready().await.unwrap();
    let (send, receive) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
    let sent = futures_util::stream::unfold(receive, async |mut receive| Some((receive.recv().await?, receive)));
    let path = http::uri::PathAndQuery::from_static("/echo.Echo/Stream");
    let response = client.streaming(Request::new(Box::pin(sent)), path, BytesCodec).await.unwrap();
    let mut answers = response.into_inner();
    let mut is_echoed = async |text: &'static str| {
        send.send(Bytes::from_static(text.as_bytes())).unwrap();
        assert_eq!(answers.next().await.unwrap().unwrap(), text);
    };
    is_echoed("before").await;

    host.rename_into_place("hello", &component_bytes("hello-next"));
    host.until("hello", "another version", |plugin| plugin["version"] != "1.0.0" && plugin["state"] == "active").await;
    is_echoed("after the plugin").await;

    configure(&host, &format!("{config}[[route]]\npath = '/more/*'\nservice = 'hello'\n"));
    until_answered(&host, "/more/x", 200).await;
    is_echoed("after the config").await;

    configure(&host, "[gateway]\nrequest-timeout = '1s'\n");
    until_answered(&host, "/echo.Echo/Unary", 404).await;
    is_echoed("after the route").await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    is_echoed("after a request's time").await;

    drop(send);
    assert!(answers.next().await.is_none());
    assert_eq!(
        answers.trailers().await.unwrap().unwrap().get("x-count").map(|count| count.to_str().unwrap().to_owned()),
        None
    );
}

#[tokio::test]
async fn a_client_that_gives_up_ends_the_call_at_the_service() {
    let echo = Echo::listen().await;
    let host = Setup::new().config(&config(&echo)).start().await;
    let stream = tokio::net::TcpStream::connect(host.gateway).await.unwrap();
    let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::post("http://gateway.test/echo.Echo/Stream")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .unwrap();
    let (response, mut sending) = client.send_request(request, false).unwrap();
    // One message of five bytes.
    sending.send_data(Bytes::from_static(b"\0\0\0\0\x05hello"), false).unwrap();
    echo.until_open(1).await;
    let mut answers = response.await.unwrap().into_body();
    assert_eq!(answers.data().await.unwrap().unwrap(), &b"\0\0\0\0\x05hello"[..]);
    sending.send_reset(h2::Reason::CANCEL);
    echo.until_open(0).await;
}

/// What the gateway itself refuses is an HTTP status to a gRPC client, which maps it.
#[tokio::test]
async fn a_refusal_of_the_gateway_has_its_status() {
    let echo = Echo::listen().await;
    let host = Setup::new().config(&config(&echo)).start().await;
    let mut client = connect(&host).await;
    let status = unary(&mut client, "/other.Echo/Unary", Request::new(Bytes::new())).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented, "{status:?}");
    drop(echo);
    let status = unary(&mut client, "/echo.Echo/Unary", Request::new(Bytes::new())).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
}
