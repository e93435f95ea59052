//! One connection: HTTP/1.1 from its first byte to its last, on one task.

mod activity;
mod end;
mod io;

use std::{convert::Infallible, net::SocketAddr, pin::Pin, sync::Arc};

use http::HeaderValue;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::oneshot};

pub(crate) use self::activity::{Activity, Phase, Responding, Seen, Upload};
use self::io::Watched;
use crate::{handle::Shared, request};

/// The smallest head buffer that hyper takes.
const HEADER_MAX_FLOOR: usize = 8 << 10;

/// What the requests of one connection share.
pub(crate) struct Connection {
    pub(crate) shared: Arc<Shared>,
    pub(crate) activity: Arc<Activity>,
    /// The client's address without its port, as `X-Forwarded-For` says it.
    pub(crate) forwarded_for: HeaderValue,
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
        let address = peer.ip().to_canonical().to_string();
        let forwarded_for = HeaderValue::try_from(address).expect("an address is visible ASCII");
        Self { shared, activity, forwarded_for }
    }
}

/// Serves a connection until its client closes it, or `close` says so.
pub(crate) async fn run(stream: TcpStream, connection: Connection, close: oneshot::Receiver<Close>) {
    let connection = Arc::new(connection);
    let activity = Arc::clone(&connection.activity);
    let mut builder = http1::Builder::new();
    builder
        .max_buf_size(connection.shared.options.header_max.max(HEADER_MAX_FLOOR))
        // hyper's own would need a Timer, allocate one for each request, and cut idle connections after the same
        // time; the watch over all connections keeps both limits.
        .header_read_timeout(None);
    let service = service_fn(move |request| {
        let connection = Arc::clone(&connection);
        async move { Ok::<_, Infallible>(request::handle(&connection, request).await) }
    });
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&activity)));
    let mut serving = builder.serve_connection(io, service);
    let word = tokio::select! {
        biased;
        result = &mut serving => Err(result),
        word = close => Ok(word),
    };
    let result = match word {
        Err(result) => result,
        Ok(Ok(Close::HeadOverdue)) if activity.look().phase == Phase::Head => {
            let stream = serving.into_parts().io.into_inner().into_inner();
            return end::refuse_late_head(stream, &activity).await;
        }
        Ok(_) => {
            Pin::new(&mut serving).graceful_shutdown();
            (&mut serving).await
        }
    };
    // A client that sent more than was read would lose the response to a reset.
    let unread = activity.upload() != Upload::Done || result.as_ref().is_err_and(hyper::Error::is_parse);
    if let Err(error) = &result {
        tracing::debug!(%error, "connection ended");
    }
    if unread {
        end::linger(serving.into_parts().io.into_inner().into_inner()).await;
    }
}
