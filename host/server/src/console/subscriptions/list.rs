//! All subscriptions.

use maud::{Markup, Render, html};
use serde_json::Value;

use super::{badge, endpoint, new, path};
use crate::console::{
    events::topics::{dead, warned},
    failure::Failure,
    page::{Page, View},
    parts::{self, Action, Row},
    sections, show, text,
};

const COLUMNS: [&str; 10] =
    ["Subscription", "Calls", "State", "#Lag", "#In flight", "#Retrying", "#Processed", "#Errors", "#Dead letters", ""];

pub(super) async fn page(view: &View<'_>) -> Result<Page, Failure> {
    let cursor = view.asked("cursor");
    let mut query = vec![("limit", "200")];
    query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
    let list = view.api.get(&["subscriptions"], &query).await?;
    let found = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let body = html! {
        (parts::live("subscriptions", html! {
            @if found.is_empty() {
                (parts::empty("No subscriptions", "Plugins declare them in their manifests; a webhook is made here or with", Some(new::COMMAND)))
            } @else {
                div.card { (parts::table("Subscriptions", &COLUMNS, found.iter().map(|one| row(view, one)))) }
            }
            (parts::pager(view, &list))
        }))
        (parts::panel("new", "Subscribe a webhook or a service", new::form(view)))
    };
    Ok(Page::new(sections::SUBSCRIPTIONS, "Subscriptions", body))
}

fn row(view: &View<'_>, one: &Value) -> Row {
    let (id, name) = (text::plain(&one["id"]), text::plain(&one["name"]));
    let (topic, is_named) = (text::plain(&one["topic"]), !name.ends_with(&text::plain(&one["topic"])));
    let cells = vec![
        html! {
            a.strong href=(path(&id)) { (text::text(&name)) }
            @if is_named { span.below { (text::text(&topic)) } }
            @if let Some(error) = one["error"].as_str() { span.below.bad-text { (text::text(error)) } }
        },
        endpoint(&one["endpoint"]),
        badge(one),
        warned(&one["lag"], "watch-text"),
        show::figure(&one["inFlight"]),
        warned(&one["retrying"], "watch-text"),
        html! { (show::figure(&one["processed"])) @if one["lastProcessed"].is_string() { span.below { (show::time(&one["lastProcessed"], view.now)) } } },
        warned(&one["errors"], "bad-text"),
        dead(&one["deadLetters"], "subscription", &name),
        switch(view, one),
    ];
    parts::row(id, cells)
}

/// The button that pauses it, or lets it go on.
pub(super) fn switch(view: &View<'_>, one: &Value) -> Markup {
    let (id, name) = (text::plain(&one["id"]), text::plain(&one["name"]));
    let button = |act, label: &'static str| {
        Action::new(view, act, label).with("id", id).titled(format!("{label} {name}")).render()
    };
    match one["state"].as_str() {
        Some("paused") => button("subscription.resume", "Resume"),
        Some("ended") => html! {},
        _ => button("subscription.pause", "Pause"),
    }
}
