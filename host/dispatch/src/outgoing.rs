//! Requests that guests send: to other services without leaving the process, to allowed hosts over the network.

use std::{
    collections::HashMap,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use http::{HeaderMap, Request, Response, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, dns::Name},
    },
    rt::{TokioExecutor, TokioTimer},
};
use switchyard_core::{name::ServiceName, outbound::AllowList};
use switchyard_runtime::{
    Body,
    ports::{Caller, OutgoingError, OutgoingHttp},
};
use tokio::time::Instant;

use crate::{dispatcher::Dispatcher, error::CallError, trace};

/// How long a connection to another host may take to be made.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection to another host is kept for the next request.
pub(crate) const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Idle connections kept for each host that a service calls.
pub(crate) const POOL_IDLE_PER_HOST: usize = 8;

/// Headers that speak of one connection only (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [header::HeaderName; 7] = [
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
];

type HttpClient = Client<HttpsConnector<HttpConnector<Resolver>>, Body>;

/// HTTP clients, one for each service: connections are never shared between services, since each was made under
/// its own service's allow-list.
#[derive(Default)]
pub(crate) struct Network {
    clients: Mutex<HashMap<ServiceName, Arc<ServiceClient>>>,
}

struct ServiceClient {
    outbound: Arc<[String]>,
    allowed: Arc<AllowList>,
    client: HttpClient,
}

/// Resolves names, and drops the addresses that the allow-list does not cover.
#[derive(Clone)]
struct Resolver {
    allowed: Arc<AllowList>,
}

#[async_trait]
impl OutgoingHttp for Dispatcher {
    async fn send(&self, mut caller: Caller, mut request: Request<Body>) -> Result<Response<Body>, OutgoingError> {
        for name in HOP_BY_HOP {
            request.headers_mut().remove(name);
        }
        let authority = request.uri().authority().map(http::uri::Authority::as_str).unwrap_or_default();
        let sent = match ServiceName::from_internal_host(authority) {
            Some(service) => {
                trace::adopt(&mut caller.context, request.headers_mut());
                let sent = self.send_to_service(&caller, &service, request).await;
                self.note_edge(&caller, service.as_str(), &sent);
                sent
            }
            None => {
                let (host, port) = target(request.uri());
                let callee = format!("{host}:{port}");
                let span = self.tracer.outgoing(&mut caller.context, &mut request);
                let sent = self.network.send(&caller, request).await;
                trace::sent(span, &sent);
                self.note_edge(&caller, &callee, &sent);
                sent
            }
        };
        let mut response = sent?;
        strip(response.headers_mut());
        Ok(response)
    }
}

/// The host and port that a request is for.
fn target(uri: &http::Uri) -> (&str, u16) {
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    (uri.host().unwrap_or_default(), port)
}

fn strip(headers: &mut HeaderMap) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

// === impl Dispatcher ===

impl Dispatcher {
    /// Counts what became of a call for those who look at who calls whom. What was never sent is no call: a host that may
    /// not be called, and a service that there is not.
    fn note_edge(&self, caller: &Caller, callee: &str, sent: &Result<Response<Body>, OutgoingError>) {
        let has_failed = match sent {
            Ok(response) => response.status().is_server_error(),
            Err(OutgoingError::Denied(_) | OutgoingError::NotFound(_)) => return,
            Err(_) => true,
        };
        let is_live = |name: &ServiceName| self.snapshot().services.contains_key(name);
        self.edges.record(&caller.service, callee, has_failed, is_live);
    }

    async fn send_to_service(
        &self,
        caller: &Caller,
        name: &ServiceName,
        request: Request<Body>,
    ) -> Result<Response<Body>, OutgoingError> {
        let snapshot = self.snapshot();
        let Some(service) = snapshot.services.get(name) else {
            return Err(OutgoingError::NotFound(format!("there is no service '{name}'")));
        };
        let began = Instant::now();
        let called = self.call(service, caller.context.clone(), request).await;
        let status = called.as_ref().map_or_else(|error| error.code().status(), |answer| answer.status().as_u16());
        service.stats.record(status, began.elapsed());
        called.map_err(|error| {
            let text = error.to_string();
            tracing::debug!(caller = %caller.service, service = %name, error = text, "call between services failed");
            match error {
                CallError::TimedOut { .. } => OutgoingError::TimedOut(text),
                CallError::Failed { .. } | CallError::Body(_) => OutgoingError::Broken(text),
                CallError::Unavailable { .. }
                | CallError::Unreachable { .. }
                | CallError::BreakerOpen { .. }
                | CallError::NoHealthyInstance { .. }
                | CallError::Busy { .. }
                | CallError::TooManyHops => OutgoingError::Unavailable(text),
            }
        })
    }
}

// === impl Network ===

impl Network {
    async fn send(&self, caller: &Caller, request: Request<Body>) -> Result<Response<Body>, OutgoingError> {
        let (host, port) = target(request.uri());
        let host = host.to_owned();
        let client = self.client(caller)?;
        if !client.allowed.allows_host(&host, port) {
            let service = &caller.service;
            return Err(OutgoingError::Denied(format!(
                "the service '{service}' may not call {host}:{port}; add it to outbound under [services.{service}]"
            )));
        }
        let sent = tokio::time::timeout_at(caller.context.deadline, client.client.request(request));
        match sent.await {
            Ok(Ok(response)) => Ok(response.map(Body::stream)),
            Ok(Err(error)) if error.is_connect() => {
                Err(OutgoingError::Unavailable(format!("{host}:{port}: {}", chain(&error))))
            }
            Ok(Err(error)) => Err(OutgoingError::Broken(format!("{host}:{port}: {}", chain(&error)))),
            Err(_) => Err(OutgoingError::TimedOut(format!("{host}:{port} did not answer in time"))),
        }
    }

    /// The service's client, made anew when its allow-list has changed.
    fn client(&self, caller: &Caller) -> Result<Arc<ServiceClient>, OutgoingError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&caller.service)
            && client.outbound == caller.outbound
        {
            return Ok(client.clone());
        }
        let allowed = AllowList::parse(&caller.outbound).map_err(|error| OutgoingError::Denied(error.to_string()))?;
        let allowed = Arc::new(allowed);
        let client =
            Arc::new(ServiceClient { outbound: caller.outbound.clone(), client: http_client(&allowed), allowed });
        clients.insert(caller.service.clone(), client.clone());
        Ok(client)
    }
}

/// What went wrong, with its causes; each says only its own part.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut told: Vec<String> = causes.map(ToString::to_string).collect();
    told.dedup();
    told.join(": ")
}

fn http_client(allowed: &Arc<AllowList>) -> HttpClient {
    let mut connector = HttpConnector::new_with_resolver(Resolver { allowed: allowed.clone() });
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let connector =
        HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().wrap_connector(connector);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .pool_max_idle_per_host(POOL_IDLE_PER_HOST)
        .build(connector)
}

// === impl Resolver ===

impl tower_service::Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allowed = self.allowed.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            // The port was checked with the host; a network that was named takes any.
            let passing: Vec<_> =
                found.into_iter().filter(|found| allowed.allows_resolved(&host, found.ip())).collect();
            if passing.is_empty() {
                let text = format!("{host} has no address that may be called; name private addresses in outbound");
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
            }
            Ok(passing.into_iter())
        })
    }
}
