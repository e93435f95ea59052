//! Connections of HTTP/2 to one server, which many requests share.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use switchyard_runtime::Body;
use tokio::time::Instant;

use super::{HEAD_MAX, IDLE_MAX, stream::Stream};

/// Requests on one connection before another one is made; what servers usually allow.
const STREAMS_MAX: usize = 100;

/// Connections to one server; beyond what they take, requests wait in them.
const CONNECTIONS_MAX: usize = 8;

/// How much of one answer, and of all on a connection, is taken before somebody reads it.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// A server that does not answer a ping of this rhythm, while requests are under way, within this time is gone.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// The connections.
#[derive(Default)]
pub(super) struct Http2 {
    connections: Mutex<Vec<Shared>>,
    /// Held while one is made, so that the requests that come meanwhile share it.
    pub(super) opening: tokio::sync::Mutex<()>,
}

struct Shared {
    sender: SendRequest<Body>,
    streams: Arc<AtomicUsize>,
    last_use: Instant,
}

/// A request under way.
pub(super) struct StreamGuard(Arc<AtomicUsize>);

// === impl Http2 ===

impl Http2 {
    /// The connection with the fewest requests, unless it has many and another one may be made.
    pub(super) fn take(&self) -> Option<(SendRequest<Body>, StreamGuard)> {
        let now = Instant::now();
        let mut connections = self.connections();
        connections.retain(|connection| {
            let is_idle = connection.streams.load(Relaxed) == 0 && connection.last_use + IDLE_MAX < now;
            !connection.sender.is_closed() && !is_idle
        });
        let is_full = connections.len() >= CONNECTIONS_MAX;
        let best = connections.iter_mut().min_by_key(|connection| connection.streams.load(Relaxed))?;
        let has_room = best.streams.load(Relaxed) < STREAMS_MAX;
        (has_room || is_full).then(|| best.enter(now))
    }

    /// Begins to speak HTTP/2, and keeps the connection for those who come after.
    pub(super) async fn open(&self, stream: Stream) -> hyper::Result<(SendRequest<Body>, StreamGuard)> {
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(u32::try_from(HEAD_MAX).unwrap_or(u32::MAX))
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .handshake(TokioIo::new(stream))
            .await?;
        tokio::spawn(connection);
        let mut shared = Shared { sender, streams: Arc::default(), last_use: Instant::now() };
        let entered = shared.enter(shared.last_use);
        self.connections().push(shared);
        Ok(entered)
    }

    fn connections(&self) -> MutexGuard<'_, Vec<Shared>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Shared ===

impl Shared {
    fn enter(&mut self, now: Instant) -> (SendRequest<Body>, StreamGuard) {
        self.last_use = now;
        self.streams.fetch_add(1, Relaxed);
        (self.sender.clone(), StreamGuard(Arc::clone(&self.streams)))
    }
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
