//! Topics, and what became of their events.

use maud::{Markup, html};
use serde_json::Value;

use super::pages;
use crate::console::{
    ask,
    failure::Failure,
    page::{Page, View},
    parts::{self, Row},
    sections, show, text,
};

pub(super) async fn page(view: &View<'_>) -> Result<Page, Failure> {
    let cursor = view.asked("cursor");
    let mut query = vec![("limit", "200")];
    query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
    let list = view.api.get(&["topics"], &query).await?;
    let topics = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let columns = [
        "Topic",
        "#Published",
        "#Kept",
        "#Subscribers",
        "#Lag",
        "#Processed",
        "#Errors",
        "#Dead letters",
        "Last event",
    ];
    let body = html! {
        (pages(view))
        (parts::live("topics", html! {
            @if topics.is_empty() {
                (parts::empty("No topics yet", "The first event of a topic makes it.", Some("switchyard events publish order.created --data '{}'")))
            } @else {
                div.card { (parts::table("Topics", &columns, topics.iter().map(|topic| row(view, topic)))) }
            }
            (parts::pager(view, &list))
        }))
    };
    Ok(Page::new(sections::EVENTS, "Topics", body).below_section())
}

fn row(view: &View<'_>, topic: &Value) -> Row {
    let name = text::plain(&topic["name"]);
    let durability = text::plain(&topic["durability"]);
    let cells = vec![
        html! {
            a.strong href={ "/events?topic=" (ask::encode(&name)) } { (text::text(&name)) }
            @if durability != "durable" { " " (show::tag(&durability)) }
        },
        show::figure(&topic["published"]),
        html! { (show::figure(&topic["events"])) span.below { (show::bytes(topic["bytes"].as_u64().unwrap_or_default())) } },
        show::figure(&topic["subscribers"]),
        warned(&topic["lag"], "watch-text"),
        show::figure(&topic["processed"]),
        warned(&topic["errors"], "bad-text"),
        dead(&topic["deadLetters"], "topic", &name),
        show::time(&topic["lastPublished"], view.now),
    ];
    parts::row(name, cells)
}

/// A figure that stands out when it is not nothing.
pub(in crate::console) fn warned(value: &Value, class: &str) -> Markup {
    let is_there = value.as_u64().is_some_and(|number| number > 0);
    html! { span class=[is_there.then_some(class)] { (show::figure(value)) } }
}

/// How many dead letters there are, with a link to them when there are some.
pub(in crate::console) fn dead(number: &Value, cut: &str, name: &str) -> Markup {
    match number.as_u64() {
        Some(1..) => {
            html! { a.bad-text href={ "/dead-letters?" (cut) "=" (ask::encode(name)) } { (show::figure(number)) } }
        }
        _ => show::figure(number),
    }
}
