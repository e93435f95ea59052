//! A request's way to its service, step by step.

mod body;
mod check;
mod client;
mod deliver;
mod exchange;
mod flow;
mod headers;
pub(crate) mod held;
mod identify;
mod ids;
mod route;
mod target;
mod trace;
mod upgrade;

use std::sync::Arc;

use http::{Request, Response};
use hyper::body::{Body as _, Incoming};
use switchyard_core::route::Lookup;
use switchyard_dispatch::RouteTarget;

use self::{client::Client, identify::Asked};
pub(crate) use self::{
    exchange::Exchange,
    flow::Flow,
    headers::{is_hop_by_hop, is_ours, remove_listed_in_connection},
    ids::Ids,
    trace::Leaving,
    upgrade::{Switched, agree, switched},
};
use crate::{
    access_log,
    auth::Principal,
    builtin,
    connection::{Connection, Upload},
    counts::{Counts, UnderWay},
    rate_limit::Caller,
    response::{self, Answer, Refusal, ResponseBody, grpc::RefusedWith},
};

/// Answers one request; every response leaves through here, and is counted here.
pub(crate) async fn handle(connection: Arc<Connection>, request: Request<Incoming>) -> Response<ResponseBody> {
    let exchange = Arc::new(Exchange::begin(connection, &request));
    let upload = if request.body().is_end_stream() { Upload::Done } else { Upload::Unread };
    exchange.connection.activity.begin(upload);
    let under_way = Counts::enter(&exchange.connection, &exchange.method, exchange.client.scheme);
    let span = tracing::debug_span!("request", id = &*exchange.ids.request_id);
    let answer = if span.is_disabled() {
        forward(&exchange, request).await
    } else {
        use tracing::Instrument;
        Box::pin(forward(&exchange, request).instrument(span)).await
    };
    leave(&exchange, answer, under_way)
}

/// Answers a request that is not valid.
pub(crate) fn refuse(
    connection: Arc<Connection>,
    request: &Request<Incoming>,
    refusal: Refusal,
) -> Response<ResponseBody> {
    let exchange = Exchange::begin(connection, request);
    exchange.connection.activity.begin(Upload::Done);
    let under_way = Counts::enter(&exchange.connection, &exchange.method, exchange.client.scheme);
    leave(&exchange, Err(refusal), under_way)
}

fn leave(exchange: &Exchange, answer: Result<Answer, Refusal>, under_way: UnderWay) -> Response<ResponseBody> {
    exchange.traced.answered(exchange, &answer);
    let mut response = response::finish(exchange, answer);
    response.body_mut().hold(under_way);
    let latency = exchange.started.elapsed();
    let status = response.extensions().get::<RefusedWith>().map_or(response.status(), |with| with.0);
    response.body_mut().trace(exchange.traced.leave(status));
    exchange.count(status, latency);
    response.body_mut().log(access_log::begin(exchange, status));
    response
}

/// Takes a request through all steps, in the order that each of them needs.
async fn forward(exchange: &Arc<Exchange>, request: Request<Incoming>) -> Result<Answer, Refusal> {
    let shared = exchange.shared();
    let policy = exchange.policy();
    let (mut parts, incoming) = request.into_parts();

    // What could be read in two ways is refused before anybody reads it.
    check::path(&parts.uri)?;
    let host = check::host(&parts)?;
    check::length(&parts.headers)?;

    // A preflight has no credentials, and nothing of its caller's to be counted.
    if let Some(cors) = &policy.cors
        && let Some(answer) = cors.preflight(&parts.method, &parts.headers)
    {
        return Ok(answer);
    }
    if let Some(meter) = shared.counts.own(exchange.uri.path()) {
        exchange.note_meter(meter);
    }
    // Whether the host is well can be asked by everybody, whatever state the rest is in.
    if let Some(answer) = builtin::answer(shared, &exchange.method, exchange.uri.path())? {
        return Ok(answer);
    }

    // From here on a head says what services would be told, so that nothing is decided by what they would not see.
    headers::clean_head(&mut parts.headers, &exchange.ids);
    let host = host.map(check::Host::into_value);
    exchange.client.introduce(&exchange.connection, &mut parts.headers, host);
    if !target::is_origin_form(&parts.uri)
        && let Some(uri) = target::origin_form(&parts.uri)
    {
        parts.uri = uri;
    }

    // The route says what it wants to know of a caller and how much it takes, so it is looked up this early. That there
    // is none is told to those only who may know.
    let snapshot = shared.dispatcher.snapshot();
    let lookup = route::find(&snapshot, &parts);
    let (route, rules) = match &lookup {
        Lookup::Found(route) => (Some(*route), Some(&*route.rules)),
        Lookup::MethodNotAllowed { .. } | Lookup::NotFound => (None, None),
    };
    if let Some(route) = route {
        exchange.traced.route(exchange, &route.pattern);
        exchange.note_route(route);
    }
    let body_max = exchange.body_max(rules);
    let body = body::limit(incoming, body_max, shared.options.idle_timeout, &exchange.connection.activity)?;

    let asked = Asked::of(exchange, route, parts.uri.path());
    let principal = identify::identify(exchange, asked, &parts.headers, &snapshot).await?;
    if let Some(principal) = &principal {
        principal.introduce(&mut parts.headers);
    }

    let request = Request::from_parts(parts, body);
    let is_direct = policy.middleware.is_empty() && rules.is_none_or(|rules| rules.middleware.is_empty());
    let answer = if is_direct {
        let route = route::found(lookup, &exchange.method, exchange.uri.path())?;
        limit_on_route(exchange, route, principal.as_deref())?;
        deliver::deliver(exchange, route, request).await
    } else {
        let deadline = exchange.deadline(rules);
        let flow = Flow { exchange: Arc::clone(exchange), snapshot, principal, deadline, body_max };
        Arc::new(flow).pass(request).await
    };
    // Whatever the service made of the part it saw, the client sent too much, or nobody knows how much.
    body::fault(&exchange.connection.activity, body_max).map_or(answer, Err)
}

/// Counts a request by the quota of its route, if it has one: once, also when a middleware sends it there again.
fn limit_on_route(exchange: &Exchange, route: &RouteTarget, principal: Option<&Principal>) -> Result<(), Refusal> {
    let Some(quota) = &route.rules.rate_limit else { return Ok(()) };
    let count = || {
        let caller = Caller::of(principal, exchange.client.address);
        exchange.limits().count_on(&route.id, caller, quota, exchange.started)
    };
    exchange.told_of_route(count).pass()
}
