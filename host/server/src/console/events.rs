//! Events: the tail of the log, topics, one event with what belongs together with it, and a form that publishes.

mod chain;
pub(super) mod envelope;
mod newest;
mod one;
mod publish;
mod tail;
pub(super) mod topics;

use maud::{Markup, html};

use super::{
    failure::Failure,
    page::{Page, View},
};

pub(super) use publish::plan;

/// The pages of this section.
///
/// # Errors
/// With why there is no page.
pub(super) async fn page(view: &View<'_>, rest: &[&str]) -> Result<Page, Failure> {
    match rest {
        [] => match view.asked("correlation") {
            Some(correlation) => chain::page(view, &correlation).await,
            None => tail::page(view).await,
        },
        ["topics"] => topics::page(view).await,
        ["publish"] => Ok(publish::page(view)),
        [sequence] => one::page(view, sequence).await,
        _ => Err(Failure::no_such_page()),
    }
}

/// The pages of this section, for each other.
fn pages(view: &View<'_>) -> Markup {
    html! {
        nav.tabs aria-label="Pages of events" {
            ul { @for (path, label) in [("/events", "Tail"), ("/events/topics", "Topics"), ("/events/publish", "Publish")] {
                li { a href=(path) aria-current=[(view.path == path).then_some("page")] { (label) } }
            } }
        }
    }
}

/// The page of an event.
fn path(sequence: u64) -> String {
    format!("/events/{sequence}")
}

#[cfg(test)]
mod tests;
