//! An HTTP/1 client that sends any bytes, and reads answers as they come.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{client::Answer, host::PATIENCE};

/// A connection on which nothing is taken for granted.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    read: Vec<u8>,
}

/// The head of an answer, and how many bytes of what was read it has.
struct Head {
    status: StatusCode,
    headers: HeaderMap,
    length: usize,
}

// === impl Raw ===

impl Raw {
    /// Connects; every write goes out at once.
    pub async fn connect(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).await.expect("the host accepts connections");
        stream.set_nodelay(true).expect("a socket takes the option");
        Self { stream, read: Vec::new() }
    }

    /// Sends these bytes in one write. A connection that was closed already says so when it is read.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.stream.write_all(bytes.as_ref()).await;
        self
    }

    /// The next answer; none when the connection ends before it is whole. Interim answers are answers too.
    pub async fn answer(&mut self) -> Option<Answer> {
        loop {
            if let Some(answer) = take(&mut self.read) {
                return Some(answer);
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// Reads on until this was there, and answers all text up to its end; it is taken off.
    pub async fn until(&mut self, text: &str) -> String {
        loop {
            let found = self.read.windows(text.len()).position(|window| window == text.as_bytes());
            if let Some(at) = found {
                let taken: Vec<u8> = self.read.drain(..at + text.len()).collect();
                return String::from_utf8_lossy(&taken).into_owned();
            }
            let so_far = String::from_utf8_lossy(&self.read).into_owned();
            assert!(self.fill().await, "the connection ended without {text:?}: {so_far}");
        }
    }

    /// Reads one answer with a length, keeps nothing of its body, and answers how long that was.
    pub async fn skip(&mut self) -> u64 {
        while head(&self.read).is_none() {
            assert!(self.fill().await, "the connection ends within a head");
        }
        let head = head(&self.read).expect("it is there");
        let length = head.headers.get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
        let length: u64 = length.expect("the answer has a length");
        let mut read = (self.read.len() - head.length) as u64;
        while read < length {
            self.read.clear();
            assert!(self.fill().await, "the connection ends after {read} bytes of {length}");
            read += self.read.len() as u64;
        }
        self.read.clear();
        read
    }

    /// Every answer until the host closes, and what follows the last whole one.
    pub async fn rest(mut self) -> (Vec<Answer>, Vec<u8>) {
        let mut answers = Vec::new();
        while let Some(answer) = self.answer().await {
            answers.push(answer);
        }
        (answers, self.read)
    }

    /// Whether the host has closed this connection, as far as is known without waiting.
    pub fn is_closed(&mut self) -> bool {
        let mut buffer = [0; 1 << 10];
        loop {
            match self.stream.try_read(&mut buffer) {
                Ok(0) => return true,
                Ok(length) => self.read.extend_from_slice(&buffer[..length]),
                Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
            }
        }
    }

    /// Whether the host closes this connection within `time`; what comes before that is dropped.
    pub async fn closes_within(mut self, time: Duration) -> bool {
        tokio::time::timeout(time, async { while self.fill().await {} }).await.is_ok()
    }

    /// Reads more; whether there was more.
    async fn fill(&mut self) -> bool {
        let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.read)).await;
        read.expect("the host answers or closes in time").is_ok_and(|length| length > 0)
    }
}

/// Takes a whole answer off the front.
fn take(read: &mut Vec<u8>) -> Option<Answer> {
    let head = head(read)?;
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let (body, length) = if head.status.is_informational() || head.status == StatusCode::NO_CONTENT {
        (Vec::new(), head.length)
    } else if header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        let (body, length) = crate::chunked::decode(&read[head.length..])?;
        (body, head.length + length)
    } else {
        let length: usize = header("content-length").map_or(0, |length| length.parse().expect("a length is a number"));
        (read.get(head.length..head.length + length)?.to_vec(), head.length + length)
    };
    read.drain(..length);
    Some(Answer { status: head.status, headers: head.headers, body: Bytes::from(body) })
}

fn head(read: &[u8]) -> Option<Head> {
    let end = read.windows(4).position(|window| window == b"\r\n\r\n")?;
    let text = std::str::from_utf8(&read[..end]).expect("a head is text");
    let mut lines = text.split("\r\n");
    let status = lines.next()?.split(' ').nth(1).and_then(|status| status.parse().ok());
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').expect("a header has a colon");
        let name: HeaderName = name.parse().expect("a header's name is one");
        headers.append(name, HeaderValue::from_str(value.trim()).expect("a header's value is one"));
    }
    Some(Head { status: status.expect("an answer begins with its status"), headers, length: end + 4 })
}
