//! Lists that are cut by one member of the query: one link for each value, with how many there are.

use maud::{Markup, html};

use super::{ask::encode, page::View, show};

/// One cut of a list.
pub(super) struct Tab<'a> {
    /// The value in the query; none is all.
    pub(super) value: &'a str,
    pub(super) label: &'a str,
    /// How many there are, where that is known.
    pub(super) count: Option<u64>,
    /// Whether somebody should look when there are some.
    pub(super) is_alarming: bool,
}

/// The cuts of this page by the member `name` of its query; the other members stay, but for the place in the list.
pub(super) fn tabs(view: &View<'_>, name: &str, what: &str, tabs: &[Tab<'_>]) -> Markup {
    let chosen = view.asked(name).unwrap_or_default();
    html! {
        nav.tabs aria-label=(what) {
            ul { @for tab in tabs {
                @let alarms = tab.is_alarming && tab.count.is_some_and(|count| count > 0);
                li {
                    a href=(cut(view, name, tab.value)) aria-current=[(tab.value == chosen).then_some("true")] class=[alarms.then_some("alarm")] {
                        (tab.label)
                        @if let Some(count) = tab.count { span.tab-count { (show::count(count)) } }
                    }
                }
            } }
        }
    }
}

fn cut(view: &View<'_>, name: &str, value: &str) -> String {
    let kept = view.query.pairs().filter(|(key, value)| key != name && key != "cursor" && !value.is_empty());
    let set = Some((name.to_owned(), value.to_owned())).filter(|_| !value.is_empty());
    let members: Vec<_> = kept.chain(set).map(|(key, value)| format!("{}={}", encode(&key), encode(&value))).collect();
    if members.is_empty() { view.path.to_owned() } else { format!("{}?{}", view.path, members.join("&")) }
}
