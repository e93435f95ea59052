//! One connection: HTTP/1.1 from its first byte to its last, on one task.

mod activity;
mod end;
mod io;

use std::{convert::Infallible, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use http::HeaderValue;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use switchyard_core::problem::Code;
use tokio::{net::TcpStream, sync::oneshot};

pub(crate) use self::activity::{Activity, Phase, Responding, Seen, Upload};
use self::io::Watched;
use crate::{handle::Shared, request, response::Refusal};

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
    let (shared, activity) = (Arc::clone(&connection.shared), Arc::clone(&connection.activity));
    let header_max = shared.options.header_max.max(HEADER_MAX_FLOOR);
    let mut builder = http1::Builder::new();
    builder
        .max_buf_size(header_max)
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
            // A client that sent nothing at all is only closed.
            if activity.is_silent() {
                return;
            }
            let parts = serving.into_parts();
            let refusal = Refusal::new(Code::RequestTimeout, "the request's head did not arrive in time");
            let (stream, waited) = (parts.io.into_inner().into_inner(), shared.options.header_timeout);
            return end::refuse(stream, &shared, &parts.read_buf, refusal, waited).await;
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
    let parts = serving.into_parts();
    let watched = parts.io.into_inner();
    if let Some(status) = watched.kept_back() {
        let refusal = unparsed(status, header_max);
        // It took no time: a head is refused by the read that shows it to be wrong.
        end::refuse(watched.into_inner(), &shared, &parts.read_buf, refusal, Duration::ZERO).await;
    } else if unread {
        end::linger(watched.into_inner()).await;
    }
}

/// What a client is told when hyper answered `status` to a head that it could not parse.
fn unparsed(status: u16, header_max: usize) -> Refusal {
    // hyper says 414 for a path that no buffer of this size would hold; it is a part of the head.
    if matches!(status, 414 | 431) {
        let what = format!("the request's head is longer than {header_max} bytes, or has more than 100 headers");
        return Refusal::new(Code::HeadersTooLarge, what);
    }
    Refusal::new(Code::BadRequest, "the request's head is not valid HTTP/1.1")
}
