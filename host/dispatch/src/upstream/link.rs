//! A connection of HTTP/1.1, driven by the task of the request that uses it.
//!
//! The usual way, a task for each connection, costs two switches between tasks for each request, often from one thread
//! to another; that is as much as all the rest of proxying one. Here the request polls its connection itself, and then
//! its body does. An idle one is polled by nobody: whether it was closed meanwhile is found out when it is taken.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use http::{Request, Response};
use hyper::{
    body::Incoming,
    client::conn::{
        TrySendError,
        http1::{self, Connection, SendRequest},
    },
};
use hyper_util::rt::TokioIo;
use switchyard_runtime::Body;

use super::{HEAD_MAX, bell::Bell, stream::Stream};

/// How often a connection is polled at once that has something to do each time, before others have their turn.
const TURNS_MAX: usize = 4;

/// The connection.
pub(super) struct Link {
    sender: SendRequest<Body>,
    /// None once it is closed.
    connection: Option<Box<Connection<TokioIo<Stream>, Body>>>,
    bell: Arc<Bell>,
    /// The bell's.
    waker: Waker,
}

// === impl Link ===

impl Link {
    /// Begins to speak HTTP/1.1; nothing is sent yet.
    pub(super) async fn open(stream: Stream) -> hyper::Result<Self> {
        let (sender, connection) = handshake(stream).await?;
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(Arc::clone(&bell));
        Ok(Self { sender, connection: Some(Box::new(connection)), bell, waker })
    }

    /// Sends a request, and answers the head of its response. Without an answer the connection is of no use any more.
    pub(super) async fn send(
        mut self,
        request: Request<Body>,
    ) -> Result<(Response<Incoming>, Self), TrySendError<Request<Body>>> {
        let response = {
            let mut response = pin!(self.sender.try_send_request(request));
            poll_fn(|cx| self.poll(cx, |cx| response.as_mut().poll(cx))).await?
        };
        Ok((response, self))
    }

    /// Polls for what has to come over this connection, and the connection for it.
    pub(super) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut wanted: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        // What rings while we are here is heard without being woken for it.
        self.bell.mute();
        self.bell.heard();
        for _ in 0..TURNS_MAX {
            self.turn();
            if let Poll::Ready(found) = wanted(&mut Context::from_waker(&self.waker)) {
                return Poll::Ready(found);
            }
            if self.bell.heard() {
                continue;
            }
            self.bell.listen(cx.waker());
            if !self.bell.heard() {
                return Poll::Pending;
            }
            self.bell.mute();
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// As [`poll`](Self::poll), for what may be there already, once and without waiting for more.
    pub(super) fn look<T>(&mut self, mut wanted: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        wanted(&mut Context::from_waker(&self.waker))
    }

    /// Has the connection do what it can do now.
    pub(super) fn turn(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        if Pin::new(&mut **connection).poll(&mut Context::from_waker(&self.waker)).is_ready() {
            // An error has been told to whom it concerns: the request, or its body.
            self.connection = None;
        }
    }

    /// Whether another request can be sent, now that a response has ended.
    pub(super) fn can_rest(&mut self) -> bool {
        if !self.sender.is_ready() {
            self.turn();
        }
        self.bell.mute();
        self.connection.is_some() && self.sender.is_ready()
    }

    /// Whether another request can be sent, now that it was idle for a while.
    pub(super) fn is_usable(&mut self) -> bool {
        if self.bell.heard() {
            self.turn();
        }
        self.connection.is_some() && self.sender.is_ready()
    }

    /// Goes on by itself: the response is there and the request's body is not, and whoever reads the one may wait for
    /// the other to be taken.
    pub(super) fn detach(self, guard: impl Send + 'static) {
        if let Some(connection) = self.connection {
            tokio::spawn(async move {
                let _guard = guard;
                let _ = connection.await;
            });
        }
    }
}

/// Sends a request over a new connection that may become something else; the connection goes on by itself.
pub(super) async fn send_upgrade(stream: Stream, request: Request<Body>) -> hyper::Result<Response<Incoming>> {
    let (mut sender, connection) = handshake(stream).await?;
    tokio::spawn(connection.with_upgrades());
    sender.send_request(request).await
}

async fn handshake(stream: Stream) -> hyper::Result<(SendRequest<Body>, Connection<TokioIo<Stream>, Body>)> {
    // At most 100 headers, which is what is parsed without allocating.
    http1::Builder::new().max_header_size(HEAD_MAX).handshake(TokioIo::new(stream)).await
}
