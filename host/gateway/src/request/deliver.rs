//! The last step of a request: what its route says is done.

mod mirror;
mod redirect;

use std::net::IpAddr;

use http::Request;
use switchyard_core::{balance, problem::Code, route::action::Destination};
use switchyard_dispatch::{Body, CallOptions, RouteTarget};

use super::{Exchange, ids, target, upgrade};
use crate::response::{Answer, Refusal};

/// Sends the client elsewhere, or has the request answered by the route's service.
pub(super) async fn deliver(
    exchange: &Exchange,
    route: &RouteTarget,
    request: Request<Body>,
) -> Result<Answer, Refusal> {
    let service = match &route.to {
        Destination::Service(service) => service,
        Destination::Split(split) => split.pick(ids::chance()),
        Destination::Redirect(redirect) => return redirect::answer(exchange, route, redirect, &request),
    };
    let (mut parts, body) = request.into_parts();
    parts.uri = target::of_service(&parts.uri, route).ok_or_else(|| {
        let what = "the route's rewrite makes no valid path of this one";
        Refusal::new(Code::Internal, what)
    })?;
    let mut request = Request::from_parts(parts, body);
    let rules = Some(&*route.rules);
    if let Some(mirror) = &route.mirror {
        request = mirror::send(exchange, route, mirror, request).await?;
    }
    upgrade::keep(exchange, service, request.headers_mut())?;
    exchange.note_service(service);
    let context = exchange.context(exchange.deadline(rules), exchange.body_max(rules));
    let options = CallOptions { retry: route.rules.retry.as_ref(), affinity: Some(affinity(exchange.client.address)) };
    Ok(exchange.shared().dispatcher.call_with(service, context, request, options).await?)
}

/// What a balancer that keeps callers together knows a client by.
fn affinity(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(v4) => balance::hash(&v4.octets()),
        IpAddr::V6(v6) => balance::hash(&v6.octets()),
    }
}
