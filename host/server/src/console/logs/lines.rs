//! Lines of a log.

use maud::{Markup, html};
use serde_json::Value;

use crate::console::{ask, show, text};

/// Lines of a message that are shown before the rest is folded.
const FOLDED_AFTER: usize = 3;

/// Characters of an id that are shown.
const ID_SHOWN: usize = 6;

/// Lines, the newest last; `is_mixed` says that they are of several services. The list is seen from its end without a
/// script: it is drawn from the bottom up.
pub(super) fn lines(lines: &[Value], is_mixed: bool) -> Markup {
    html! {
        div.log tabindex="0" role="region" aria-label="Lines of the log, newest last" {
            ol.mixed[is_mixed] { @for line in lines { (one(line, is_mixed)) } }
        }
    }
}

fn one(line: &Value, is_mixed: bool) -> Markup {
    let level = level(line["level"].as_str().unwrap_or_default());
    html! {
        li.log-line.(level) data-key=(text::plain(&line["id"])) {
            (show::time_of_day(&line["time"]))
            span.log-level { (level) }
            @if is_mixed {
                @let service = text::plain(&line["service"]);
                a.log-service href={ "/logs?service=" (ask::encode(&service)) } { (text::text(&service)) }
            }
            div.log-said {
                @if let Some(source) = line["source"].as_str().filter(|source| *source != "log") {
                    span.log-source { (text::text(source)) } " "
                }
                (said(&text::plain(&line["message"])))
            }
            (id(line))
        }
    }
}

/// What was said; the rest of what has many lines, as a backtrace does, is folded.
fn said(message: &str) -> Markup {
    let cut = message.match_indices('\n').nth(FOLDED_AFTER - 1).map(|(at, _)| message.split_at(at));
    match cut {
        Some((begun, rest)) if rest.trim_end().lines().count() > FOLDED_AFTER => html! {
            (text::text(begun))
            details.log-more { summary { (rest.trim_end().lines().count() - 1) " more lines" } (text::text(rest.trim_start_matches('\n'))) }
        },
        _ => text::text(message),
    }
}

/// The end of the request's id, which tells one from the next; the whole ids are its title.
fn id(line: &Value) -> Markup {
    let Some(request) = line["requestId"].as_str() else { return html! {} };
    let trace = line["traceId"].as_str().map(|trace| format!(", trace {trace}")).unwrap_or_default();
    let end = request.char_indices().rev().nth(ID_SHOWN - 1).map_or(request, |(at, _)| &request[at..]);
    let whole = text::attribute(&format!("request {request}{trace}"));
    html! { span.log-id title=(whole) { "#" (text::text(end)) } }
}

/// The level, of those that have a colour; a class is made of it.
fn level(level: &str) -> &'static str {
    match level {
        "error" => "error",
        "warn" => "warn",
        "debug" => "debug",
        _ => "info",
    }
}
