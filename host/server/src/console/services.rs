//! Services, and the plugins that are behind them: looked at, deployed, rolled back, given their share of the traffic.

mod deploy;
mod detail;
mod list;
mod plan;
mod plugin;
mod plugins;
mod traffic;
mod upstream;

use maud::{Markup, html};

use super::{
    failure::Failure,
    page::{Page, View},
    text::{plain, text},
};

pub(super) use deploy::{DEPLOY, deploy};
pub(super) use plan::plan;

/// `/services` and below.
pub(super) async fn page(view: &View<'_>, rest: &[&str]) -> Result<Page, Failure> {
    match rest {
        [] => list::page(view).await,
        [name] => detail::page(view, name).await,
        _ => Err(Failure::no_such_page()),
    }
}

/// `/plugins` and below.
pub(super) async fn of_plugins(view: &View<'_>, rest: &[&str]) -> Result<Page, Failure> {
    match rest {
        [] => plugins::page(view).await,
        [stem] => plugin::page(view, stem).await,
        _ => Err(Failure::no_such_page()),
    }
}

/// The pages of this section, for each other.
fn pages(view: &View<'_>) -> Markup {
    html! {
        nav.tabs aria-label="Pages of services" {
            ul { @for (path, label) in [("/services", "Services"), ("/plugins", "Plugins")] {
                li { a href=(path) aria-current=[(view.path == path).then_some("page")] { (label) } }
            } }
        }
    }
}

/// A link to a plugin's page; a dash for none.
fn plugin_link(stem: &serde_json::Value) -> Markup {
    let stem = plain(stem);
    if stem.is_empty() {
        super::text::dash()
    } else {
        html! { a href=(super::ask::path(&["plugins", &stem])) { (text(&stem)) } }
    }
}

#[cfg(test)]
mod tests;
