//! Subscriptions: how far each has come, what became of its deliveries, and what an operator may do about it.

mod act;
mod detail;
mod list;
mod new;

use maud::{Markup, html};
use serde_json::Value;

use super::{
    ask,
    failure::Failure,
    page::{Page, View},
    show::{self, Tone},
    text,
};

pub(super) use act::plan;

/// The pages of this section.
///
/// # Errors
/// With why there is no page.
pub(super) async fn page(view: &View<'_>, rest: &[&str]) -> Result<Page, Failure> {
    match rest {
        [] => list::page(view).await,
        [id] => detail::page(view, id).await,
        _ => Err(Failure::no_such_page()),
    }
}

/// Its state.
fn badge(subscription: &Value) -> Markup {
    let state = text::plain(&subscription["state"]);
    let tone = match state.as_str() {
        "active" => Tone::Good,
        "waiting" => Tone::Watch,
        "blocked" => Tone::Bad,
        "paused" => Tone::Forced,
        _ => Tone::Plain,
    };
    show::badge_as(tone, &state)
}

/// Who is called.
fn endpoint(endpoint: &Value) -> Markup {
    match (endpoint["service"].as_str(), endpoint["url"].as_str()) {
        (Some(service), _) => html! { a href=(ask::path(&["services", service])) { (text::text(service)) } },
        (_, Some(url)) => html! { span.address { (text::text(url)) } },
        _ => html! { span.dim { "the host's " (text::text(&text::plain(endpoint))) } },
    }
}

/// The page of one.
fn path(id: &str) -> String {
    ask::path(&["subscriptions", id])
}

#[cfg(test)]
mod tests;
