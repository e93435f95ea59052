//! Servers outside of the host that answer for a service.
//!
//! Requests go to them as they came, apart from what is about one connection only: their `Host` is the client's, no
//! redirect is followed, nothing is compressed or decompressed, bodies and trailers stream both ways, each side as fast
//! as the other takes it. What is sent over HTTP/1.1 is driven by the task of the request itself; HTTP/2 is shared.
//!
//! **Invariants**: nothing is repeated here that was sent, be it in part. The number of connections, the size of a head
//! and the time to connect are limited, and what waits for longer than [`IDLE_MAX`] is closed.

mod arriving;
mod bell;
mod connect;
mod failure;
mod head;
mod http2;
mod link;
mod pool;
mod server;
mod stream;
mod tls;

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, Request, Response, header::USER_AGENT};
use switchyard_core::upstream::{HealthTarget, Origin, Scheme, TlsSpec, Upstream};
use switchyard_runtime::Body;
use tokio::time::Instant;

pub(crate) use self::failure::{Failed, Failure};
use self::{server::Server, tls::Tls};
pub use self::{server::Upgraded, tls::InvalidTls};
use crate::upload::Upload;

/// The most connections of HTTP/1.1 to one upstream, idle ones included; as many as Envoy has. Clients that read slowly
/// hold one each.
pub const CONNECTIONS_MAX: usize = 1_024;

/// How long a connection waits for the next request.
pub const IDLE_MAX: Duration = Duration::from_secs(60);

/// The largest head of an answer in bytes.
pub const HEAD_MAX: usize = 64 << 10;

/// What asks for health.
const HEALTH_AGENT: HeaderValue = HeaderValue::from_static("switchyard-health");

/// Calls one upstream.
pub struct UpstreamClient {
    upstream: Arc<Upstream>,
    server: Server,
    /// Where its health is asked, when that is another server.
    health_server: Option<Server>,
}

// === impl UpstreamClient ===

impl UpstreamClient {
    /// Nothing is connected before it is called.
    pub(crate) fn new(upstream: Arc<Upstream>) -> Result<Self, InvalidTls> {
        let server = server(&upstream, &upstream.origin, upstream.server_name())?;
        let health_server = match &upstream.health {
            Some(HealthTarget::Url { origin, .. }) => Some(self::server(&upstream, origin, &origin.host)?),
            Some(HealthTarget::Path(_)) | None => None,
        };
        Ok(Self { upstream, server, health_server })
    }

    /// What it calls.
    pub fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// Sends a request, and answers with the head of its response by the deadline. `upload` watches the request's body.
    pub(crate) async fn send(
        &self,
        request: Request<Body>,
        upload: Option<&Upload>,
        deadline: Instant,
    ) -> Result<Response<Body>, Box<Failed>> {
        self.server.send(request, upload, deadline).await
    }

    /// Asks how it is, where it says.
    pub(crate) async fn probe(&self, deadline: Instant) -> Result<(), String> {
        let Some((_, path)) = self.upstream.health_question() else { return Ok(()) };
        let request = Request::get(path).header(USER_AGENT, HEALTH_AGENT).body(Body::empty());
        let request = request.map_err(|error| error.to_string())?;
        let server = self.health_server.as_ref().unwrap_or(&self.server);
        let response = server.send(request, None, deadline).await.map_err(|failed| told(failed.why))?;
        let status = response.status();
        // A long answer is not read; its connection is closed.
        if status.is_success() { Ok(()) } else { Err(format!("it answers {status}")) }
    }
}

fn told(why: Failure) -> String {
    match why {
        Failure::Busy => "all connections to it are in use".to_owned(),
        Failure::Unreachable(why) => format!("it cannot be reached: {why}"),
        Failure::Broken(why) => format!("it gave no answer: {why}"),
        Failure::TimedOut => "it did not answer in time".to_owned(),
        Failure::Upload(error) => error.to_string(),
    }
}

fn server(upstream: &Upstream, origin: &Origin, name: &str) -> Result<Server, InvalidTls> {
    let ca = upstream.tls.as_ref().and_then(|TlsSpec { ca, .. }| ca.as_deref());
    let tls = match origin.scheme {
        Scheme::Https => Some(Tls::new(&upstream.id, name, ca)?),
        Scheme::Http | Scheme::H2c => None,
    };
    Ok(Server::new(origin.clone(), tls, CONNECTIONS_MAX))
}
