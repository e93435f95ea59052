//! The clients of all proxies: each asks for a hello, and looks whether it gets one.

use std::net::SocketAddr;

use anyhow::{Result, ensure};

use crate::{
    client::{http::Http, http2::Http2},
    load::closed_loop::Client,
};

/// Clients that share an HTTP/2 connection.
const SHARING: usize = 8;

/// Over HTTP/1.1, on a connection of its own.
pub(super) struct Hello1(Http);

/// Over HTTP/2, on a connection that it shares.
pub(super) struct Hello2(Http2);

// === impl Hello1 ===

impl Client for Hello1 {
    type Target = SocketAddr;

    async fn connect(to: &SocketAddr) -> Result<Self> {
        Ok(Self(Http::connect(*to).await?))
    }

    async fn once(&mut self) -> Result<u64> {
        is_hello(&self.0.get("/").await?)
    }
}

// === impl Hello2 ===

impl Client for Hello2 {
    type Target = SocketAddr;

    async fn connect(to: &SocketAddr) -> Result<Self> {
        Ok(Self(Http2::connect(*to).await?))
    }

    async fn connect_all(to: &SocketAddr, clients: usize) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        while all.len() < clients {
            let client = Http2::connect(*to).await?;
            let sharing = SHARING.min(clients - all.len());
            all.extend((0..sharing).map(|_| Self(client.clone())));
        }
        Ok(all)
    }

    async fn once(&mut self) -> Result<u64> {
        is_hello(&self.0.get("/").await?)
    }
}

fn is_hello(body: &[u8]) -> Result<u64> {
    ensure!(body == b"hello", "the answer is no hello: {}", String::from_utf8_lossy(body));
    Ok(1)
}
