//! HTTP/1.1 on one keep-alive connection.

use std::{net::SocketAddr, str};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;

use super::wire::{Parsed, Wire};

pub(crate) const CLOUD_EVENT: &str = "application/cloudevents+json";
pub(crate) const CLOUD_EVENTS: &str = "application/cloudevents-batch+json";
pub(crate) const JSON: &str = "application/json";

pub(crate) struct Http {
    wire: Wire,
    authority: String,
}

// === impl Http ===

impl Http {
    pub(crate) async fn connect(to: SocketAddr) -> Result<Self> {
        Ok(Self { wire: Wire::connect(to).await?, authority: to.to_string() })
    }

    /// Posts, and answers the body of what must be a 2xx.
    pub(crate) async fn post(&mut self, path: &str, content_type: &str, body: &str) -> Result<Bytes> {
        let head = format!("content-type: {content_type}\r\ncontent-length: {}\r\n", body.len());
        self.send("POST", path, &head, body).await
    }

    /// Gets the body of what must be a 2xx.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Bytes> {
        self.send("GET", path, "", "").await
    }

    async fn send(&mut self, method: &str, path: &str, head: &str, body: &str) -> Result<Bytes> {
        let request = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n{head}\r\n{body}", self.authority);
        self.wire.write(request.as_bytes()).await?;
        let (status, body) = self.wire.read(parse).await?;
        ensure!((200..300).contains(&status), "{path} answered {status}: {}", String::from_utf8_lossy(&body));
        Ok(body)
    }
}

fn parse(bytes: &[u8]) -> Parsed<(u16, Bytes)> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = str::from_utf8(&bytes[..end]).context("the head is no text")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.get(9..12)).context("no status")?.parse()?;
    let mut length = 0;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        ensure!(!name.eq_ignore_ascii_case("transfer-encoding"), "a body of unknown length");
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse()?;
        }
    }
    let whole = bytes.get(end + 4..end + 4 + length);
    Ok(whole.map(|body| ((status, Bytes::copy_from_slice(body)), end + 4 + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_when_it_is_whole() {
        let text = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}HTTP";
        for end in 0..text.len() - 5 {
            assert!(parse(&text[..end]).expect("nothing is wrong").is_none(), "{end}");
        }
        let (answer, used) = parse(text).expect("nothing is wrong").expect("it is whole");
        assert_eq!((answer, used), ((201, Bytes::from_static(b"{}")), text.len() - 4));
        assert!(parse(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
