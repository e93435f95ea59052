//! An event as the API shows it: a CloudEvent in JSON.

use maud::{Markup, html};
use serde_json::Value;

use crate::console::{ask, page::View, parts, show, text};

/// Characters of a payload that a list shows.
const PREVIEW: usize = 140;

/// Members that have a place of their own, or say nothing.
const OMITTED: [&str; 5] = ["data", "data_base64", "specversion", "sequence", "type"];

/// The payload, whole.
pub(in crate::console) fn data(event: &Value) -> Markup {
    match (&event["data"], event["data_base64"].as_str()) {
        (Value::Null, Some(base64)) => html! { p.hint { "Bytes that are no text, in Base64." } (text::block(base64)) },
        (Value::Null, None) => html! { p.dim { "It has no data." } },
        (Value::String(shown), _) => text::block(shown),
        (value, _) => text::json(value),
    }
}

/// The beginning of the payload, on one line.
pub(super) fn preview(event: &Value) -> Markup {
    let whole = match (&event["data"], event["data_base64"].as_str()) {
        (Value::Null, Some(base64)) => base64.to_owned(),
        (value, _) => text::plain(value),
    };
    if whole.is_empty() {
        return text::dash();
    }
    let begun: String = whole.chars().take(PREVIEW).map(|c| if c == '\n' { ' ' } else { c }).collect();
    let is_cut = begun.len() < whole.len();
    html! { code.preview { (text::text(&begun)) @if is_cut { "…" } } }
}

/// All but the payload.
pub(in crate::console) fn attributes(event: &Value, view: &View<'_>) -> Markup {
    let mut facts = vec![("type", topic(event))];
    if let Some(members) = event.as_object() {
        for (name, value) in members.iter().filter(|(name, _)| !OMITTED.contains(&name.as_str())) {
            let shown = match name.as_str() {
                "time" => {
                    html! { (text::text(&text::plain(value))) " " span.dim { "(" (show::time(value, view.now)) ")" } }
                }
                "correlationid" => html! { a href=(correlated(event)) { (text::text(&text::plain(value))) } },
                _ => text::text(&text::plain(value)),
            };
            facts.push((name.as_str(), shown));
        }
    }
    parts::facts(&facts)
}

/// Its topic, with a link to the events of it.
pub(super) fn topic(event: &Value) -> Markup {
    let topic = text::plain(&event["type"]);
    html! { a href={ "/events?topic=" (ask::encode(&topic)) } { (text::text(&topic)) } }
}

/// The page with all that has the same correlation; it is looked for from some time before this event.
pub(super) fn correlated(event: &Value) -> String {
    let correlation = ask::encode(&text::plain(&event["correlationid"]));
    match event["sequence"].as_u64() {
        Some(sequence) => {
            format!("/events?correlation={correlation}&from={}", sequence.saturating_sub(super::chain::BEFORE).max(1))
        }
        None => format!("/events?correlation={correlation}"),
    }
}
