//! Events of one correlation: what one thing led to, as a tree of causes.

use std::collections::HashSet;

use maud::{Markup, html};
use serde_json::Value;

use super::{envelope, newest::newest, path};
use crate::console::{
    failure::Failure,
    page::{Page, View},
    parts, sections, show,
    strip::strip,
    text,
};

/// How far before an event the beginning of its chain is looked for, in events of the log.
pub(super) const BEFORE: u64 = 400;

/// Pages of a thousand events that are looked through.
const PAGES: usize = 3;

/// Events that are in them.
const LOOKED_AT: u64 = PAGES as u64 * 1_000;

/// The most events of a chain that are shown.
const SHOWN_MAX: usize = 200;

/// The deepest that a tree is drawn.
const DEPTH_MAX: usize = 8;

pub(super) async fn page(view: &View<'_>, correlation: &str) -> Result<Page, Failure> {
    let events = read(view, correlation, view.asked("from").as_deref()).await?;
    let body = html! {
        (strip(&[("Correlation", html! { code { (text::text(correlation)) } }), ("Events", show::figure(&events.len().into()))]))
        (parts::live("chain", parts::card("What led to what", html! {
            (tree(&events, None))
            p.hint { "Looked for among " (show::count(LOOKED_AT)) " events of the log." }
        })))
    };
    Ok(Page::new(sections::EVENTS, "One correlation", body).below_section())
}

/// Events of a correlation, oldest first: from a place of the log on, else among its newest.
pub(super) async fn read(view: &View<'_>, correlation: &str, from: Option<&str>) -> Result<Vec<Value>, Failure> {
    let is_of = |event: &Value| event["correlationid"] == correlation || event["id"] == correlation;
    let Some(from) = from else {
        let newest = newest(&view.api, ">", PAGES * 1_000).await?;
        return Ok(newest.events.into_iter().rev().filter(is_of).take(SHOWN_MAX).collect());
    };
    let (mut found, mut cursor): (Vec<Value>, Option<String>) = (Vec::new(), None);
    for _ in 0..PAGES {
        let mut query = vec![("from", from), ("limit", "1000")];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let list = view.api.get(&["events"], &query).await?;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        found.extend(items.into_iter().filter(is_of));
        cursor = list["next"].as_str().map(str::to_owned);
        if cursor.is_none() || found.len() >= SHOWN_MAX {
            break;
        }
    }
    found.truncate(SHOWN_MAX);
    Ok(found)
}

/// Each event below the one that caused it; one of them may be where somebody is.
pub(super) fn tree(events: &[Value], here: Option<u64>) -> Markup {
    if events.is_empty() {
        return html! { p.dim { "No event that is kept was found nearby." } };
    }
    let known: HashSet<&str> = events.iter().filter_map(|event| event["id"].as_str()).collect();
    let is_root = |event: &&Value| event["causationid"].as_str().is_none_or(|cause| !known.contains(cause));
    let mut drawn = HashSet::new();
    html! {
        ol.chain {
            @for root in events.iter().filter(is_root) { (branch(root, events, here, 0, &mut drawn)) }
        }
    }
}

fn branch<'a>(
    event: &'a Value,
    events: &'a [Value],
    here: Option<u64>,
    depth: usize,
    drawn: &mut HashSet<&'a str>,
) -> Markup {
    let id = event["id"].as_str().unwrap_or_default();
    // An id that comes twice, of two sources, is drawn once: no tree has a circle.
    if !drawn.insert(id) {
        return html! {};
    }
    let sequence = event["sequence"].as_u64();
    let led_to: Vec<&Value> = events.iter().filter(|other| other["causationid"] == id && other["id"] != id).collect();
    html! {
        li {
            div.chain-event.here[sequence.is_some() && sequence == here] {
                @match sequence {
                    Some(sequence) if Some(sequence) != here => a.strong href=(path(sequence)) { (text::member(event, "type")) },
                    _ => span.strong aria-current="true" { (text::member(event, "type")) },
                }
                span.dim { (text::member(event, "source")) }
                (envelope::preview(event))
                (show::time_of_day(&event["time"]))
            }
            @if !led_to.is_empty() && depth < DEPTH_MAX {
                ol { @for next in led_to { (branch(next, events, here, depth + 1, drawn)) } }
            }
        }
    }
}
