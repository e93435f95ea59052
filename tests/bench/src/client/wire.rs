//! A connection, and what has arrived on it and is not understood yet.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A whole frame and how many bytes it took; nothing when it has not arrived completely.
pub(super) type Parsed<T> = Result<Option<(T, usize)>>;

pub(super) struct Wire {
    stream: TcpStream,
    unread: BytesMut,
}

// === impl Wire ===

impl Wire {
    pub(super) async fn connect(to: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, unread: BytesMut::with_capacity(16 << 10) })
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// Waits for the next frame.
    pub(super) async fn read<T>(&mut self, parse: impl Fn(&[u8]) -> Parsed<T>) -> Result<T> {
        loop {
            if let Some(frame) = self.arrived(&parse)? {
                return Ok(frame);
            }
            ensure!(self.stream.read_buf(&mut self.unread).await? > 0, "the server closed the connection");
        }
    }

    /// The next frame, if it is here already.
    pub(super) fn arrived<T>(&mut self, parse: impl Fn(&[u8]) -> Parsed<T>) -> Result<Option<T>> {
        let Some((frame, used)) = parse(&self.unread)? else { return Ok(None) };
        self.unread.advance(used);
        Ok(Some(frame))
    }
}

/// The bytes before the first CR LF, and how many they are with it.
pub(super) fn line(bytes: &[u8]) -> Option<(&str, usize)> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    // What is no text matches nothing that is looked for.
    Some((std::str::from_utf8(&bytes[..end]).unwrap_or_default(), end + 2))
}
