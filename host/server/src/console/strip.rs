//! What is known of a thing, in one line below its heading.

use maud::{Markup, html};

/// Names above what they are, beside each other.
pub(super) fn strip(facts: &[(&str, Markup)]) -> Markup {
    html! { dl.strip { @for (name, fact) in facts { div { dt { (name) } dd { (fact) } } } } }
}
