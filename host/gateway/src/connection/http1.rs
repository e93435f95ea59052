//! HTTP/1.1 from a connection's first byte to its last.

use std::{convert::Infallible, pin::Pin, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use switchyard_core::problem::Code;
use tokio::sync::oneshot;

use super::{Close, Connection, Phase, bridge, end, io::Checked, stream::Stream};
use crate::{request, response::Refusal};

/// The smallest head buffer that hyper takes.
const HEADER_MAX_FLOOR: usize = 8 << 10;

pub(super) async fn serve(stream: Stream, connection: Arc<Connection>, close: oneshot::Receiver<Close>) {
    let (shared, activity) = (Arc::clone(&connection.shared), Arc::clone(&connection.activity));
    let header_max = shared.options.header_max.max(HEADER_MAX_FLOOR);
    let mut builder = http1::Builder::new();
    builder
        // The validator refuses what is longer, and tells why.
        .max_buf_size(header_max + 1)
        // hyper's own would need a Timer, allocate one for each request, and cut idle connections after the same
        // time; the watch over all connections keeps both limits.
        .header_read_timeout(None);
    let service = {
        let connection = Arc::clone(&connection);
        service_fn(move |request| {
            let connection = Arc::clone(&connection);
            async move { Ok::<_, Infallible>(request::handle(connection, request).await) }
        })
    };
    let io = TokioIo::new(Checked::new(stream, Arc::clone(&activity), header_max));
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
            let io = serving.into_parts().io.into_inner();
            let refusal = Refusal::new(Code::RequestTimeout, "the request's head did not arrive in time");
            let (head, waited) = (io.held().to_vec(), shared.options.header_timeout);
            return end::refuse(io.into_stream(), &shared, &head, refusal, waited).await;
        }
        Ok(_) => {
            Pin::new(&mut serving).graceful_shutdown();
            (&mut serving).await
        }
    };
    if let Err(error) = &result {
        tracing::debug!(%error, "connection ended");
    }
    let parts = serving.into_parts();
    let (io, left) = (parts.io.into_inner(), parts.read_buf);
    if let Some(switched) = connection.take_switched() {
        let early = [&left, io.held()].concat();
        bridge::run(io.into_stream(), &early, switched, &activity).await;
    } else if let Some(violation) = io.violation() {
        let refusal = Refusal::new(violation.code(), violation);
        let head = io.held().to_vec();
        // It took no time: a head is refused by the read that shows it to be wrong.
        end::refuse(io.into_stream(), &shared, &head, refusal, Duration::ZERO).await;
    } else if io.has_unread() || !left.is_empty() {
        // A client that sent more than was read would lose the response to a reset.
        end::linger(io.into_stream()).await;
    }
}
