//! What happened lately: what the host tells of itself, and what operators did.

use maud::{Markup, html};
use serde_json::Value;

use crate::console::{
    page::View,
    parts::empty,
    show::{Tone, badge_as, time},
    text::{plain, text},
};

/// How many are listed.
const LISTED: &str = "12";

/// The latest of what the host told, newest first.
pub(super) async fn list(view: &View<'_>) -> Markup {
    let list = view.api.get(&["activity"], &[("limit", LISTED)]).await.unwrap_or_default();
    let events = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        @if events.is_empty() {
            (empty("Nothing yet", "Deploys, breakers that open, and what operators do will be told here.", None))
        } @else {
            ol.feed { @for event in events { (entry(view, event)) } }
        }
    }
}

fn entry(view: &View<'_>, event: &Value) -> Markup {
    let (kind, subject) = (plain(&event["type"]), plain(&event["subject"]));
    html! {
        li data-key=(plain(&event["id"])) {
            (badge_as(tone(&kind, &event["data"]), &kind))
            span.feed-what { (text(&subject)) @let said = said(event); @if !said.is_empty() { span.dim { " " (text(&said)) } } }
            (time(&event["time"], view.now))
        }
    }
}

fn tone(kind: &str, data: &Value) -> Tone {
    match kind {
        kind if kind.starts_with("audit.") => Tone::Forced,
        kind if kind.ends_with(".failed")
            || kind.ends_with(".unhealthy")
            || kind.ends_with(".open")
            || kind.ends_with(".opened") =>
        {
            Tone::Bad
        }
        kind if kind.ends_with(".half-open") || kind.ends_with(".degraded") => Tone::Watch,
        _ if data["error"].is_string() => Tone::Bad,
        _ => Tone::Plain,
    }
}

/// What an event says beyond its subject.
fn said(event: &Value) -> String {
    let data = &event["data"];
    let known = ["action", "target", "status", "from", "to", "version", "error", "who"];
    let said = known
        .iter()
        .filter(|name| data[**name].is_string() || data[**name].is_number())
        .map(|name| plain(&data[*name]));
    // The subject stands before it.
    let said = said.filter(|said| event["subject"] != **said);
    said.collect::<Vec<_>>().join(" · ")
}
