//! One queue.

use maud::{Markup, html};
use serde_json::Value;

use super::{filled, form, lasting, list, path};
use crate::console::{
    ask,
    events::topics::{dead, warned},
    failure::Failure,
    page::{Page, View},
    parts, sections, show,
    strip::strip,
    text,
};

pub(super) async fn page(view: &View<'_>, name: &str) -> Result<Page, Failure> {
    let queue = view.api.get(&["queues", name], &[]).await?;
    let body = html! {
        (parts::live("queue", html! { (figures(&queue, name)) }))
        (parts::live("queue-about", strip(&about(&queue))))
        (parts::panel("enqueue", "Enqueue a message", form(view, Some(name))))
        (parts::card("Consume it", html! {
            p { "A plugin with a queue handler consumes it by declaring so. Anybody else leases messages here, and acknowledges each:" }
            (commands(name))
        }))
    };
    Ok(Page::new(sections::QUEUES, name, body).below_section().every(3))
}

fn figures(queue: &Value, name: &str) -> Markup {
    let tile = |label, figure: Markup, note: Markup| parts::tile(label, figure, note, html! {});
    let size = html! { (show::figure(&queue["currentSize"])) span.unit { " of " (show::figure(&queue["maxSize"])) } };
    parts::tiles(&[
        parts::tile("Size", size, html! { (show::figure(&queue["delayed"])) " of them later" }, filled(queue)),
        tile("In flight", show::figure(&queue["inFlight"]), html! { "leased, and not settled" }),
        tile("Oldest", lasting(&queue["oldestAge"]), html! { (lasting(&queue["averageWaitTime"])) " on average" }),
        tile("Done", show::figure(&queue["dequeued"]), html! { "of " (show::figure(&queue["enqueued"])) " enqueued" }),
        tile(
            "Failed",
            warned(&queue["failed"], "bad-text"),
            html! { (dead(&queue["deadLetters"], "queue", name)) " dead letters in the store" },
        ),
    ])
}

fn about(queue: &Value) -> Vec<(&'static str, Markup)> {
    let dead_letters = match queue["deadLetterQueue"].as_str() {
        Some(to) => html! { "the queue " a href=(path(to)) { (text::text(to)) } },
        None => html! { a href="/dead-letters" { "the store" } },
    };
    vec![
        ("Consumers", list::consumers(queue)),
        ("Dead letters to", dead_letters),
        ("Attempts", show::figure(&queue["maxAttempts"])),
        ("Visibility", lasting(&queue["visibilityTimeout"])),
    ]
}

fn commands(name: &str) -> Markup {
    let base = format!("/api/v1{}", ask::path(&["queues", name]));
    let lease = format!("POST {base}/lease                {{\"max\": 10, \"visibilityTimeout\": \"30s\"}}");
    let ack = format!("POST {base}/messages/ID/ack      {{\"token\": \"TOKEN\"}}");
    text::block(&format!("{lease}\n{ack}"))
}
