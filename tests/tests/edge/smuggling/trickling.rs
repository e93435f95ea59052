//! Bodies that go wrong after their head was passed on.

use super::*;
use switchyard_tests::recorder::Request;

/// The head and a first chunk are passed on, then comes what is wrong.
#[tokio::test]
async fn a_body_that_goes_wrong_breaks_its_request_off() {
    let edge = Edge::start().await;
    for (name, rest) in chunks::BROKEN {
        edge.upstream.take();
        let mut raw = Raw::connect(edge.host.gateway).await;
        raw.send(chunked("3\r\nabc\r\n")).await;
        edge.upstream.until("begun", |bytes, _| bytes.windows(3).any(|window| window == b"abc")).await;
        raw.send(format!("{rest}{SMUGGLED}")).await;
        let (answers, _) = raw.rest().await;
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
        assert_eq!(statuses, [400], "{name}");
        // The upstream must not take half a body for a whole one.
        edge.upstream.until(name, |_, requests| !requests.is_empty()).await;
        let (bytes, requests) = edge.upstream.take();
        assert!(matches!(&requests[..], [Request { is_whole: false, .. }]), "{name}: {requests:?}");
        assert!(!String::from_utf8_lossy(&bytes).contains("smuggled"), "{name}");
    }
    assert_eq!(edge.host.get("/up/after").await.status, 200);
}

/// A client that goes away in the middle of a body.
#[tokio::test]
async fn a_body_that_ends_early_breaks_its_request_off() {
    let edge = Edge::start().await;
    for head in ["Transfer-Encoding: chunked\r\n", "Content-Length: 1000\r\n"] {
        edge.upstream.take();
        let mut raw = Raw::connect(edge.host.gateway).await;
        raw.send(post(head, "3\r\nabc\r\n")).await;
        edge.upstream.until("begun", |bytes, _| bytes.windows(3).any(|window| window == b"abc")).await;
        drop(raw);
        edge.upstream.until("broken off", |_, requests| !requests.is_empty()).await;
        let (_, requests) = edge.upstream.take();
        assert!(matches!(&requests[..], [Request { is_whole: false, .. }]), "{head}: {requests:?}");
    }
}
