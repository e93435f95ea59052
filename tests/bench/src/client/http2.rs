//! HTTP/2 in cleartext, by prior knowledge; several clients can share a connection.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

#[derive(Clone)]
pub(crate) struct Http2 {
    sender: http2::SendRequest<Empty<Bytes>>,
    authority: String,
}

// === impl Http2 ===

impl Http2 {
    pub(crate) async fn connect(to: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        // It ends with the last client; what goes wrong fails the requests.
        tokio::spawn(connection);
        Ok(Self { sender, authority: to.to_string() })
    }

    /// Gets the body of what must be a 2xx.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Bytes> {
        let request = Request::get(format!("http://{}{path}", self.authority)).body(Empty::new())?;
        self.sender.ready().await?;
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        ensure!(head.status.is_success(), "{path} answered {}: {}", head.status, String::from_utf8_lossy(&body));
        Ok(body)
    }
}
