//! Redis: commands and replies of RESP2.

use std::net::SocketAddr;

use anyhow::{Result, bail, ensure};
use bytes::Bytes;

use super::wire::{Parsed, Wire, line};

pub(crate) struct Redis(Wire);

/// A reply that is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Text(Bytes),
    Number(i64),
    List(Vec<Reply>),
    Nothing,
}

// === impl Redis ===

impl Redis {
    pub(crate) async fn connect(to: SocketAddr) -> Result<Self> {
        Ok(Self(Wire::connect(to).await?))
    }

    /// One command and its reply.
    pub(crate) async fn call(&mut self, words: &[&[u8]]) -> Result<Reply> {
        let mut replies = self.calls(&command(words), 1).await?;
        Ok(replies.pop().unwrap_or(Reply::Nothing))
    }

    /// Several commands in one write, and their replies.
    pub(crate) async fn calls(&mut self, commands: &[u8], count: usize) -> Result<Vec<Reply>> {
        self.0.write(commands).await?;
        let mut replies = Vec::with_capacity(count);
        for _ in 0..count {
            replies.push(self.0.read(parse).await?);
        }
        Ok(replies)
    }
}

/// A command as it is written.
pub(crate) fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

// === impl Reply ===

impl Reply {
    pub(crate) fn list(&self) -> &[Reply] {
        if let Self::List(items) = self { items } else { &[] }
    }

    pub(crate) fn text(&self) -> &[u8] {
        if let Self::Text(text) = self { text } else { b"" }
    }

    /// The ids of what XREADGROUP read from one stream.
    pub(crate) fn ids(&self) -> Vec<&[u8]> {
        let stream = self.list().first().and_then(|stream| stream.list().get(1));
        let entries = stream.map_or(&[][..], Reply::list);
        entries.iter().filter_map(|entry| entry.list().first()).map(Reply::text).collect()
    }
}

fn parse(bytes: &[u8]) -> Parsed<Reply> {
    let Some((head, mut used)) = line(bytes) else { return Ok(None) };
    ensure!(!head.is_empty(), "an empty reply");
    let (kind, rest) = head.split_at(1);
    let reply = match kind {
        "+" => Reply::Text(Bytes::copy_from_slice(rest.as_bytes())),
        "-" => bail!("Redis answered {rest}"),
        ":" => Reply::Number(rest.parse()?),
        "$" | "*" if rest == "-1" => Reply::Nothing,
        "$" => {
            let length: usize = rest.parse()?;
            let Some(text) = bytes.get(used..used + length) else { return Ok(None) };
            used += length + 2;
            if used > bytes.len() {
                return Ok(None);
            }
            Reply::Text(Bytes::copy_from_slice(text))
        }
        "*" => {
            let mut items = Vec::new();
            for _ in 0..rest.parse::<usize>()? {
                let Some((item, more)) = parse(&bytes[used..])? else { return Ok(None) };
                items.push(item);
                used += more;
            }
            Reply::List(items)
        }
        _ => bail!("'{head}' is no reply of RESP2"),
    };
    Ok(Some((reply, used)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_taken_when_it_is_whole() {
        let text = b"*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nd\r\n$-1\r\n";
        for end in 0..text.len() {
            assert!(parse(&text[..end]).expect("nothing is wrong").is_none(), "{end}");
        }
        let (reply, used) = parse(text).expect("nothing is wrong").expect("it is whole");
        assert_eq!((reply.ids(), used), (vec![&b"1-1"[..]], text.len()));
        assert!(parse(b"-ERR no\r\n").is_err());
        assert_eq!(parse(b":12\r\n").expect("nothing is wrong"), Some((Reply::Number(12), 5)));
    }

    #[test]
    fn a_command_is_a_list_of_its_words() {
        assert_eq!(command(&[b"GET", b"k"]), b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
    }
}
