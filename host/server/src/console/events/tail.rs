//! The tail of the log: the newest events of a pattern, drawn again as they come; or the log from one place on.

use maud::{Markup, html};
use serde_json::Value;

use super::{envelope, newest::WINDOW_MAX, newest::newest, pages, path};
use crate::console::{
    failure::Failure,
    page::{Page, View},
    parts::{self, Row},
    sections, show, text,
};

/// Events of one page.
const PAGE: usize = 50;
const PAGE_TEXT: &str = "50";

const ALL: &str = ">";

const COMMAND: &str = "switchyard events publish order.created --data '{\"orderId\":\"17\"}'";

pub(super) async fn page(view: &View<'_>) -> Result<Page, Failure> {
    let (pattern, from) = (view.asked("topic"), view.asked("from"));
    let pattern = pattern.as_deref().unwrap_or(ALL);
    let (is_tail, body) = match (&from, view.asked("cursor")) {
        (None, None) => (true, followed(view, pattern).await?),
        (from, cursor) => (false, read(view, pattern, from.as_deref(), cursor.as_deref()).await?),
    };
    let body = html! {
        (pages(view))
        (parts::filter(view, html! {
            (parts::input("topic", "Topic or pattern", if pattern == ALL { "" } else { pattern }, "order.*"))
            (parts::input("from", "From", from.as_deref().unwrap_or_default(), "first, a sequence, or a time"))
        }))
        (body)
    };
    let page = Page::new(sections::EVENTS, "Events", body);
    Ok(if is_tail { page.every(2) } else { page.every(3_600) })
}

async fn followed(view: &View<'_>, pattern: &str) -> Result<Markup, Failure> {
    let found = newest(&view.api, pattern, PAGE).await?;
    let first = parts::with_query(view, "from", Some("first"));
    let aside = html! {
        span { "newest first" }
        // Only the script can hold it.
        button.hold type="button" hidden data-hold="tail" { "Pause" }
    };
    let is_cut = found.events.len() < PAGE && found.may_be_more;
    let body = html! {
        @if found.events.is_empty() {
            (none(pattern, found.may_be_more))
        } @else {
            (table(&found.events))
        }
        @if found.may_be_more {
            p.hint.foot {
                @if is_cut { "Of the last " (show::count(WINDOW_MAX)) " events of the log. " }
                a href=(first) { "Read from the first" }
            }
        }
    };
    Ok(parts::card_with("Tail", aside, parts::live("tail", body)))
}

fn none(pattern: &str, may_be_more: bool) -> Markup {
    match (pattern, may_be_more) {
        (ALL, _) => {
            parts::empty("No events yet", "What services and clients publish appears here as it comes.", Some(COMMAND))
        }
        (_, true) => parts::empty("None of late", "None of the newest events of the log has such a topic.", None),
        _ => parts::empty("No such event", "No event that is kept has such a topic; what comes appears here.", None),
    }
}

async fn read(view: &View<'_>, pattern: &str, from: Option<&str>, cursor: Option<&str>) -> Result<Markup, Failure> {
    let mut query = vec![("topic", pattern), ("limit", PAGE_TEXT)];
    query.extend(from.map(|from| ("from", from)));
    query.extend(cursor.map(|cursor| ("cursor", cursor)));
    let list = match view.api.get(&["events"], &query).await {
        Ok(list) => list,
        Err(failure) if failure.status == http::StatusCode::NOT_FOUND => Value::Null,
        Err(failure) => return Err(failure),
    };
    let events = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(html! {
        (parts::card_with("Log", html! { span { "oldest first" } }, html! {
            @if events.is_empty() {
                (parts::empty("Nothing from there on", "No event that is kept, of such a topic, comes after that place.", None))
            } @else {
                (table(events))
            }
        }))
        (parts::pager(view, &list))
    })
}

/// Events, one a row.
pub(super) fn table(events: &[Value]) -> Markup {
    parts::table("Events", &["Topic", "From", "Data", "#Sequence", "Time"], events.iter().map(row))
}

fn row(event: &Value) -> Row {
    let sequence = event["sequence"].as_u64().unwrap_or_default();
    let cells = vec![
        html! {
            a.strong href=(path(sequence)) { (text::member(event, "type")) }
            @if let Some(subject) = event["subject"].as_str() { span.below { (text::text(subject)) } }
        },
        text::member(event, "source"),
        envelope::preview(event),
        html! { (sequence) },
        show::time_of_day(&event["time"]),
    ];
    parts::row(sequence.to_string(), cells)
}
