//! Server-sent events, as a client reads them.

use std::{future::poll_fn, pin::Pin, time::Duration};

use anyhow::{anyhow, bail};
use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::time::timeout;

/// After so long without a word the host is gone: it says every 15 s that it is still there.
const SILENCE_MAX: Duration = Duration::from_secs(45);

/// The longest event that is read, in bytes.
const EVENT_MAX: usize = 4 << 20;

/// What arrived of a stream, cut into events.
#[derive(Debug, Default)]
struct Events {
    text: Vec<u8>,
}

/// An event: its kind, and its data.
type Event = (String, Value);

/// Hands each event of a stream to `each`, until that says that it is enough.
///
/// # Errors
/// When the stream ends before that, or nothing comes for long.
pub(super) async fn follow(
    url: &str,
    mut body: Incoming,
    mut each: impl FnMut(&str, &Value) -> bool,
) -> anyhow::Result<()> {
    let mut events = Events::default();
    loop {
        let frame = timeout(SILENCE_MAX, poll_fn(|cx| Pin::new(&mut body).poll_frame(cx))).await;
        let frame = frame.map_err(|_| anyhow!("the host at {url} has gone silent"))?;
        let Some(frame) = frame else { bail!("the host at {url} has ended the stream: it stops, or starts anew") };
        let frame = frame.map_err(|error| anyhow!("the stream of the host at {url} broke off: {error}"))?;
        let data: Bytes = frame.into_data().unwrap_or_default();
        if events.text.len() + data.len() > EVENT_MAX {
            bail!("the host at {url} sends an event without an end");
        }
        events.text.extend_from_slice(&data);
        while let Some((kind, data)) = events.next() {
            if !each(&kind, &data) {
                return Ok(());
            }
        }
    }
}

// === impl Events ===

impl Events {
    /// The next event that is there as a whole; comments are none.
    fn next(&mut self) -> Option<Event> {
        loop {
            let end = self.text.windows(2).position(|pair| pair == b"\n\n")?;
            let rest = self.text.split_off(end + 2);
            let block = std::mem::replace(&mut self.text, rest);
            let block = String::from_utf8_lossy(&block);
            let member = |name: &str| {
                let lines = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
                lines.map(|value| value.strip_prefix(' ').unwrap_or(value)).collect::<Vec<_>>()
            };
            let data = member("data");
            if !data.is_empty() {
                let kind = member("event").last().map_or("message", |kind| *kind).to_owned();
                return Some((kind, serde_json::from_str(&data.join("\n")).unwrap_or_default()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_cut_out_of_whatever_pieces_arrive() {
        let stream =
            "retry: 2000\n\nid: 1\nevent: log\ndata: {\"a\":1}\n\n: still here\n\ndata: [1,\ndata: 2]\n\nevent: x\n";
        for size in 1..stream.len() {
            let (mut events, mut found) = (Events::default(), Vec::new());
            for piece in stream.as_bytes().chunks(size) {
                events.text.extend_from_slice(piece);
                found.extend(std::iter::from_fn(|| events.next()));
            }
            let expected = [("log".to_owned(), json!({"a": 1})), ("message".to_owned(), json!([1, 2]))];
            assert_eq!(found, expected, "{size}");
        }
    }
}
