//! Which path answers what.

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use switchyard_core::problem::Code;

use super::{
    Sources, activity, breakers, dead_letters, events, kv, logs, metrics, openapi, overview, plugins,
    query::Query,
    queues,
    reply::{AnswerBody, Problem, text},
    routes, sagas, services, subscriptions, watch,
};

/// What is answered.
pub(super) type Answer = Result<Response<AnswerBody>, Problem>;

/// A request that may ask.
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) query: Query<'a>,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: Bytes,
}

/// Answers a request.
///
/// # Errors
/// With the problem to answer.
pub(super) async fn answer(asked: Asked<'_>, sources: &Sources) -> Answer {
    let segments = segments(asked.path);
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments[..] {
        ["livez"] => asked.reading(|_| Ok(text(StatusCode::OK, "ok\n"))),
        ["openapi.json"] => asked.reading(|_| Ok(openapi::answer())),
        ["metrics"] => metrics::answer(&asked, sources).await,
        ["readyz"] => asked.reading(|_| Ok(readyz(sources))),
        ["api", "v1", "overview", ref rest @ ..] => overview::answer(&asked, rest, sources).await,
        ["api", "v1", "kv", ref rest @ ..] => kv::answer(&asked, rest, sources).await,
        ["api", "v1", "plugins", ref rest @ ..] => plugins::answer(&asked, rest, sources).await,
        ["api", "v1", "services", ref rest @ ..] => services::answer(&asked, rest, sources).await,
        ["api", "v1", "routes", ref rest @ ..] => routes::answer(&asked, rest, sources).await,
        ["api", "v1", "breakers", ref rest @ ..] => breakers::answer(&asked, rest, sources),
        ["api", "v1", "topics", ref rest @ ..] => events::topics(&asked, rest, sources).await,
        ["api", "v1", "events"] => events::events(&asked, sources).await,
        ["api", "v1", "subscriptions", ref rest @ ..] => subscriptions::answer(&asked, rest, sources).await,
        ["api", "v1", "dead-letters", ref rest @ ..] => dead_letters::answer(&asked, rest, sources).await,
        ["api", "v1", "queues", ref rest @ ..] => queues::answer(&asked, rest, sources).await,
        ["api", "v1", "sagas", ref rest @ ..] => sagas::answer(&asked, rest, sources).await,
        ["api", "v1", "activity"] => activity::answer(&asked, sources),
        ["api", "v1", "watch"] => watch::answer(&asked, sources),
        ["api", "v1", "logs"] => logs::answer(&asked, sources),
        _ => Err(no_such_path()),
    }
}

/// The segments of a path, decoded.
pub(super) fn segments(path: &str) -> Vec<String> {
    path.split('/').skip(1).map(super::query::decode_path).collect()
}

/// The answer to a path that nobody knows.
pub(super) fn no_such_path() -> Problem {
    Problem::new(Code::NotFound, "the admin API has no such path")
}

// === impl Asked ===

impl Asked<'_> {
    /// Answers what can only be read.
    fn reading(&self, read: impl FnOnce(&Query<'_>) -> Answer) -> Answer {
        match *self.method {
            Method::GET | Method::HEAD => read(&self.query),
            _ => Err(Problem::method_not_allowed("GET, HEAD")),
        }
    }

    /// Whether it only reads.
    pub(super) fn is_read(&self) -> bool {
        matches!(*self.method, Method::GET | Method::HEAD)
    }
}

fn readyz(sources: &Sources) -> Response<AnswerBody> {
    if sources.stopping.is_cancelled() {
        text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
    } else if sources.plugins.shown().is_ready {
        text(StatusCode::OK, "ok\n")
    } else {
        text(StatusCode::SERVICE_UNAVAILABLE, "starting\n")
    }
}
