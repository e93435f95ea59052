//! The socket, plain or with TLS, with what was read of it ahead of time; it notes in [`Activity`] that bytes move.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

use super::Activity;

/// A client's bytes, both ways.
pub(super) struct Stream {
    /// Comes before all that is still to be read.
    ahead: Bytes,
    socket: Socket,
    /// None when somebody else notes what is going on.
    activity: Option<Arc<Activity>>,
}

enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Calls a method of whichever socket it is.
macro_rules! either {
    ($self:ident, $method:ident ( $($argument:expr),* )) => {
        match &mut $self.socket {
            Socket::Plain(socket) => Pin::new(socket).$method($($argument),*),
            Socket::Tls(socket) => Pin::new(&mut **socket).$method($($argument),*),
        }
    };
}

// === impl Stream ===

impl Stream {
    pub(super) fn plain(socket: TcpStream, ahead: Bytes, activity: Arc<Activity>) -> Self {
        Self { ahead, socket: Socket::Plain(socket), activity: Some(activity) }
    }

    pub(super) fn tls(socket: TlsStream<TcpStream>, activity: Arc<Activity>) -> Self {
        Self { ahead: Bytes::new(), socket: Socket::Tls(Box::new(socket)), activity: Some(activity) }
    }

    /// Has these bytes read before all others.
    pub(super) fn rewind(&mut self, bytes: &[u8]) {
        self.ahead = [bytes, &self.ahead].concat().into();
    }

    /// Notes nothing from here on: what frames of HTTP/2 mean is not seen by their bytes.
    pub(super) fn unwatched(self) -> Self {
        Self { activity: None, ..self }
    }

    fn moved(&self, bytes: usize) {
        if bytes > 0
            && let Some(activity) = &self.activity
        {
            activity.moved();
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.ahead.has_remaining() {
            let length = self.ahead.len().min(buf.remaining());
            buf.put_slice(&self.ahead.split_to(length));
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(either!(self, poll_read(cx, buf)))?;
        self.moved(buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(either!(self, poll_write(cx, buf)))?;
        self.moved(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(either!(self, poll_write_vectored(cx, bufs)))?;
        self.moved(written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.socket {
            Socket::Plain(socket) => socket.is_write_vectored(),
            Socket::Tls(socket) => socket.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, poll_shutdown(cx))
    }
}
