//! A copy of a request for another service, whose answer nobody waits for.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use http::Request;
use switchyard_core::route::action::Mirror;
use switchyard_dispatch::{Body, CallError, RouteTarget, Service};

use crate::{
    request::{Exchange, held, ids},
    response::Refusal,
};

/// Sends the copy, if chance wants it and the body can be held, and gives the request back.
pub(super) async fn send(
    exchange: &Exchange,
    route: &RouteTarget,
    mirror: &Mirror<Arc<Service>>,
    request: Request<Body>,
) -> Result<Request<Body>, Refusal> {
    if ids::chance() % 100 >= u64::from(mirror.percent) {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let deadline = exchange.deadline(Some(&route.rules));
    let (body, bytes) = held::hold(body, deadline).await.map_err(CallError::Body)?;
    let shared = exchange.shared();
    match bytes {
        None => _ = shared.unmirrored.fetch_add(1, Relaxed),
        Some(bytes) => {
            let mut copy = Request::new(Body::full(bytes));
            *copy.method_mut() = parts.method.clone();
            *copy.uri_mut() = parts.uri.clone();
            *copy.headers_mut() = parts.headers.clone();
            let context = exchange.context(deadline, exchange.body_max(Some(&route.rules)));
            // One that finds no room is counted by the dispatcher.
            shared.dispatcher.mirror(&mirror.service, context, copy);
        }
    }
    Ok(Request::from_parts(parts, body))
}
