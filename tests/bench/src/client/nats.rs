//! NATS: its text protocol, and requests to JetStream.

use std::{
    net::SocketAddr,
    process,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use serde_json::Value;

use super::wire::{Parsed, Wire, line};

/// A connection that listens on an inbox of its own.
pub(crate) struct Nats {
    wire: Wire,
    /// The subject that answers and pulled messages come to.
    pub(crate) inbox: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// Where an acknowledgement goes; empty when none is wanted.
    pub(crate) reply: String,
    pub(crate) payload: Bytes,
}

#[derive(Debug, PartialEq, Eq)]
enum Frame {
    Message(Message),
    Ping,
    /// PONG, +OK, and INFO, which may come at any time.
    Other,
}

// === impl Nats ===

impl Nats {
    pub(crate) async fn connect(to: SocketAddr) -> Result<Self> {
        static INBOXES: AtomicU64 = AtomicU64::new(0);
        let inbox = format!("_INBOX.{}.{}", process::id(), INBOXES.fetch_add(1, Relaxed));
        let mut nats = Self { wire: Wire::connect(to).await?, inbox };
        let hello = format!(
            "CONNECT {{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true}}\r\nSUB {} 1\r\nPING\r\n",
            nats.inbox
        );
        nats.wire.write(hello.as_bytes()).await?;
        // INFO, then PONG: the subscription is there.
        for _ in 0..2 {
            ensure!(nats.wire.read(parse).await? == Frame::Other, "a server that does not greet");
        }
        Ok(nats)
    }

    /// Sends what [`publication`] made.
    pub(crate) async fn write(&mut self, publications: &[u8]) -> Result<()> {
        self.wire.write(publications).await
    }

    /// Waits for the next message.
    pub(crate) async fn next(&mut self) -> Result<Message> {
        loop {
            match self.wire.read(parse).await? {
                Frame::Message(message) => return Ok(message),
                Frame::Ping => self.wire.write(b"PONG\r\n").await?,
                Frame::Other => {}
            }
        }
    }

    /// The next message, if it is here already.
    pub(crate) async fn arrived(&mut self) -> Result<Option<Message>> {
        loop {
            match self.wire.arrived(parse)? {
                None => return Ok(None),
                Some(Frame::Message(message)) => return Ok(Some(message)),
                Some(Frame::Ping) => self.wire.write(b"PONG\r\n").await?,
                Some(Frame::Other) => {}
            }
        }
    }

    /// Waits for JetStream to say that it has stored one event.
    pub(crate) async fn stored(&mut self) -> Result<()> {
        let answer = self.next().await?.payload;
        let text = String::from_utf8_lossy(&answer);
        ensure!(text.contains("\"seq\":") && !text.contains("\"error\""), "JetStream answered {text}");
        Ok(())
    }

    /// A request to JetStream's API; JSON, or nothing.
    pub(crate) async fn api(&mut self, subject: &str, request: &str) -> Result<Value> {
        let request = publication(&format!("$JS.API.{subject}"), &self.inbox, request.as_bytes());
        self.wire.write(&request).await?;
        let answer: Value = serde_json::from_slice(&self.next().await?.payload).context("JetStream is not there")?;
        ensure!(answer["error"].is_null(), "{subject} answered {answer}");
        Ok(answer)
    }
}

/// A publication as it is written; `reply` may be empty.
pub(crate) fn publication(subject: &str, reply: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("PUB {subject} {reply} {}\r\n", payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// `MSG subject sid [reply] bytes`, and `HMSG`, which has the bytes of its headers before those of all.
fn parse(bytes: &[u8]) -> Parsed<Frame> {
    let Some((head, used)) = line(bytes) else { return Ok(None) };
    let words: Vec<&str> = head.split(' ').filter(|word| !word.is_empty()).collect();
    let (reply, headers, size) = match words[..] {
        ["PING"] => return Ok(Some((Frame::Ping, used))),
        ["MSG", _, _, size] => ("", 0, size.parse::<usize>()?),
        ["MSG", _, _, reply, size] => (reply, 0, size.parse()?),
        ["HMSG", _, _, headers, size] => ("", headers.parse::<usize>()?, size.parse()?),
        ["HMSG", _, _, reply, headers, size] => (reply, headers.parse()?, size.parse()?),
        ["-ERR", ..] => bail!("NATS answered {head}"),
        _ => return Ok(Some((Frame::Other, used))),
    };
    let end = used + size + 2;
    if bytes.len() < end {
        return Ok(None);
    }
    let payload = bytes.get(used + headers..used + size).context("headers longer than their message")?;
    Ok(Some((Frame::Message(Message { reply: reply.to_owned(), payload: Bytes::copy_from_slice(payload) }), end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &[u8], reply: &str, payload: &'static [u8]) {
        for end in 0..text.len() {
            assert!(parse(&text[..end]).expect("nothing is wrong").is_none(), "{end}");
        }
        let expected = Message { reply: reply.to_owned(), payload: Bytes::from_static(payload) };
        let parsed = parse(text).expect("nothing is wrong");
        assert_eq!(parsed, Some((Frame::Message(expected), text.len())));
    }

    #[test]
    fn a_message_is_taken_when_it_is_whole() {
        check(b"MSG s 1 2\r\nab\r\n", "", b"ab");
        check(b"MSG s 1 r 2\r\nab\r\n", "r", b"ab");
        check(b"HMSG s 1 r 3 5\r\nN\r\nab\r\n", "r", b"ab");
        check(b"HMSG s 1 3 3\r\nN\r\n\r\n", "", b"");
    }

    #[test]
    fn errors_are_errors() {
        assert!(parse(b"-ERR 'no'\r\n").is_err());
        assert_eq!(parse(b"PING\r\n").expect("nothing is wrong"), Some((Frame::Ping, 6)));
        assert_eq!(parse(b"+OK\r\n").expect("nothing is wrong"), Some((Frame::Other, 5)));
    }
}
