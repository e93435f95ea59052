//! The timeline of a saga: a line for each step with its attempts on an axis of time, forward above, its way back below.

use maud::{Markup, html};
use serde_json::Value;
use switchyard_core::timestamp::Timestamp;

use super::{
    badge,
    bars::{LANE, drawn, legend, percent, told},
    scale::Label,
    shape::Shape,
    story::{Bar, Story, moment},
};
use crate::console::{parts, show, text};

/// Draws a saga; `lines` are its history, `shape` its definition if that is still there.
pub(super) fn timeline(saga: &Value, lines: &[Value], shape: Option<&Shape>, now: Timestamp) -> Markup {
    let story = Story::of(lines, moment(saga, "endedAt").unwrap_or(now));
    let steps = saga["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        div.timeline {
            div.tl-axis {
                span.tl-note { "Steps" }
                (axis(&story))
                span.tl-note.num { "Took" }
            }
            @for (index, step) in (0_u64..).zip(steps) {
                (row(step, &story, shape.map(|shape| shape.mark(index)).unwrap_or_default()))
            }
            (legend(&story))
        }
    }
}

fn axis(story: &Story) -> Markup {
    let labels = story.scale.labels();
    html! {
        svg.tl-scale width="100%" height="20" aria-hidden="true" {
            @for label in &labels {
                text.minor[is_minor(label)] x=(percent(label.place)) y="14" text-anchor=(anchor(label)) { "+" (show::span(label.after)) }
            }
        }
    }
}

/// Whether a label has no room on a narrow screen.
fn is_minor(label: &Label) -> bool {
    label.place > 0.0 && label.place < 100.0
}

fn anchor(label: &Label) -> &'static str {
    match label.place {
        place if place < 4.0 => "start",
        place if place > 96.0 => "end",
        _ => "middle",
    }
}

fn row(step: &Value, story: &Story, mark: &str) -> Markup {
    let index = step["index"].as_u64().unwrap_or_default();
    let bars: Vec<&Bar> = story.bars.iter().filter(|bar| bar.step == index).collect();
    let errors = [("forward", &step["error"]), ("compensation", &step["compensation"]["error"])];
    html! {
        details id={ "step-" (index) } class={ "tl-row " (mark) } {
            summary {
                span.tl-name {
                    span.tl-index { (index) }
                    span.tl-label { (text::member(step, "name")) }
                    (badge(step["status"].as_str().unwrap_or("unknown")))
                }
                (lanes(&bars, story, step))
                span.tl-took.num { (took(step)) }
                @for (way, error) in errors {
                    @if let Some(error) = error.as_str() {
                        span.tl-error.undo[way == "compensation"] {
                            @if way == "compensation" { strong { "Way back: " } }
                            (text::text(error))
                        }
                    }
                }
            }
            (facts(step))
        }
    }
}

/// The bars of one step; its way back has a lane of its own once it is taken.
fn lanes(bars: &[&Bar], story: &Story, step: &Value) -> Markup {
    let height = if bars.iter().any(|bar| bar.is_undo) { LANE * 2.0 } else { LANE };
    html! {
        svg.tl-lanes width="100%" height=(height) role="img" aria-label=(text::attribute(&spoken(bars, step))) {
            @for label in story.scale.labels() {
                line.tl-grid x1=(percent(label.place)) x2=(percent(label.place)) y1="0" y2=(height) {}
            }
            @for turn in &story.turns {
                @let place = percent(story.scale.place(turn.at));
                line.tl-turn x1=(place) x2=(place) y1="0" y2=(height) { title { (turn.what) } }
            }
            @for bar in bars { (drawn(bar, &story.scale)) }
        }
    }
}

fn spoken(bars: &[&Bar], step: &Value) -> String {
    let name = text::plain(&step["name"]);
    if bars.is_empty() {
        return format!("{name}: nothing yet");
    }
    let told: Vec<String> = bars.iter().map(|bar| told(bar)).collect();
    format!("{name}: {}", told.join("; "))
}

fn took(step: &Value) -> Markup {
    match (moment(step, "startedAt"), moment(step, "endedAt")) {
        (Some(from), Some(to)) => html! { (show::span(to.since(from))) },
        _ => text::dash(),
    }
}

/// What is known of a step, in both directions.
fn facts(step: &Value) -> Markup {
    let undo = Some(&step["compensation"]).filter(|undo| undo.is_object());
    html! {
        div.tl-facts {
            (run("Forward", step))
            @if let Some(undo) = undo { (run("Way back", undo)) }
            @if !step["result"].is_null() {
                section { h4 { "Result" } (text::json(&step["result"])) }
            }
        }
    }
}

fn run(title: &str, run: &Value) -> Markup {
    let mut known = vec![
        ("Command", text::member(run, "command")),
        ("Status", badge(run["status"].as_str().unwrap_or("unknown"))),
        ("Attempts", html! { (text::member(run, "attempts")) ", round " (text::member(run, "round")) }),
    ];
    for (label, member) in [("Began", "startedAt"), ("Ended", "endedAt"), ("Due", "dueAt")] {
        if let Some(at) = moment(run, member) {
            known.push((label, html! { time datetime=(at) { (show::clock(at)) } }));
        }
    }
    html! { section { h4 { (title) } (parts::facts(&known)) } }
}
