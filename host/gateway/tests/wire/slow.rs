//! Clients that take their time over everything, while others are served.

use std::time::Duration;

use futures_util::future::join_all;
use switchyard_gateway::Options;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::common::{Client, Edge, LARGE, options, soon};

/// Of each kind. Half the descriptors that a process has by default go to one side.
const SLOW: usize = 60;

/// Everybody ends, and meanwhile somebody else is served at once.
async fn others_are_served(edge: &Edge, mut slow: Vec<TcpStream>, begins_with: &str) {
    let ended = join_all(slow.iter_mut().map(|socket| async {
        let mut rest = Vec::new();
        let _ = soon(socket.read_to_end(&mut rest)).await;
        String::from_utf8_lossy(&rest).into_owned()
    }));
    let mut ended = std::pin::pin!(ended);
    let mut client: Client = edge.client().await;
    let answers = loop {
        let served = async {
            assert_eq!(client.get("/x").await.status, 200);
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        tokio::select! {
            biased;
            answers = &mut ended => break answers,
            () = served => {}
        }
    };
    for answer in answers {
        assert!(answer.starts_with(begins_with), "{answer}");
    }
}

fn times() -> Options {
    let short = Duration::from_millis(500);
    let mut options = Options { header_timeout: short, idle_timeout: short, ..options() };
    options.policy.request_timeout = short;
    options
}

async fn begin(edge: &Edge, sent: &str) -> Vec<TcpStream> {
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        let mut socket = edge.socket().await;
        socket.write_all(sent.as_bytes()).await.unwrap();
        slow.push(socket);
    }
    slow
}

#[tokio::test]
async fn heads_that_do_not_end_are_told_so() {
    let edge = Edge::start(times()).await;
    let slow = begin(&edge, "GET /slow HTTP/1.1\r\nhost: h\r\n").await;
    others_are_served(&edge, slow, "HTTP/1.1 408 ").await;
    assert!(!edge.backend.seen().iter().any(|seen| seen.contains("slow")));
}

#[tokio::test]
async fn bodies_that_do_not_come_end_with_the_request_s_time() {
    let edge = Edge::start(times()).await;
    let slow = begin(&edge, "POST /slow HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\nx").await;
    others_are_served(&edge, slow, "HTTP/1.1 4").await;
}

#[tokio::test]
async fn responses_that_are_not_read_are_cut() {
    let edge = Edge::start(times()).await;
    let slow = begin(&edge, "GET /large HTTP/1.1\r\nhost: h\r\n\r\n").await;
    // Nothing is read of them until they are cut.
    let mut client = edge.client().await;
    for _ in 0..60 {
        assert_eq!(client.get("/x").await.status, 200);
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    for mut socket in slow {
        let mut rest = Vec::new();
        let _ = soon(socket.read_to_end(&mut rest)).await;
        assert!(rest.len() < LARGE, "{}", rest.len());
    }
}
