//! Sagas: where they stand, what each has done as a timeline, and what an operator may do about one.

mod act;
mod bars;
mod detail;
mod history;
mod list;
mod pipeline;
mod scale;
mod shape;
mod story;
mod timeline;

use maud::{Markup, html};

use super::{
    failure::Failure,
    page::{Page, View},
    show::{self, Tone},
};

pub(super) use act::plan;

/// The pages of this section.
///
/// # Errors
/// With why there is no page.
pub(super) async fn page(view: &View<'_>, rest: &[&str]) -> Result<Page, Failure> {
    match rest {
        [] => list::page(view).await,
        [id] => detail::page(view, id).await,
        _ => Err(Failure::no_such_page()),
    }
}

/// What a status of a saga, or of a step of it, means.
fn tone(status: &str) -> Tone {
    match status {
        "completed" => Tone::Good,
        "waiting" | "retrying" | "compensating" => Tone::Watch,
        "stuck" | "failed" | "unknown" | "unreadable" => Tone::Bad,
        "compensated" => Tone::Forced,
        _ => Tone::Plain,
    }
}

/// A status with its colour and shape. What is at work has those of its own: it is neither good yet, nor to be watched.
fn badge(status: &str) -> Markup {
    if status == "running" {
        return html! {
            span.badge.working {
                svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true" { path d="M2 1l7 4-7 4z" {} }
                (status)
            }
        };
    }
    show::badge_as(tone(status), status)
}

#[cfg(test)]
mod tests;
