//! Components that know nothing of Switchyard: plain `wasi:http`, 0.2 and 0.3.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::time::{Duration, Instant};

use http::Method;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use switchyard_tests::{Host, Setup};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const FOREIGN: [&str; 2] = ["hello-p2", "hello-p3"];

async fn host(guests: &str) -> Host {
    let config = FOREIGN.map(|name| format!("[services.{name}]\nguests = '{guests}'\n")).concat();
    let setup = FOREIGN.into_iter().fold(Setup::new(), |setup, name| setup.plugin(name, name));
    setup.plugin("hello", "hello").config(&config).start().await
}

#[tokio::test]
async fn a_component_without_a_manifest_is_served_under_the_name_of_its_file() {
    for guests in ["fresh", "reused"] {
        let host = host(guests).await;
        for name in FOREIGN {
            for _ in 0..3 {
                let answer = host.get(&format!("/{name}/any/path")).await;
                assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "hello"), "{name} {guests}");
            }
        }
    }
}

#[tokio::test]
async fn bodies_stream_through_in_both_directions() {
    let host = host("reused").await;
    let large = "0123456789abcdef".repeat(40_000);
    for name in FOREIGN {
        for body in ["", "small", &large] {
            let answer = host.send(Method::POST, &format!("/{name}/echo"), body).await;
            assert_eq!(answer.status, 200);
            assert!(answer.text() == body, "{name}: {} bytes became {}", body.len(), answer.body.len());
        }
    }
}

#[tokio::test]
async fn a_stream_is_passed_on_as_it_comes() {
    let host = host("fresh").await;
    for name in FOREIGN {
        let stream = tokio::net::TcpStream::connect(host.gateway).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request =
            http::Request::get(format!("/{name}/stream")).header("host", "x").body(Empty::<bytes::Bytes>::new());
        let began = Instant::now();
        let mut body = sender.send_request(request.unwrap()).await.unwrap().into_body();
        let mut first = None;
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            length += frame.unwrap().into_data().map_or(0, |data| data.len());
            first.get_or_insert_with(|| began.elapsed());
        }
        let (first, last) = (first.unwrap(), began.elapsed());
        assert!(length > 0);
        assert!(last.saturating_sub(first) > Duration::from_millis(80), "{name}: first {first:?}, last {last:?}");
    }
}

#[tokio::test]
async fn a_trap_before_the_head_is_502_and_after_it_breaks_the_connection() {
    let host = host("reused").await;
    for name in FOREIGN {
        let answer = host.get(&format!("/{name}/trap")).await;
        assert_eq!(answer.status, 502, "{name}");
        let mut client = host.client().await;
        let late = client.get(&format!("/{name}/trap-late")).await;
        assert!(late.is_err(), "{name}: half an answer was passed off as whole: {late:?}");
        assert_eq!(host.get(&format!("/{name}/")).await.text(), "hello");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_instance_is_not_mistaken_for_one_that_spins() {
    // Longer than the CPU time of a call, which many short calls in one instance must not add up to.
    const LASTING: Duration = Duration::from_secs(3);
    let host = host("reused").await;
    for name in FOREIGN {
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let mut client = host.client().await;
            clients.spawn(async move {
                let began = Instant::now();
                while began.elapsed() < LASTING {
                    let answer = client.get(&format!("/{name}/")).await.unwrap();
                    assert_eq!(answer.status, 200, "{name}: {}", answer.text());
                }
            });
        }
        clients.join_all().await;
    }
}

#[tokio::test]
async fn services_call_each_other_by_name_in_process() {
    let host = host("reused").await;
    for name in FOREIGN {
        let answer = host.get(&format!("/{name}/fetch?url=http://hello.internal/hello/version")).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "1"), "{name}");
        let unknown = host.get(&format!("/{name}/fetch?url=http://nobody.internal/")).await;
        assert_ne!(unknown.status, 200, "{name}");
    }
    let chain = "/hello-p2/fetch?url=http://hello-p3.internal/fetch?url=http://hello.internal/hello/";
    assert_eq!(host.get(chain).await.text(), "hello");
}

/// Answers every connection with `outside`.
async fn outside() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let answer = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: close\r\n\r\noutside";
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn the_network_is_closed_until_a_host_is_allowed() {
    let outside = outside().await;
    for (outbound, allowed) in [
        (String::new(), false),
        ("outbound = ['*']".to_owned(), false),
        (format!("outbound = ['{}:1']", outside.ip()), false),
        (format!("outbound = ['{outside}']"), true),
        ("outbound = ['127.0.0.0/8']".to_owned(), true),
    ] {
        let config = FOREIGN.map(|name| format!("[services.{name}]\n{outbound}\n")).concat();
        let setup = FOREIGN.into_iter().fold(Setup::new(), |setup, name| setup.plugin(name, name));
        let host = setup.config(&config).start().await;
        for name in FOREIGN {
            let answer = host.get(&format!("/{name}/fetch?url=http://{outside}/")).await;
            assert_eq!(answer.status == 200, allowed, "{name} with {outbound:?}: {}", answer.text());
        }
    }
}
