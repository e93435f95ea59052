//! Making connections.

use std::{io, sync::Arc, time::Duration};

use switchyard_core::upstream::{Origin, Scheme};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use super::{stream::Stream, tls::Tls};

/// How long a connection may take to be made, names and TLS included.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes connections to one server.
pub(super) struct Connector {
    pub(super) origin: Origin,
    /// There when the scheme says so.
    tls: Option<Tls>,
}

/// A connection, and what is spoken over it.
pub(super) enum Connected {
    Http1(Stream),
    Http2(Stream),
}

// === impl Connector ===

impl Connector {
    pub(super) fn new(origin: Origin, tls: Option<Tls>) -> Self {
        Self { origin, tls }
    }

    /// Connects anew, names looked up anew. The error says why that failed.
    pub(super) async fn connect(&self, only_http1: bool) -> Result<Connected, String> {
        match timeout(CONNECT_TIMEOUT, self.connect_at_last(only_http1)).await {
            Ok(connected) => connected.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no connection within {CONNECT_TIMEOUT:?}")),
        }
    }

    async fn connect_at_last(&self, only_http1: bool) -> io::Result<Connected> {
        let tcp = self.tcp().await?;
        tcp.set_nodelay(true)?;
        let Some(tls) = &self.tls else {
            let stream = Stream::Plain(tcp);
            let is_http2 = self.origin.scheme == Scheme::H2c;
            return Ok(if is_http2 { Connected::Http2(stream) } else { Connected::Http1(stream) });
        };
        let connector = TlsConnector::from(Arc::clone(tls.config(only_http1)));
        let stream = connector.connect(tls.name.clone(), tcp).await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let stream = Stream::Tls(Box::new(stream));
        Ok(if is_http2 { Connected::Http2(stream) } else { Connected::Http1(stream) })
    }

    /// Tries all addresses of the host, each for its part of the time: a dead one does not use it up.
    async fn tcp(&self) -> io::Result<TcpStream> {
        let Origin { host, port, .. } = &self.origin;
        let addresses: Vec<_> = tokio::net::lookup_host((host.as_str(), *port)).await?.collect();
        let each = CONNECT_TIMEOUT / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        let mut last = io::Error::new(io::ErrorKind::NotFound, format!("{host} has no address"));
        for address in addresses {
            match timeout(each, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(_) => last = io::Error::new(io::ErrorKind::TimedOut, format!("{address} did not answer")),
            }
        }
        Err(last)
    }
}
