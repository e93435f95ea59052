//! Which route takes a request.

use http::{HeaderMap, Method, header::HOST, request::Parts};
use switchyard_core::{problem::Code, route::Lookup};
use switchyard_dispatch::{RouteTarget, Snapshot};

use super::headers;
use crate::response::Refusal;

/// Looks it up by the head as services would get it.
pub(super) fn find<'a>(snapshot: &'a Snapshot, head: &Parts) -> Lookup<'a, RouteTarget> {
    let has = |asked: &_| headers::has(&head.headers, asked);
    snapshot.routes.find(host(&head.headers), head.method.as_str(), head.uri.path(), &has)
}

/// The route, or what the client is told without one.
///
/// # Errors
/// When there is none.
pub(super) fn found<'a>(
    lookup: Lookup<'a, RouteTarget>,
    method: &Method,
    path: &str,
) -> Result<&'a RouteTarget, Refusal> {
    match lookup {
        Lookup::Found(route) => Ok(route),
        Lookup::MethodNotAllowed { allow } => Err(Refusal::method_not_allowed(method, allow)),
        Lookup::NotFound => Err(Refusal::new(Code::RouteNotFound, format!("no route takes {method} {path}"))),
    }
}

/// The host that a request is for; it was checked.
pub(super) fn host(headers: &HeaderMap) -> &str {
    headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
}
