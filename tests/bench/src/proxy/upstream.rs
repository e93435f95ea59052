//! The server behind all proxies: hyper, saying hello, on one thread.
//!
//! It is this program itself, as `switchyard-bench upstream http1|http2`. At `/seen` it tells what it sees of a request,
//! so that no proxy is measured that does less than the others.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Request, Response,
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::Protocol;
use crate::{http::native::hello, own};

/// What tells instead of saying hello.
const SEEN: &str = "/seen";

/// What the upstream saw of a request.
pub(super) struct Seen {
    pub(super) protocol: String,
    pub(super) forwarded_for: Option<String>,
    /// Connections that it has accepted since it started.
    pub(super) connections: u64,
}

// === impl Seen ===

impl Seen {
    /// Asks the upstream, or a proxy in front of it.
    pub(super) async fn ask(protocol: Protocol, at: SocketAddr) -> Result<Self> {
        let seen: Value = serde_json::from_slice(&protocol.get(at, SEEN).await?)?;
        Ok(Self {
            protocol: seen["protocol"].as_str().unwrap_or_default().to_owned(),
            forwarded_for: seen["forwardedFor"].as_str().map(str::to_owned),
            connections: seen["connections"].as_u64().context("connections are counted")?,
        })
    }
}

/// Serves until killed; prints its address.
pub(crate) fn serve(words: &[String]) -> Result<()> {
    let protocol = words.first().and_then(|word| Protocol::parse(word)).context("upstream http1|http2")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let accepted = Arc::new(AtomicU64::new(0));
    runtime.block_on(own::listen(|stream| {
        accepted.fetch_add(1, Relaxed);
        tokio::spawn(connection(protocol, stream, accepted.clone()));
    }))
}

async fn connection(protocol: Protocol, stream: TokioIo<TcpStream>, accepted: Arc<AtomicU64>) {
    let service = service_fn(move |request| answer(request, accepted.clone()));
    // The client closes; there is nobody to tell.
    let _ = match protocol {
        Protocol::Http1 => http1::Builder::new().timer(TokioTimer::new()).serve_connection(stream, service).await,
        Protocol::Http2 => http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await,
    };
}

async fn answer(request: Request<Incoming>, accepted: Arc<AtomicU64>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() != SEEN {
        return hello(request).await;
    }
    let forwarded_for = request.headers().get("x-forwarded-for").map(|value| String::from_utf8_lossy(value.as_bytes()));
    let seen = json!({
        "protocol": format!("{:?}", request.version()),
        "forwardedFor": forwarded_for,
        "connections": accepted.load(Relaxed),
    });
    Ok(Response::new(Full::new(seen.to_string().into())))
}
