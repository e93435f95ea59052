//! A request's way to its service.

mod body;
mod check;
mod headers;
mod ids;
mod target;
mod trace;

use std::sync::Arc;

use http::{Method, Request, Response};
use hyper::body::{Body as _, Incoming};
use switchyard_core::{problem::Code, route::Lookup};
use switchyard_dispatch::{CallContext, Service};
use tokio::time::Instant;

pub(crate) use self::{
    headers::{is_hop_by_hop, remove_listed_in_connection},
    ids::Ids,
};
use crate::{
    access_log, builtin,
    connection::{Connection, Upload},
    response::{self, Refusal, ResponseBody},
};

/// What is known of one request and its response outside of themselves.
pub(crate) struct Exchange {
    pub(crate) started: Instant,
    pub(crate) ids: Ids,
    pub(crate) method: Method,
    /// The target as it was sent: what problems and the access log show.
    pub(crate) uri: http::Uri,
    /// Kept for the access log only.
    pub(crate) service: Option<Arc<Service>>,
}

/// Answers one request; every response leaves through here, and is counted here.
pub(crate) async fn handle(connection: &Connection, request: Request<Incoming>) -> Response<ResponseBody> {
    let mut exchange = Exchange {
        started: Instant::now(),
        ids: Ids::new(request.headers()),
        method: request.method().clone(),
        uri: request.uri().clone(),
        service: None,
    };
    connection.activity.begin(if request.body().is_end_stream() { Upload::Done } else { Upload::Unread });
    let span = tracing::debug_span!("request", id = &*exchange.ids.request_id);
    let answer = if span.is_disabled() {
        forward(connection, &mut exchange, request).await
    } else {
        use tracing::Instrument;
        Box::pin(forward(connection, &mut exchange, request).instrument(span)).await
    };
    let response = response::finish(connection, &exchange, answer);
    let latency = exchange.started.elapsed();
    connection.shared.stats.record(response.status().as_u16(), latency);
    access_log::record(connection, &exchange, response.status(), latency);
    response
}

/// Checks and routes a request, and has it called.
async fn forward(
    connection: &Connection,
    exchange: &mut Exchange,
    request: Request<Incoming>,
) -> Result<response::Answer, Refusal> {
    let shared = &*connection.shared;
    let options = &shared.options;
    let (mut parts, incoming) = request.into_parts();
    check::path(&parts.uri)?;
    let host = check::host(&parts)?;
    check::length(&parts.headers)?;
    if let Some(response) = builtin::answer(shared, &exchange.method, exchange.uri.path())? {
        return Ok(response);
    }
    let body = body::limit(incoming, options.body_max, &connection.activity)?;

    let snapshot = shared.dispatcher.snapshot();
    let found =
        snapshot.routes.find(host.as_ref().map_or("", check::Host::as_str), parts.method.as_str(), parts.uri.path());
    let route = match found {
        Lookup::Found(route) => route,
        Lookup::MethodNotAllowed { allow } => return Err(Refusal::method_not_allowed(&exchange.method, allow)),
        Lookup::NotFound => {
            let what = format!("no route takes {} {}", exchange.method, exchange.uri.path());
            return Err(Refusal::new(Code::RouteNotFound, what));
        }
    };
    if options.access_log {
        exchange.service = Some(Arc::clone(&route.service));
    }

    headers::clean(&mut parts.headers);
    headers::stamp(&mut parts.headers, &exchange.ids, &connection.forwarded_for, host.map(check::Host::into_value));
    parts.uri = target::origin_form(&parts.uri, route.strip_prefix.as_deref());
    let cx = CallContext {
        request_id: Arc::clone(&exchange.ids.request_id),
        traceparent: Some(Arc::clone(&exchange.ids.traceparent)),
        ancestors: Arc::default(),
        deadline: exchange.started + route.timeout.unwrap_or(options.request_timeout),
        body_max: usize::try_from(options.body_max).unwrap_or(usize::MAX),
        show_backtrace: options.show_backtraces,
        cause: None,
        handled: None,
    };
    let result = shared.dispatcher.call(&route.service, cx, Request::from_parts(parts, body)).await;
    // Whatever the service made of the part it saw, the client sent too much.
    if connection.activity.upload() == Upload::TooLarge {
        return Err(Refusal::too_large(options.body_max));
    }
    Ok(result?)
}
