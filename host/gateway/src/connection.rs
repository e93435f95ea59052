//! One connection, on one task.

mod activity;
mod begin;
mod bridge;
mod end;
mod http1;
mod http2;
mod io;
mod stream;

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use http::HeaderValue;
use tokio::{net::TcpStream, sync::oneshot};

pub(crate) use self::activity::{Activity, Phase, Responding, Seen, Upload};
use self::begin::Protocol;
use crate::{connections::Streams, handle::Shared, request::Switched};

/// What the requests of one connection share; of HTTP/2 each has one of its own, with its own notes.
pub(crate) struct Connection {
    pub(crate) shared: Arc<Shared>,
    pub(crate) activity: Arc<Activity>,
    /// Whoever is at the other end, without the port.
    pub(crate) peer: IpAddr,
    /// `http` or `https`.
    pub(crate) scheme: &'static str,
    /// The peer, as `X-Forwarded-For` says it.
    pub(crate) forwarded_for: HeaderValue,
    /// What the connection is bridged to when its last response has left.
    switched: Mutex<Option<Switched>>,
}

/// Why a connection is told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Close {
    /// It finishes the request under way, if there is one.
    WhenIdle,
    /// Its client takes too long over a request's head.
    HeadOverdue,
}

impl Connection {
    pub(crate) fn new(shared: Arc<Shared>, activity: Arc<Activity>, peer: SocketAddr) -> Self {
        let peer = peer.ip().to_canonical();
        let forwarded_for = HeaderValue::try_from(peer.to_string()).expect("an address is visible ASCII");
        let scheme = if shared.tls.is_some() { "https" } else { "http" };
        Self { shared, activity, peer, scheme, forwarded_for, switched: Mutex::default() }
    }

    /// The same with the notes of one stream.
    fn of_stream(&self, activity: Arc<Activity>) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            activity,
            peer: self.peer,
            scheme: self.scheme,
            forwarded_for: self.forwarded_for.clone(),
            switched: Mutex::default(),
        }
    }

    /// Has the connection bridged once the response has left that says so.
    pub(crate) fn switch(&self, to: Switched) {
        *self.switched.lock().unwrap_or_else(PoisonError::into_inner) = Some(to);
    }

    fn take_switched(&self) -> Option<Switched> {
        self.switched.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Serves a connection until its client closes it, or `close` says so.
pub(crate) async fn run(
    socket: TcpStream,
    connection: Connection,
    streams: Arc<Streams>,
    mut close: oneshot::Receiver<Close>,
) {
    let connection = Arc::new(connection);
    let begun = tokio::select! {
        biased;
        begun = begin::begin(socket, &connection) => begun,
        // Whatever the word is, nothing has come that could be answered.
        _ = &mut close => None,
    };
    match begun {
        Some((stream, Protocol::Http1)) => http1::serve(stream, connection, close).await,
        Some((stream, Protocol::Http2)) => Box::pin(http2::serve(stream, connection, streams, close)).await,
        None => {}
    }
}
