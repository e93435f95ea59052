//! The listening socket.

use std::{io, net::SocketAddr, time::Duration};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

/// Connections that the kernel completes ahead of us.
const BACKLOG: i32 = 1024;

/// The longest pause after a failed accept: descriptors that ran out are freed by connections that end.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// A listening socket that rests when accepting fails.
pub(crate) struct Listener {
    inner: TcpListener,
    pause: Duration,
}

impl Listener {
    /// Listens at an address; SO_REUSEADDR lets a restarted host take it while old connections linger.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(Self { inner: TcpListener::from_std(socket.into())?, pause: Duration::ZERO })
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    /// The next connection. Errors are of one connection, or of the whole process (no descriptors): after each the
    /// next try waits twice as long, from 5 ms to 1 s.
    pub(crate) async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            if !self.pause.is_zero() {
                tokio::time::sleep(self.pause).await;
            }
            match self.inner.accept().await {
                Ok((stream, peer)) => {
                    self.pause = Duration::ZERO;
                    // Small responses must not wait for the client's delayed acknowledgement.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
                    }
                    return (stream, peer);
                }
                Err(error) => {
                    self.pause = (self.pause * 2).clamp(Duration::from_millis(5), PAUSE_MAX);
                    tracing::warn!(%error, pause = ?self.pause, "cannot accept a connection");
                }
            }
        }
    }
}
