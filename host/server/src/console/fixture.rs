//! What tests of pages need: a text that would do harm if it were markup, and a look for it in a page.

use serde_json::Value;

use super::action::Plan;

/// Markup, a change of direction, and a quote that would end an attribute.
pub(super) const HOSTILE: &str = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>\u{202e}\u{1b}[2J&lt;";

/// Fails unless a page has the hostile text, and has it as text alone. What a form is filled in with stays as it is, or it
/// would be sent as something else, and so do attributes, which nobody reads.
#[track_caller]
pub(super) fn is_harmless(page: &str) {
    assert!(page.contains("&lt;img src=x"), "it is not shown at all: {page}");
    for harm in ["<img", "<script>", "alert(1)>"] {
        assert!(!page.contains(harm), "it has {harm:?}: {page}");
    }
    let (mut read, mut rest) = (String::new(), page);
    while let Some((before, tag)) = rest.split_once('<') {
        read.push_str(before);
        let end = if tag.starts_with("textarea") { "</textarea>" } else { ">" };
        rest = tag.split_once(end).map_or("", |(_, after)| after);
    }
    assert!(!read.contains(['\u{202e}', '\u{1b}']), "it has controls: {read}");
}

/// What a plan asks of the API: its method with its target, and its body as JSON.
pub(super) fn asked(plan: &Plan) -> (String, Value) {
    let call = plan.call();
    let body = serde_json::from_slice(&call.body).unwrap_or_default();
    (format!("{} {}", call.method, call.target()), body)
}
