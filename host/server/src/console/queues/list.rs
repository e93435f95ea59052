//! All queues.

use maud::{Markup, html};
use serde_json::Value;

use super::{filled, form, lasting, path};
use crate::console::{
    ask,
    events::topics::{dead, warned},
    failure::Failure,
    page::{Page, View},
    parts::{self, Row},
    sections, show, text,
};

const COLUMNS: [&str; 9] =
    ["Queue", "#Size", "#In flight", "#Delayed", "#Oldest", "#Enqueued", "#Done", "#Dead letters", "Consumers"];

const COMMAND: &str = "curl -X POST http://127.0.0.1:3900/api/v1/queues/emails/messages \\\n  -d '{\"data\":{\"to\":\"ann@example.com\"}}'";

pub(super) async fn page(view: &View<'_>) -> Result<Page, Failure> {
    let cursor = view.asked("cursor");
    let mut query = vec![("limit", "200")];
    query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
    let list = view.api.get(&["queues"], &query).await?;
    let queues = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let body = html! {
        (parts::live("queues", html! {
            @if queues.is_empty() {
                (parts::empty("No queues yet", "The first message of a queue makes it.", Some(COMMAND)))
            } @else {
                div.card { (parts::table("Queues", &COLUMNS, queues.iter().map(row))) }
            }
            (parts::pager(view, &list))
        }))
        (parts::panel("enqueue", "Enqueue a message", form(view, None)))
    };
    Ok(Page::new(sections::QUEUES, "Queues", body).every(3))
}

fn row(queue: &Value) -> Row {
    let name = text::plain(&queue["name"]);
    let cells = vec![
        html! {
            a.strong href=(path(&name)) { (text::text(&name)) }
            @if let Some(to) = queue["deadLetterQueue"].as_str() { span.below { "dead letters to " (text::text(to)) } }
        },
        html! { (show::figure(&queue["currentSize"])) span.dim { " of " (show::figure(&queue["maxSize"])) } (filled(queue)) },
        show::figure(&queue["inFlight"]),
        show::figure(&queue["delayed"]),
        lasting(&queue["oldestAge"]),
        show::figure(&queue["enqueued"]),
        html! { (show::figure(&queue["dequeued"])) @if queue["failed"].as_u64() > Some(0) { span.below { (warned(&queue["failed"], "bad-text")) " failed" } } },
        dead(&queue["deadLetters"], "queue", &name),
        consumers(queue),
    ];
    parts::row(name, cells)
}

/// Services that consume it.
pub(super) fn consumers(queue: &Value) -> Markup {
    let names = queue["consumers"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        @for name in names.iter().filter_map(Value::as_str) {
            div { a href=(ask::path(&["services", name])) { (text::text(name)) } }
        }
        @if names.is_empty() { span.dim { "none here" } }
    }
}
