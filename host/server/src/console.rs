//! The console: pages for people at `/` of the admin listener.
//!
//! A page is made on the server from answers of the admin API, asked for in this process ([`ask`]): what the console shows
//! and does, the API can, and there is no other way in. Every action is a form that becomes one call of the API
//! ([`action`]); the script only makes pages live and saves reloads. Nothing is loaded from elsewhere, and what guests and
//! clients say is text to [`maud`], never markup.

mod action;
mod ask;
mod assets;
mod breakers;
mod charts;
mod dead_letters;
mod events;
mod failure;
mod form;
mod kv;
mod layout;
mod login;
mod logs;
mod notes;
mod overview;
mod page;
mod parts;
mod queues;
mod routes;
mod sagas;
mod sections;
mod services;
mod sessions;
mod show;
mod strip;
mod subscriptions;
mod tabs;
mod text;

use std::time::SystemTime;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Method, Response, request::Parts};
use http_body_util::Full;

use crate::admin::{AnswerBody, Query, Sources};
use ask::Api;
use failure::Failure;
use form::Form;
use page::{Page, View};

pub(crate) use sessions::Sessions;

/// Any error of a body.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What the console remembers between requests.
#[derive(Default)]
pub(crate) struct Console {
    /// Who has logged in.
    pub(crate) sessions: Sessions,
    /// What is to be told on the page that comes next.
    notes: notes::Notes,
}

/// The mark of calls that the console makes: what a person did on a page, not a program with the API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Via;

/// Whether the console answers this path, and not the API.
pub(crate) fn takes(parts: &Parts) -> bool {
    let path = parts.uri.path();
    is_open(parts) || path == login::OUT_PATH || action::is_action(path) || sections::of(path).is_some()
}

/// Whether this needs no session: it says nothing of this host.
pub(crate) fn is_open(parts: &Parts) -> bool {
    let path = parts.uri.path();
    assets::is_asset(path) || path == login::PATH
}

/// What a browser without a session gets instead of a page.
pub(crate) fn login_wanted(parts: &Parts) -> Response<AnswerBody> {
    login::wanted(parts)
}

/// Answers what [`takes`] takes.
pub(crate) async fn answer<B>(parts: Parts, body: B, sources: &Sources) -> Response<AnswerBody>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send,
{
    let path = parts.uri.path();
    if assets::is_asset(path) {
        return assets::answer(path);
    }
    if path == login::PATH {
        return login::answer(parts, body, sources).await;
    }
    if path == login::OUT_PATH && parts.method == Method::POST {
        return login::out(&parts, sources);
    }
    if action::is_action(path) {
        return action::answer(parts, body, sources).await;
    }
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return layout::failed(&Failure::method_not_allowed(), &parts, sources);
    }
    let view = View {
        path,
        query: Query::new(parts.uri.query().unwrap_or_default()),
        raw_query: parts.uri.query().unwrap_or_default(),
        api: Api::new(sources, &parts),
        now: SystemTime::now().into(),
    };
    let made: BoxFuture<'_, _> = Box::pin(page(&view));
    match made.await {
        Ok(page) => layout::page(page, &parts, sources),
        Err(failure) => layout::failed(&failure, &parts, sources),
    }
}

/// The page at a path.
async fn page(view: &View<'_>) -> Result<Page, Failure> {
    let segments = view.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments[..] {
        [""] => overview::page(view).await,
        ["services", ref rest @ ..] => services::page(view, rest).await,
        ["plugins", ref rest @ ..] => services::of_plugins(view, rest).await,
        ["routes", ref rest @ ..] => routes::page(view, rest).await,
        ["breakers", ref rest @ ..] => breakers::page(view, rest).await,
        ["events", ref rest @ ..] => events::page(view, rest).await,
        ["subscriptions", ref rest @ ..] => subscriptions::page(view, rest).await,
        ["dead-letters", ref rest @ ..] => dead_letters::page(view, rest).await,
        ["queues", ref rest @ ..] => queues::page(view, rest).await,
        ["sagas", ref rest @ ..] => sagas::page(view, rest).await,
        ["kv", ref rest @ ..] => kv::page(view, rest).await,
        ["logs", ref rest @ ..] => logs::page(view, rest).await,
        _ => Err(Failure::no_such_page()),
    }
}

/// What an action does; its name is `SUBJECT.VERB`, and the subject says whose it is.
fn plan(subject: &str, verb: &str, form: &Form) -> Option<action::Planned> {
    match subject {
        "service" | "plugin" => services::plan(subject, verb, form),
        "route" => routes::plan(verb, form),
        "breaker" => breakers::plan(verb, form),
        "event" => events::plan(verb, form),
        "subscription" => subscriptions::plan(verb, form),
        "dead-letter" => dead_letters::plan(verb, form),
        "queue" => queues::plan(verb, form),
        "saga" => sagas::plan(verb, form),
        "kv" => kv::plan(verb, form),
        _ => None,
    }
}

/// A body that is there.
fn full(bytes: impl Into<Bytes>) -> Full<Bytes> {
    Full::new(bytes.into())
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
