//! The journal of a saga, line by line.

use maud::{Markup, html};
use serde_json::Value;

use super::story::moment;
use crate::console::{
    parts::{self, Row},
    show::{self, Tone},
    text,
};

/// The journal of a saga; `is_longer` says that there is more than these lines.
pub(super) fn journal(saga: &Value, lines: &[Value], is_longer: bool) -> Markup {
    let started = moment(saga, "startedAt");
    let rows = lines.iter().map(|line| {
        let after = started.and_then(|started| Some(moment(line, "at")?.since(started)));
        row(line, after)
    });
    let columns = ["What", "Step", "#Attempt", "Detail", "#After", "At"];
    parts::card(
        "Journal",
        html! {
            @if is_longer { p.dim { "The first " (lines.len()) " lines of it; the API has the rest." } }
            div.journal { (parts::table("Journal", &columns, rows)) }
        },
    )
}

fn row(line: &Value, after: Option<std::time::Duration>) -> Row {
    let event = line["event"].as_str().unwrap_or_default();
    let (tone, words) = told(event);
    let is_undo = line["direction"] == "compensation";
    let cells = vec![
        show::badge_as(tone, words),
        html! {
            @if line["step"].is_u64() {
                @if is_undo { span title="compensation" { "↩\u{a0}" } }
                (text::text(line["command"].as_str().or(line["name"].as_str()).unwrap_or_default()))
            } @else { (text::dash()) }
        },
        html! {
            (text::member(line, "attempt"))
            @if line["round"].as_u64().is_some_and(|round| round > 1) { span.dim { " · round " (text::member(line, "round")) } }
        },
        detail(line),
        after.map_or_else(text::dash, |after| html! { "+" (show::span(after)) }),
        show::time_of_day(&line["at"]),
    ];
    parts::row(text::plain(&line["sequence"]), cells)
}

fn detail(line: &Value) -> Markup {
    let reason = line["reason"].as_str().map(reason);
    let kind = line["kind"].as_str().map(kind);
    let shown: Vec<&str> = [reason, kind, line["detail"].as_str()].into_iter().flatten().collect();
    html! { @if shown.is_empty() { (text::dash()) } @else { (text::text(&shown.join(" · "))) } }
}

/// An entry of the journal as people call it.
fn told(event: &str) -> (Tone, &str) {
    match event {
        "started" => (Tone::Plain, "started"),
        "intended" => (Tone::Plain, "attempt"),
        "succeeded" => (Tone::Good, "succeeded"),
        "failed" => (Tone::Bad, "failed"),
        "deferred" => (Tone::Watch, "put off"),
        "answeredLate" => (Tone::Watch, "late answer"),
        "waitStarted" => (Tone::Watch, "waits"),
        "timerFired" => (Tone::Good, "timer fired"),
        "signalReceived" => (Tone::Good, "signal"),
        "waitFailed" => (Tone::Bad, "wait failed"),
        "cancelled" => (Tone::Forced, "cancelled"),
        "compensationForced" => (Tone::Forced, "undo ordered"),
        "retried" => (Tone::Forced, "retry ordered"),
        "compensationStarted" => (Tone::Watch, "turned back"),
        "stuck" => (Tone::Bad, "stuck"),
        "completed" => (Tone::Good, "completed"),
        "failedCleanly" => (Tone::Bad, "failed, all undone"),
        "resumed" => (Tone::Plain, "taken over"),
        other => (Tone::Plain, other),
    }
}

fn kind(kind: &str) -> &str {
    match kind {
        "retry" => "did nothing, may be tried again",
        "reject" => "refused for good",
        "lost" => "nobody knows whether it was done",
        "tooLarge" => "done, but its result has no room",
        other => other,
    }
}

fn reason(reason: &str) -> &str {
    match reason {
        "stepFailed" => "a step failed",
        "compensationFailed" => "a compensation failed",
        "pivotUnknown" => "nobody knows whether the pivot was done",
        "crashes" => "the host crashed over it, time and again",
        other => other,
    }
}
