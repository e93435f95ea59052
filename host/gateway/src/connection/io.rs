//! The socket, noting in [`Activity`] that bytes move, and keeping back hyper's own answer to a head that it cannot
//! parse: that has no body, and ours is a problem document.
//!
//! It does so only until the first request of a connection is there. Nothing but that answer can be written then;
//! later, its bytes could as well be a part of what a service sends.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::Activity;

/// A watched socket.
pub(super) struct Watched {
    stream: TcpStream,
    activity: Arc<Activity>,
    /// Whether there was a request by the time of the latest write.
    begun: bool,
    /// The status of hyper's own answer, once it was kept back.
    kept_back: Option<u16>,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, activity: Arc<Activity>) -> Self {
        Self { stream, activity, begun: false, kept_back: None }
    }

    /// The status of hyper's own answer, when it was not sent.
    pub(super) fn kept_back(&self) -> Option<u16> {
        self.kept_back
    }

    /// Whether what begins with `bytes` is hyper's own answer, or follows it.
    fn keep_back(&mut self, bytes: &[u8]) -> bool {
        self.begun = self.begun || self.activity.look().requests > 0;
        if !self.begun && self.kept_back.is_none() {
            let status = bytes.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.first_chunk::<3>());
            let status = status.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
            self.kept_back = status.filter(|status| (400..500).contains(status));
        }
        self.kept_back.is_some()
    }

    pub(super) fn into_inner(self) -> TcpStream {
        self.stream
    }

    fn wrote(&self, result: io::Result<usize>) -> Poll<io::Result<usize>> {
        if result.as_ref().is_ok_and(|bytes| *bytes > 0) {
            self.activity.wrote();
        }
        Poll::Ready(result)
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            self.activity.read();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.keep_back(buf) {
            return Poll::Ready(Ok(buf.len()));
        }
        let result = ready!(Pin::new(&mut self.stream).poll_write(cx, buf));
        self.wrote(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.keep_back(bufs.first().map_or(&[], |buf| buf)) {
            return Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()));
        }
        let result = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, bufs));
        self.wrote(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.kept_back.is_some() {
            // Our answer is still to come.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
