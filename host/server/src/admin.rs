//! The admin listener: what operators and their tools ask the host.
//!
//! It is for this machine alone: it listens on loopback, and checks Host and Origin, so that no web page that a
//! browser here has open can reach it (DNS rebinding included).

mod api;
mod body;
mod breakers;
mod dead_letters;
mod events;
mod guard;
mod openapi;
mod plugins;
mod query;
mod queues;
mod registrations;
mod reply;
mod routes;
mod sagas;
mod services;
mod subscriptions;
mod traffic;
mod watch;

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use http::{Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use switchyard_core::problem::Code;
use switchyard_delivery::Delivery;
use switchyard_dispatch::Dispatcher;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch::Receiver},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::Config,
    feed::Feed,
    health::{Checks, Probed},
    registrations::Registrations,
    reload,
    routes::Routes,
    traffic::Traffics,
};

/// How long a client may take to send a request's head.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes that a request's head may have.
const HEADER_MAX: usize = 64 << 10;

/// The most bytes that a request's body may have: a batch of events.
const BODY_MAX: usize = 16 << 20;

/// How long a client may take to send a request's body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The most connections at the same time.
const CONNECTIONS_MAX: usize = 256;

/// How long requests under way may take to finish at a stop.
const STOP_MAX: Duration = Duration::from_secs(5);

/// The pause after the system could not accept a connection, most often for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the answers are made from.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) delivery: Arc<Delivery>,
    pub(crate) plugins: reload::Handle,
    pub(crate) checks: Receiver<Checks>,
    pub(crate) probed: Arc<Probed>,
    pub(crate) config: Receiver<Arc<Config>>,
    pub(crate) registrations: Arc<Registrations>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) traffic: Arc<Traffics>,
    /// What happens, for those who watch; it ends with the listener.
    pub(crate) feed: Arc<Feed>,
    /// Cancelled when the host begins to stop.
    pub(crate) stopping: CancellationToken,
}

/// The listener, bound.
pub(crate) struct Admin {
    listener: TcpListener,
    sources: Sources,
}

// === impl Admin ===

impl Admin {
    /// Listens at this address.
    ///
    /// # Errors
    /// When it is taken or not permitted.
    pub(crate) async fn bind(address: SocketAddr, sources: Sources) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!(
                "the admin API cannot listen at {address}; choose another address with --admin, or stop what holds it"
            )
        })?;
        Ok(Self { listener, sources })
    }

    /// The address, with the port that was chosen.
    pub(crate) fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until `stop` is cancelled; requests under way are finished.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let (connections, places) = (TaskTracker::new(), Arc::new(Semaphore::new(CONNECTIONS_MAX)));
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match (accepted, Arc::clone(&places).try_acquire_owned()) {
                (Ok((stream, _)), Ok(place)) => {
                    let (sources, stop) = (self.sources.clone(), stop.clone());
                    connections.spawn(async move {
                        serve(stream, sources, stop).await;
                        drop(place);
                    });
                }
                // Full: the connection is closed at once.
                (Ok(_), Err(_)) => {}
                (Err(error), _) => {
                    tracing::warn!(%error, "the admin API cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        self.sources.feed.close();
        connections.close();
        // A client that does not read its answer must not keep the host from stopping.
        let _ = tokio::time::timeout(STOP_MAX, connections.wait()).await;
    }
}

async fn serve(stream: TcpStream, sources: Sources, stop: CancellationToken) {
    let service = service_fn(move |request: Request<Incoming>| {
        let sources = sources.clone();
        async move { Ok::<_, Infallible>(answer(request, &sources).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection of the admin API ended");
    }
}

async fn answer<B>(request: Request<B>, sources: &Sources) -> Response<reply::AnswerBody>
where
    B: http_body::Body<Data = bytes::Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send,
{
    let (parts, body) = request.into_parts();
    let answered = async {
        guard::check(&parts.uri, &parts.headers)?;
        if plugins::is_deploy(&parts) {
            return plugins::deploy(&parts, body, sources).await;
        }
        let asked = api::Asked {
            method: &parts.method,
            path: parts.uri.path(),
            query: query::Query::new(parts.uri.query().unwrap_or_default()),
            headers: &parts.headers,
            body: read(body).await?,
        };
        api::answer(asked, sources).await
    };
    answered.await.unwrap_or_else(|problem: reply::Problem| problem.into_response(parts.uri.path()))
}

async fn read<B>(body: B) -> Result<bytes::Bytes, reply::Problem>
where
    B: http_body::Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, BODY_MAX).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let detail = format!("the body is longer than the {BODY_MAX} bytes that the admin API takes");
            Err(reply::Problem::new(Code::PayloadTooLarge, detail))
        }
        Ok(Err(error)) => Err(reply::Problem::new(Code::BadRequest, format!("the body did not arrive: {error}"))),
        Err(_) => Err(reply::Problem::new(Code::RequestTimeout, "the body did not arrive in time")),
    }
}

#[cfg(test)]
mod tests;
