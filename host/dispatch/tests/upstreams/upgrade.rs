//! Other protocols over a connection of HTTP/1.1.

use http::StatusCode;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use switchyard_dispatch::Upgraded;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{Server, World, get, read, text, upstream};

async fn echo() -> Server {
    Server::http1(|mut request| async move {
        let headers = request.headers();
        if headers.get("upgrade").is_none_or(|value| value != "websocket") || headers["connection"] != "upgrade" {
            return text(426, "websocket only");
        }
        let key = headers["sec-websocket-key"].clone();
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let mut stream = TokioIo::new(upgrade.await.unwrap());
            let mut bytes = [0; 64];
            while let Ok(length @ 1..) = stream.read(&mut bytes).await {
                stream.write_all(&bytes[..length]).await.unwrap();
            }
        });
        let mut answer = text(101, "");
        for (name, value) in [("connection", "Upgrade"), ("upgrade", "websocket")] {
            answer.headers_mut().insert(name, value.parse().unwrap());
        }
        answer.headers_mut().insert("sec-websocket-accept", key);
        answer
    })
    .await
}

fn asking() -> http::Request<switchyard_dispatch::Body> {
    let mut request = get("/chat");
    for (name, value) in [("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-key", "k")] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    request
}

#[tokio::test]
async fn a_connection_becomes_another_one_and_counts_until_it_ends() {
    let server = echo().await;
    let world = World::new(vec![upstream(&server.address)]);
    let mut response = world.call(asking()).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    for (name, value) in [("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-accept", "k")] {
        assert_eq!(response.headers()[name], value, "{name}");
    }
    let upgraded = response.extensions_mut().remove::<Upgraded>().unwrap();
    let mut stream = TokioIo::new(response.extensions_mut().remove::<OnUpgrade>().unwrap().await.unwrap());
    let mut bytes = [0; 4];
    for part in [b"ping", b"pong"] {
        stream.write_all(part).await.unwrap();
        stream.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, part);
    }
    assert_eq!(world.service.upstreams[0].in_flight(), 1);
    drop((stream, upgraded));
    assert_eq!(world.service.upstreams[0].in_flight(), 0);
    assert_eq!(world.counted(), (1, 0, 0));
}

#[tokio::test]
async fn who_says_no_answers_like_everybody() {
    let server = Server::http1(|_| async { text(403, "no") }).await;
    let world = World::new(vec![upstream(&server.address)]);
    let response = world.call(asking()).await.unwrap();
    assert_eq!(response.status(), 403);
    assert_eq!(read(response).await, "no");
    assert_eq!(world.service.upstreams[0].in_flight(), 0);
}
