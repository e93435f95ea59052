//! HTTP/2: many requests at once on one connection, each on a task of its own.
//!
//! h2 keeps the protocol's own limits: it answers one ping and one SETTINGS at a time, ends a connection whose client
//! resets streams faster than they are begun, and one whose headers go on and on. What is said here is how much of each.

use std::{convert::Infallible, pin::Pin, sync::Arc, time::Duration};

use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::oneshot;

use super::{Close, Connection, stream::Stream};
use crate::{
    connections::{Executor, Streams},
    request,
    response::{Refusal, ResponseBody},
    validate,
};

/// Requests under way at one time; a client that knows no better may send as many more until it is told.
const STREAMS_MAX: u32 = 100;

/// Streams that the client has reset before they were looked at, and ones that were reset since the client broke the
/// rules; with more, the connection ends (CVE-2023-44487 and its kin).
const RESETS_PENDING_MAX: usize = 20;
const RESETS_FOR_ERRORS_MAX: usize = 100;

/// What a client may send ahead of being read, in bytes: on one stream, and on all together.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;

/// What is kept of a response ahead of the socket, in bytes.
const SEND_BUFFER: usize = 64 << 10;

/// The largest frame that is taken, in bytes; the smallest limit there may be.
const FRAME_MAX: u32 = 16 << 10;

/// How often a client is asked whether it is there, and how long it may take to say so: one that went away without a
/// word goes, and one that does not read its socket, or leaves a frame unfinished.
const PING_PERIOD: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) async fn serve(
    stream: Stream,
    connection: Arc<Connection>,
    streams: Arc<Streams>,
    close: oneshot::Receiver<Close>,
) {
    // No request is under way, and its head is not awaited: that comes in one with others.
    connection.activity.finish();
    let options = &connection.shared.options;
    let mut builder = http2::Builder::new(Executor::new(Arc::clone(&streams)));
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(options.header_max).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(RESETS_PENDING_MAX)
        .max_local_error_reset_streams(RESETS_FOR_ERRORS_MAX)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_frame_size(FRAME_MAX)
        .keep_alive_interval(PING_PERIOD)
        .keep_alive_timeout(PING_TIMEOUT);
    // Whatever ends the connection ends its requests.
    let _cut = streams.cut_on_drop();
    let service = service_fn(move |request| {
        // The watch sees each stream for itself.
        let connection = Arc::new(connection.of_stream(streams.begin()));
        async move { Ok::<_, Infallible>(answer(connection, request).await) }
    });
    let mut serving = builder.serve_connection(TokioIo::new(stream.unwatched()), service);
    let ended = tokio::select! {
        biased;
        result = &mut serving => Some(result),
        _ = close => None,
    };
    let result = match ended {
        Some(result) => result,
        None => {
            // The client is told which of its requests are still taken, and the others can be sent elsewhere.
            Pin::new(&mut serving).graceful_shutdown();
            (&mut serving).await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "connection ended");
    }
}

async fn answer(connection: Arc<Connection>, mut request: http::Request<Incoming>) -> http::Response<ResponseBody> {
    match validate::http2(&mut request) {
        Ok(()) => request::handle(connection, request).await,
        Err(violation) => request::refuse(connection, &request, Refusal::new(violation.code(), violation)),
    }
}
