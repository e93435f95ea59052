//! Which path answers what.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use switchyard_core::problem::Code;

use super::{
    Sources,
    query::Query,
    reply::{Problem, json, page, text},
    routes, services,
};

/// The methods of what can only be read.
const READ_ONLY: &str = "GET, HEAD";

/// Answers a request that may ask.
///
/// # Errors
/// With the problem to answer.
pub(super) fn answer(
    method: &Method,
    path: &str,
    query: &str,
    sources: &Sources,
) -> Result<Response<Full<Bytes>>, Problem> {
    type Read = fn(&Sources, &str, &Query<'_>) -> Result<Response<Full<Bytes>>, Problem>;
    let (read, rest): (Read, &str) = match path {
        "/livez" => (livez, ""),
        "/readyz" => (readyz, ""),
        "/api/v1/plugins" => (plugins, ""),
        "/api/v1/services" => (service_list, ""),
        "/api/v1/routes" => (route_list, ""),
        path => match path.strip_prefix("/api/v1/services/").or(path.strip_prefix("/api/v1/plugins/")) {
            Some(name) if !name.is_empty() && !name.contains('/') && path.starts_with("/api/v1/s") => (service, name),
            Some(name) if !name.is_empty() && !name.contains('/') => (plugin, name),
            _ => return Err(Problem::new(Code::NotFound, "the admin API has no such path")),
        },
    };
    match *method {
        Method::GET | Method::HEAD => read(sources, rest, &Query::new(query)),
        _ => Err(Problem::method_not_allowed(READ_ONLY)),
    }
}

fn livez(_: &Sources, _: &str, _: &Query<'_>) -> Result<Response<Full<Bytes>>, Problem> {
    Ok(text(StatusCode::OK, "ok\n"))
}

fn readyz(sources: &Sources, _: &str, _: &Query<'_>) -> Result<Response<Full<Bytes>>, Problem> {
    Ok(if sources.stopping.is_cancelled() {
        text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
    } else if sources.plugins.shown().is_ready {
        text(StatusCode::OK, "ok\n")
    } else {
        text(StatusCode::SERVICE_UNAVAILABLE, "starting\n")
    })
}

fn plugins(sources: &Sources, _: &str, query: &Query<'_>) -> Result<Response<Full<Bytes>>, Problem> {
    let shown = sources.plugins.shown().plugins;
    let items = shown.iter().map(|plugin| (plugin.name.clone(), plugin)).collect();
    Ok(json(&page(items, query)?))
}

fn plugin(sources: &Sources, name: &str, _: &Query<'_>) -> Result<Response<Full<Bytes>>, Problem> {
    let shown = sources.plugins.shown().plugins;
    let found = shown.iter().find(|plugin| plugin.name == name);
    found.map(json).ok_or_else(|| Problem::new(Code::NotFound, format!("there is no plugin {name}")))
}

fn service_list(sources: &Sources, _: &str, query: &Query<'_>) -> Result<Response<Full<Bytes>>, Problem> {
    let (snapshot, checks) = (sources.dispatcher.snapshot(), sources.checks.borrow().clone());
    Ok(json(&page(services::list(&snapshot, &checks, query), query)?))
}

fn service(sources: &Sources, name: &str, _: &Query<'_>) -> Result<Response<Full<Bytes>>, Problem> {
    let (snapshot, checks) = (sources.dispatcher.snapshot(), sources.checks.borrow().clone());
    let found = services::one(&snapshot, &checks, name);
    found.map(|found| json(&found)).ok_or_else(|| Problem::new(Code::NotFound, format!("there is no service {name}")))
}

fn route_list(sources: &Sources, _: &str, query: &Query<'_>) -> Result<Response<Full<Bytes>>, Problem> {
    let snapshot = sources.dispatcher.snapshot();
    Ok(json(&page(routes::list(&snapshot), query)?))
}
