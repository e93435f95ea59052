//! `/health` and `/services`, which always answer: before any plugin's route, and whatever state the host is in.
//!
//! They are looked up ahead of the routes, by the exact path and for all hosts and methods. A route of a plugin or
//! the configuration for exactly `/health` or `/services` therefore never gets a request; one that is wider, such
//! as `/*`, gets all others, and one below, such as `/health/db`, is not touched. Such a route is no error here:
//! plugins written for a host of their own often have a `/health`, which the host itself asks for their health.

mod services;

use http::{HeaderValue, Method, Response, StatusCode, header::CONTENT_TYPE};
use serde::Serialize;
use switchyard_core::health::Report;
use switchyard_dispatch::Body;

use crate::{
    handle::Shared,
    response::{Answer, Refusal},
};

/// The answer, when the path is one of ours.
///
/// # Errors
/// When it is, and the method is neither GET nor HEAD.
pub(crate) fn answer(shared: &Shared, method: &Method, path: &str) -> Result<Option<Answer>, Refusal> {
    let make: fn(&Shared) -> Answer = match path {
        "/health" => health,
        "/services" => services,
        _ => return Ok(None),
    };
    if matches!(*method, Method::GET | Method::HEAD) {
        Ok(Some(make(shared)))
    } else {
        Err(Refusal::method_not_allowed(method, "GET, HEAD"))
    }
}

fn health(shared: &Shared) -> Answer {
    let state = shared.state();
    let status = state.status();
    let report = Report {
        status,
        uptime: shared.started.elapsed().as_secs_f64(),
        version: shared.options.version,
        dependencies: &state.dependencies,
        metrics: shared.stats.metrics(),
    };
    json(StatusCode::from_u16(status.http_status()).unwrap_or(StatusCode::OK), &report)
}

fn services(shared: &Shared) -> Answer {
    json(StatusCode::OK, &services::list(&shared.dispatcher.snapshot(), &shared.state().services))
}

fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let mut response = Response::new(Body::full(serde_json::to_vec(value).unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
