//! Frames that break the protocol end their connection with the reason that the protocol has for it, and no other one.

use switchyard_tests::Setup;

use super::wire::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, Frame, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE, Wire, block,
};

// Reasons (RFC 9113, section 7). The general one stands for those of a frame's size or block, too: what matters is that the
// connection ends, and says that it was the client.
const PROTOCOL_ERROR: u32 = 1;
const FLOW_CONTROL_ERROR: u32 = 3;
const STREAM_CLOSED: u32 = 5;
const FRAME_SIZE_ERROR: u32 = 6;
const COMPRESSION_ERROR: u32 = 9;

fn request() -> Vec<u8> {
    block([
        (&b":method"[..], &b"POST"[..]),
        (b":scheme", b"http"),
        (b":authority", b"gateway.test"),
        (b":path", b"/health"),
    ])
}

/// An open stream, and then this.
fn after_open(frame: Frame) -> Vec<Frame> {
    vec![Frame::new(HEADERS, END_HEADERS, 1, request()), frame]
}

fn cases() -> Vec<(&'static str, Vec<Frame>, &'static [u32])> {
    let huge = vec![0; 16_385];
    vec![
        ("DATA on stream 0", vec![Frame::new(DATA, 0, 0, *b"x")], &[PROTOCOL_ERROR]),
        ("DATA on an idle stream", vec![Frame::new(DATA, 0, 5, *b"x")], &[PROTOCOL_ERROR, STREAM_CLOSED]),
        ("HEADERS on stream 0", vec![Frame::new(HEADERS, END_HEADERS | END_STREAM, 0, request())], &[PROTOCOL_ERROR]),
        (
            "HEADERS on an even stream",
            vec![Frame::new(HEADERS, END_HEADERS | END_STREAM, 2, request())],
            &[PROTOCOL_ERROR],
        ),
        (
            "a stream before an earlier one",
            vec![
                Frame::new(HEADERS, END_HEADERS | END_STREAM, 5, request()),
                Frame::new(HEADERS, END_HEADERS | END_STREAM, 3, request()),
            ],
            &[PROTOCOL_ERROR, STREAM_CLOSED],
        ),
        ("a CONTINUATION alone", vec![Frame::new(CONTINUATION, END_HEADERS, 1, request())], &[PROTOCOL_ERROR]),
        (
            "a PING between HEADERS and CONTINUATION",
            vec![Frame::new(HEADERS, END_STREAM, 1, request()), Frame::new(PING, 0, 0, [0; 8])],
            &[PROTOCOL_ERROR],
        ),
        (
            "a CONTINUATION of another stream",
            vec![Frame::new(HEADERS, END_STREAM, 1, request()), Frame::new(CONTINUATION, END_HEADERS, 3, request())],
            &[PROTOCOL_ERROR],
        ),
        (
            "a block that is no HPACK",
            vec![Frame::new(HEADERS, END_HEADERS | END_STREAM, 1, [0xff; 20])],
            &[COMPRESSION_ERROR, PROTOCOL_ERROR],
        ),
        (
            "a table index of 0",
            vec![Frame::new(HEADERS, END_HEADERS | END_STREAM, 1, [0x80])],
            &[COMPRESSION_ERROR, PROTOCOL_ERROR],
        ),
        ("a PING of 7 bytes", vec![Frame::new(PING, 0, 0, [0; 7])], &[FRAME_SIZE_ERROR, PROTOCOL_ERROR]),
        ("a PING on a stream", vec![Frame::new(PING, 0, 1, [0; 8])], &[PROTOCOL_ERROR]),
        ("SETTINGS of 5 bytes", vec![Frame::new(SETTINGS, 0, 0, [0; 5])], &[FRAME_SIZE_ERROR, PROTOCOL_ERROR]),
        ("SETTINGS on a stream", vec![Frame::new(SETTINGS, 0, 1, [])], &[PROTOCOL_ERROR]),
        (
            "an ACK of SETTINGS with settings",
            vec![Frame::new(SETTINGS, 1, 0, [0, 3, 0, 0, 0, 1])],
            &[FRAME_SIZE_ERROR, PROTOCOL_ERROR],
        ),
        (
            "an initial window over 31 bits",
            vec![Frame::new(SETTINGS, 0, 0, [0, 4, 0x80, 0, 0, 0])],
            &[FLOW_CONTROL_ERROR, PROTOCOL_ERROR],
        ),
        ("a frame size below the least", vec![Frame::new(SETTINGS, 0, 0, [0, 5, 0, 0, 0, 1])], &[PROTOCOL_ERROR]),
        ("a window of 0 more", vec![Frame::new(WINDOW_UPDATE, 0, 0, [0; 4])], &[PROTOCOL_ERROR]),
        (
            "a window over 31 bits",
            vec![Frame::new(WINDOW_UPDATE, 0, 0, [0x7f, 0xff, 0xff, 0xff])],
            &[FLOW_CONTROL_ERROR],
        ),
        (
            "a WINDOW_UPDATE of 3 bytes",
            vec![Frame::new(WINDOW_UPDATE, 0, 0, [0; 3])],
            &[FRAME_SIZE_ERROR, PROTOCOL_ERROR],
        ),
        ("a reset of an idle stream", vec![Frame::new(RST_STREAM, 0, 1, [0; 4])], &[PROTOCOL_ERROR]),
        ("a reset of stream 0", vec![Frame::new(RST_STREAM, 0, 0, [0; 4])], &[PROTOCOL_ERROR]),
        ("a reset of 3 bytes", after_open(Frame::new(RST_STREAM, 0, 1, [0; 3])), &[FRAME_SIZE_ERROR, PROTOCOL_ERROR]),
        ("a frame over 16 KiB", after_open(Frame::new(DATA, 0, 1, huge)), &[FRAME_SIZE_ERROR, PROTOCOL_ERROR]),
        ("padding longer than its frame", after_open(Frame::new(DATA, 8, 1, [9, 0])), &[PROTOCOL_ERROR]),
        ("a promise from a client", vec![Frame::new(5, END_HEADERS, 1, [0, 0, 0, 2])], &[PROTOCOL_ERROR]),
    ]
}

#[tokio::test]
async fn frames_that_break_the_protocol_end_the_connection_with_a_reason() {
    let host = Setup::new().start().await;
    let mut failed = Vec::new();
    for (name, frames, reasons) in cases() {
        let mut wire = Wire::connect(host.gateway).await;
        wire.send(&frames).await;
        let reason = wire.goaway().await;
        if !reason.is_some_and(|reason| reasons.contains(&reason)) {
            failed.push(format!("{name}: expected {reasons:?}, got {reason:?}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!(host.get("/health").await.status, 200);
}

/// A kind of frame that nobody knows is passed over (RFC 9113, section 5.5).
#[tokio::test]
async fn frames_of_unknown_kinds_and_settings_are_passed_over() {
    use super::wire::Fate;
    let host = Setup::new().start().await;
    let mut wire = Wire::connect(host.gateway).await;
    let get = block([
        (&b":method"[..], &b"GET"[..]),
        (b":scheme", b"http"),
        (b":authority", b"gateway.test"),
        (b":path", b"/health"),
    ]);
    wire.send(&[
        Frame::new(0xee, 0xff, 0, *b"whatever"),
        Frame::new(SETTINGS, 0, 0, [0xff, 0xff, 0, 0, 0, 1]),
        Frame::new(HEADERS, END_HEADERS | END_STREAM, 1, get),
    ])
    .await;
    assert_eq!(wire.fate(1).await, Fate::Answered(200));
}
