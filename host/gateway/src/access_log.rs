//! One line for each request, on standard output, once its response has left; off, it costs one comparison.
//!
//! Requests never wait for whoever reads the lines ([`writer`]). **Invariant**: a line has no query, no header of
//! credentials and nothing of a body, and what a client wrote cannot look like another field or line.

mod line;
mod writer;

use std::{sync::Arc, time::SystemTime};

use http::{HeaderValue, Request, StatusCode, Version, header::USER_AGENT};
use switchyard_core::timestamp::Timestamp;
use tokio::time::Instant;

use self::line::Line;
pub(crate) use self::writer::Writer;
use crate::{
    connection::Connection,
    policy::{AccessLog, Policy},
    request::Exchange,
};

/// What a line says of a request's head, which is gone when it is written.
pub(crate) struct Heard {
    time: SystemTime,
    version: Version,
    agent: Option<HeaderValue>,
}

/// A line that waits for the end of its response.
pub(crate) struct Pending {
    line: Line,
    format: AccessLog,
    began: Instant,
    connection: Arc<Connection>,
}

/// Listens to a head, if there will be a line.
pub(crate) fn hear<B>(policy: &Policy, request: &Request<B>) -> Option<Box<Heard>> {
    policy.access_log.is_on().then(|| {
        let agent = request.headers().get(USER_AGENT).cloned();
        Box::new(Heard { time: SystemTime::now(), version: request.version(), agent })
    })
}

/// Begins the line of a request whose response's head is there. It is written when this is dropped.
pub(crate) fn begin(exchange: &Exchange, status: StatusCode) -> Option<Box<Pending>> {
    let heard = exchange.heard.as_ref()?;
    let agent = heard.agent.as_ref().map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned());
    let line = Line {
        time: Timestamp::from(heard.time),
        client: exchange.client.address,
        scheme: exchange.client.scheme,
        method: exchange.method.clone(),
        path: exchange.uri.path().to_owned(),
        version: version(heard.version),
        status: status.as_u16(),
        bytes: 0,
        seconds: 0.0,
        route: exchange.route().cloned(),
        service: exchange.service().map(|service| service.name().clone()),
        request_id: Arc::clone(&exchange.ids.request_id),
        trace_id: exchange.ids.trace_id().to_owned(),
        agent,
    };
    let format = exchange.policy().access_log;
    Some(Box::new(Pending { line, format, began: exchange.started, connection: Arc::clone(&exchange.connection) }))
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

// === impl Pending ===

impl Pending {
    /// So many bytes of the response's body were handed on to the client.
    pub(crate) fn passed(&mut self, bytes: usize) {
        self.line.bytes += bytes as u64;
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.line.seconds = self.began.elapsed().as_secs_f64();
        let text = match self.format {
            AccessLog::Off => return,
            AccessLog::Text => self.line.to_text(),
            AccessLog::Json => self.line.to_json(),
        };
        self.connection.shared.access_log.write(text);
    }
}
