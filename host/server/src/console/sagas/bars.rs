//! How the bars of a timeline look, and what they are in words.

use maud::{Markup, html};

use super::{
    scale::Scale,
    story::{Bar, Kind, Story},
};
use crate::console::{show, text};

/// The narrowest that a bar is drawn, in percent of the axis.
const WIDTH_MIN: f64 = 0.7;

/// The most moments of the whole saga that the legend names.
const TURNS_MAX: usize = 6;

/// The height of a lane in pixels, and of a bar in it.
pub(super) const LANE: f64 = 18.0;
const BAR: f64 = 10.0;

/// One bar.
pub(super) fn drawn(bar: &Bar, scale: &Scale) -> Markup {
    let (from, to) = (scale.place(bar.from), scale.place(bar.to));
    let width = (to - from).max(WIDTH_MIN);
    let from = from.min(100.0 - width);
    let lane = if bar.is_undo { LANE } else { 0.0 };
    let (top, middle) = (lane + (LANE - BAR) / 2.0, lane + LANE / 2.0);
    html! {
        g.tl-bar.(class(bar)) {
            title { (text::attribute(&told(bar))) }
            @if bar.kind == Kind::Pause {
                line x1=(percent(from)) x2=(percent(from + width)) y1=(middle) y2=(middle) {}
            } @else {
                rect x=(percent(from)) width=(percent(width)) y=(top) height=(BAR) rx="2" {}
            }
            // A failure is seen without its colour.
            @if matches!(bar.kind, Kind::Failed | Kind::WaitFailed) {
                text x=(percent(from + width / 2.0)) y=(middle + 4.0) text-anchor="middle" { "×" }
            }
        }
    }
}

fn class(bar: &Bar) -> &'static str {
    match (bar.kind, bar.is_undo) {
        (Kind::Open, _) => "open",
        (Kind::Done, false) => "done",
        (Kind::Done, true) => "undone",
        (Kind::Failed | Kind::WaitFailed, _) => "failed",
        (Kind::Deferred, _) => "deferred",
        (Kind::Waited, _) => "waited",
        (Kind::Pause, _) => "pause",
    }
}

/// A bar in words.
pub(super) fn told(bar: &Bar) -> String {
    let what = match (bar.attempt, bar.is_undo) {
        (Some(attempt), false) => format!("attempt {attempt}"),
        (Some(attempt), true) => format!("compensation, attempt {attempt}"),
        (None, _) if bar.kind == Kind::Pause => "pause before the next attempt".to_owned(),
        (None, _) => "wait".to_owned(),
    };
    let how = match bar.kind {
        Kind::Open => ": under way",
        Kind::Done => ": done",
        Kind::Failed | Kind::WaitFailed => ": failed",
        Kind::Deferred => ": put off",
        Kind::Waited => ": over",
        Kind::Pause => "",
    };
    let detail = bar.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    format!("{what}{how}, {}{detail}", show::span(bar.to.since(bar.from)))
}

/// What the bars of a story mean, and when it turned.
pub(super) fn legend(story: &Story) -> Markup {
    let has = |of: fn(&Bar) -> bool| story.bars.iter().any(of);
    let keys = [
        ("done", "done", has(|bar| bar.kind == Kind::Done && !bar.is_undo)),
        ("undone", "undone", has(|bar| bar.kind == Kind::Done && bar.is_undo)),
        ("failed", "failed", has(|bar| matches!(bar.kind, Kind::Failed | Kind::WaitFailed))),
        ("open", "under way", has(|bar| bar.kind == Kind::Open)),
        ("waited", "waited", has(|bar| bar.kind == Kind::Waited)),
        ("deferred", "put off", has(|bar| bar.kind == Kind::Deferred)),
        ("pause", "pause", has(|bar| bar.kind == Kind::Pause)),
    ];
    html! {
        p.tl-legend {
            @for (class, label, _) in keys.iter().filter(|(_, _, is_there)| *is_there) {
                span.tl-key {
                    svg width="18" height="10" aria-hidden="true" {
                        g.tl-bar.(class) {
                            @if *class == "pause" {
                                line x1="0" x2="18" y1="5" y2="5" {}
                            } @else {
                                rect x="0" y="0" width="18" height="10" rx="2" {}
                            }
                        }
                    }
                    (label)
                }
            }
            @for turn in story.turns.iter().take(TURNS_MAX) {
                span.tl-key {
                    svg width="8" height="12" aria-hidden="true" { line.tl-turn x1="4" x2="4" y1="0" y2="12" {} }
                    (turn.what) " +" (show::span(story.after(turn.at)))
                }
            }
            span.tl-note { "The axis is logarithmic: short steps stay visible beside long waits." }
        }
    }
}

/// A place on the axis.
pub(super) fn percent(place: f64) -> String {
    format!("{place:.2}%")
}
