//! Frames by hand: what a library would refuse to send.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// How long the host may take to say what it makes of a frame.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 1;
pub(super) const ACK: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// A frame (RFC 9113, section 4.1).
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

/// A connection that has said its preface.
pub(super) struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

/// What became of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Answered with this status.
    Answered(u16),
    /// The stream was reset.
    Reset,
    /// The connection ended, with a reason or without.
    Gone,
}

// === impl Frame ===

impl Frame {
    pub(super) fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self { kind, flags, stream, payload: payload.into() }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).unwrap().to_be_bytes();
        let head = [&length[1..], &[self.kind, self.flags], &self.stream.to_be_bytes()].concat();
        [head, self.payload.clone()].concat()
    }
}

// === impl Wire ===

impl Wire {
    pub(super) async fn connect(to: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(to).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let settings = Frame::new(SETTINGS, 0, 0, []).bytes();
        stream.write_all(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..]].concat()).await.unwrap();
        Self { stream, read: Vec::new() }
    }

    /// Sends frames in one write; whether the host still took them.
    pub(super) async fn send(&mut self, frames: &[Frame]) -> bool {
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::bytes).collect();
        self.stream.write_all(&bytes).await.is_ok()
    }

    /// The next frame; none when the connection has ended.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.take() {
                return Some(frame);
            }
            let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.read)).await;
            if !read.expect("the host says something in time").is_ok_and(|length| length > 0) {
                return None;
            }
        }
    }

    /// What becomes of a stream.
    pub(super) async fn fate(&mut self, stream: u32) -> Fate {
        loop {
            match self.next().await {
                None | Some(Frame { kind: GOAWAY, .. }) => return Fate::Gone,
                Some(frame) if frame.stream != stream => {}
                Some(Frame { kind: RST_STREAM, .. }) => return Fate::Reset,
                Some(Frame { kind: HEADERS, payload, .. }) => return Fate::Answered(status(&payload)),
                Some(_) => {}
            }
        }
    }

    /// The reason of the host's GOAWAY; none when the connection ends without.
    pub(super) async fn goaway(&mut self) -> Option<u32> {
        loop {
            let frame = self.next().await?;
            if frame.kind == GOAWAY {
                return Some(u32::from_be_bytes(frame.payload[4..8].try_into().unwrap()));
            }
        }
    }

    fn take(&mut self) -> Option<Frame> {
        let head: [u8; 9] = self.read.get(..9)?.try_into().unwrap();
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let payload = self.read.get(9..9 + length)?.to_vec();
        self.read.drain(..9 + length);
        let stream = u32::from_be_bytes(head[5..].try_into().unwrap()) & 0x7fff_ffff;
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }
}

/// A block of headers, each a literal that is not remembered (RFC 7541, section 6.2.2), whatever it says.
pub(super) fn block<'a>(fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            length(&mut block, text.len());
            block.extend_from_slice(text);
        }
    }
    block
}

/// An integer behind a bit (RFC 7541, section 5.1).
fn length(block: &mut Vec<u8>, length: usize) {
    match u8::try_from(length) {
        Ok(short @ ..127) => block.push(short),
        _ => {
            block.push(127);
            let mut rest = length - 127;
            while rest >= 128 {
                block.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            block.push(u8::try_from(rest).unwrap());
        }
    }
}

/// The status at the front of a block: it comes first, and most often from the static table (RFC 7541, appendix A).
fn status(block: &[u8]) -> u16 {
    const STATIC: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
    // A change of the table's size may stand before it.
    let block = &block[block.iter().position(|byte| byte & 0xe0 != 0x20).unwrap()..];
    match block[0] {
        indexed @ 0x88..=0x8e => STATIC[usize::from(indexed - 0x88)],
        // A literal with the name `:status`: a length, and three digits, in Huffman's code or plain.
        _ if block[1] & 0x80 == 0 => std::str::from_utf8(&block[2..5]).unwrap().parse().unwrap(),
        _ => digits(&block[2..2 + usize::from(block[1] & 0x7f)]),
    }
}

/// Three digits in Huffman's code (RFC 7541, appendix B): 0 to 2 have five bits, the others six.
fn digits(code: &[u8]) -> u16 {
    let bits = code.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (32 - 8 * code.len());
    let (mut number, mut at) = (0, 0);
    for _ in 0..3 {
        let five = (bits << at) >> 27;
        let (digit, length) = if five < 3 { (five, 5) } else { (((bits << at) >> 26) - 0x19 + 3, 6) };
        (number, at) = (number * 10 + digit, at + length);
    }
    u16::try_from(number).unwrap()
}

#[test]
fn a_status_is_read_in_each_of_its_forms() {
    assert_eq!(status(&[0x88]), 200);
    assert_eq!(status(&[0x20, 0x8c]), 400);
    assert_eq!(status(b"\x48\x03431"), 431);
    // 1 is 00001, 3 is 011001, 4 is 011010.
    assert_eq!(status(&[0x48, 0x83, 0b0110_1001, 0b1001_0000, 0b1111_1111]), 431);
}
