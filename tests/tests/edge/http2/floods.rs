//! Frames that cost a client little and a server much: the connection ends, and nobody else notices.

use switchyard_tests::{Recorder, Setup};

use super::wire::{
    ACK, CONTINUATION, END_HEADERS, END_STREAM, Fate, Frame, HEADERS, PING, RST_STREAM, SETTINGS, Wire, block,
};

/// The reason for a client that asks for too much (RFC 9113, section 7).
const ENHANCE_YOUR_CALM: u32 = 11;

fn get() -> Vec<u8> {
    block([
        (&b":method"[..], &b"GET"[..]),
        (b":scheme", b"http"),
        (b":authority", b"gateway.test"),
        (b":path", b"/up/x"),
    ])
}

/// CVE-2023-44487: streams that are opened and reset at once.
#[tokio::test]
async fn rapid_resets_end_their_connection() {
    let upstream = Recorder::echo().await;
    let route = "[[route]]\npath = '/up/*'\nservice = 'up'\n";
    let host = Setup::new().config(&format!("{}{route}", upstream.upstream("up"))).start().await;
    let mut wire = Wire::connect(host.gateway).await;
    let mut is_taken = true;
    for round in 0..200 {
        let frames: Vec<Frame> = (0..100)
            .flat_map(|n| {
                let stream = 1 + 2 * (100 * round + n);
                let open = Frame::new(HEADERS, END_HEADERS | END_STREAM, stream, get());
                [open, Frame::new(RST_STREAM, 0, stream, [0, 0, 0, 8])]
            })
            .collect();
        is_taken = wire.send(&frames).await;
        if !is_taken {
            break;
        }
    }
    // 20,000 of them: the connection ended on the way, or it ends now.
    let reason = wire.goaway().await;
    assert!(!is_taken || reason == Some(ENHANCE_YOUR_CALM), "{reason:?}");
    assert_eq!(host.get("/up/after").await.status, 200);
}

/// CVE-2024-27316: a block of headers without an end.
#[tokio::test]
async fn endless_headers_end_their_connection() {
    let host = Setup::new().start().await;
    let mut wire = Wire::connect(host.gateway).await;
    let field = block([(&b"x"[..], &[b'y'; 1_000][..])]);
    let mut is_taken = wire.send(&[Frame::new(HEADERS, 0, 1, get())]).await;
    for _ in 0..20_000 {
        is_taken = is_taken && wire.send(&[Frame::new(CONTINUATION, 0, 1, field.clone())]).await;
    }
    assert!(!is_taken || wire.fate(1).await != Fate::Answered(200), "20 MB of headers were taken");
    assert_eq!(host.get("/health").await.status, 200);
}

/// CVE-2019-9512 and 9515: answers that nobody reads.
#[tokio::test]
async fn pings_and_settings_whose_answers_nobody_reads_are_bounded() {
    let host = Setup::new().start().await;
    for frame in [Frame::new(PING, 0, 0, [7; 8]), Frame::new(SETTINGS, 0, 0, [0, 3, 0, 0, 0, 1])] {
        let mut wire = Wire::connect(host.gateway).await;
        let frames = vec![frame.clone(); 1_000];
        let mut sent = 0;
        // Either the host closes, or it stops reading, or it has answered all; what it does not is grow.
        for _ in 0..100 {
            match tokio::time::timeout(std::time::Duration::from_secs(1), wire.send(&frames)).await {
                Ok(true) => sent += 1_000,
                _ => break,
            }
        }
        assert!(sent > 0);
        assert_eq!(host.get("/health").await.status, 200);
    }
    let mut wire = Wire::connect(host.gateway).await;
    wire.send(&[Frame::new(PING, 0, 0, *b"whatever")]).await;
    loop {
        let frame = wire.next().await.expect("a ping is answered");
        if frame.kind == PING {
            assert_eq!((frame.flags, &frame.payload[..]), (ACK, &b"whatever"[..]));
            return;
        }
    }
}

#[tokio::test]
async fn headers_over_the_limit_are_431_and_streams_over_theirs_refused() {
    let host = Setup::new().start().await;
    let mut wire = Wire::connect(host.gateway).await;
    let long = [get(), block([(&b"x"[..], &[b'y'; 70_000][..])])].concat();
    let mut frames: Vec<Frame> = Vec::new();
    for (place, part) in long.chunks(16_000).enumerate() {
        let flags = if (place + 1) * 16_000 >= long.len() { END_HEADERS } else { 0 };
        let first = if place == 0 { END_STREAM } else { 0 };
        frames.push(Frame::new(if place == 0 { HEADERS } else { CONTINUATION }, flags | first, 1, part));
    }
    wire.send(&frames).await;
    let fate = wire.fate(1).await;
    assert!(matches!(fate, Fate::Answered(431) | Fate::Reset | Fate::Gone), "{fate:?}");
    assert_eq!(host.get("/health").await.status, 200);
}
