//! The admin listener: what operators and their tools ask the host.
//!
//! It listens on loopback, or elsewhere and then lets those in who have the token; no web page of another site reaches it
//! through a browser ([`guard`]). What changes something leaves an audit event ([`audit`]).

mod activity;
mod api;
mod audit;
mod body;
mod breakers;
mod dead_letters;
mod events;
mod guard;
mod kv;
mod logs;
mod metrics;
mod openapi;
mod overview;
mod plugins;
mod query;
mod queues;
mod registrations;
mod reply;
mod routes;
mod sagas;
mod services;
mod subscriptions;
mod token;
mod traffic;
mod watch;

pub(crate) use guard::{Guard, Peer};
pub(crate) use overview::{About, Rates};
pub(crate) use query::{Query, decode_path};
pub(crate) use reply::{AnswerBody, Problem};

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use http::{
    HeaderValue, Method, Request, Response,
    header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS},
    request::Parts,
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use switchyard_core::problem::Code;
use switchyard_delivery::Delivery;
use switchyard_dispatch::Dispatcher;
use switchyard_store::Backend;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch::Receiver},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::Config,
    console::{self, Console},
    feed::Feed,
    health::{Checks, Probed},
    logs::Logs,
    metrics::Counted,
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
    /// The latest lines of services; it ends with the listener.
    pub(crate) logs: Arc<Logs>,
    /// What the console remembers between requests.
    pub(crate) console: Arc<Console>,
    /// The gateway; none in tests that have none.
    pub(crate) gateway: Option<switchyard_gateway::Handle>,
    pub(crate) store: Arc<dyn Backend>,
    /// What else is asked for figures.
    pub(crate) counted: Arc<Counted>,
    pub(crate) about: Arc<About>,
    /// What was counted of late.
    pub(crate) rates: Arc<Rates>,
    /// Who may ask.
    pub(crate) guard: Arc<Guard>,
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
    pub(crate) async fn bind(address: SocketAddr, mut sources: Sources) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!(
                "the admin API cannot listen at {address}; choose another address with --admin, or stop what holds it"
            )
        })?;
        sources.about = Arc::new(About { admin: listener.local_addr().ok(), ..(*sources.about).clone() });
        Ok(Self { listener, sources })
    }

    /// The address, with the port that was chosen.
    pub(crate) fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until `stop` is cancelled; requests under way are finished.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let (connections, places) = (TaskTracker::new(), Arc::new(Semaphore::new(CONNECTIONS_MAX)));
        let (guard, console) = (Arc::clone(&self.sources.guard), Arc::clone(&self.sources.console));
        tokio::spawn(guard.follow(console, stop.clone()));
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match (accepted, Arc::clone(&places).try_acquire_owned()) {
                (Ok((stream, peer)), Ok(place)) => {
                    let (sources, stop) = (self.sources.clone(), stop.clone());
                    connections.spawn(async move {
                        serve(stream, Peer(peer.ip()), sources, stop).await;
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
        self.sources.logs.close();
        connections.close();
        // A client that does not read its answer must not keep the host from stopping.
        let _ = tokio::time::timeout(STOP_MAX, connections.wait()).await;
    }
}

async fn serve(stream: TcpStream, peer: Peer, sources: Sources, stop: CancellationToken) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        let sources = sources.clone();
        request.extensions_mut().insert(peer);
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

/// Answers a request, and has its answer never kept, nor taken for another type than it says.
async fn answer<B>(request: Request<B>, sources: &Sources) -> Response<AnswerBody>
where
    B: http_body::Body<Data = bytes::Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send,
{
    let mut response = admitted(request, sources).await;
    let headers = response.headers_mut();
    headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn admitted<B>(request: Request<B>, sources: &Sources) -> Response<AnswerBody>
where
    B: http_body::Body<Data = bytes::Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send,
{
    let (mut parts, body) = request.into_parts();
    if let Err(refused) = sources.guard.check(&mut parts, &sources.console.sessions) {
        // A person without a session gets a page to type the token into.
        let is_for_people = matches!(parts.method, Method::GET | Method::HEAD) && console::takes(&parts);
        return match refused.code() {
            Code::MissingCredentials if is_for_people => console::login_wanted(&parts),
            _ => refused.into_response(parts.uri.path()),
        };
    }
    if console::takes(&parts) {
        return console::answer(parts, body, sources).await;
    }
    within(parts, body, sources).await
}

/// Answers a request that may be asked: one that came in, or one that the console makes of what its user does.
pub(crate) async fn within<B>(parts: Parts, body: B, sources: &Sources) -> Response<AnswerBody>
where
    B: http_body::Body<Data = bytes::Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send,
{
    let action = audit::Action::of(&parts, sources);
    let answered = async {
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
    let response = answered.await.unwrap_or_else(|problem: Problem| problem.into_response(parts.uri.path()));
    if let Some(action) = action {
        action.tell(response.status(), audit::location(response.headers())).await;
    }
    response
}

/// Reads a body into memory.
///
/// # Errors
/// When it is too long, or does not arrive.
pub(crate) async fn read<B>(body: B) -> Result<bytes::Bytes, Problem>
where
    B: http_body::Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, BODY_MAX).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let detail = format!("the body is longer than the {BODY_MAX} bytes that the admin API takes");
            Err(Problem::new(Code::PayloadTooLarge, detail))
        }
        Ok(Err(error)) => Err(Problem::new(Code::BadRequest, format!("the body did not arrive: {error}"))),
        Err(_) => Err(Problem::new(Code::RequestTimeout, "the body did not arrive in time")),
    }
}

#[cfg(test)]
pub(crate) mod tests;
