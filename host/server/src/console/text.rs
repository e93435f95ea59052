//! What others say, as text: markup is escaped, and what would not be seen, or would turn the line around, is shown.

use maud::{Markup, Render, html};
use serde_json::Value;

use crate::output::is_unseen;

/// A text of a guest, a client or an operator.
pub(super) struct Text<'a>(pub(super) &'a str);

/// A text of others; see [`Text`].
pub(super) fn text(text: &str) -> Markup {
    Text(text).render()
}

/// A text of others for an attribute, where there is no markup: what would not be seen is named.
pub(super) fn attribute(text: &str) -> String {
    text.chars().map(|character| stand_in(character).unwrap_or_else(|| character.to_string())).collect()
}

/// A value of JSON as text: a string as it is, null as nothing, anything else as JSON.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A text member, or a dash.
pub(super) fn member(value: &Value, name: &str) -> Markup {
    let shown = plain(&value[name]);
    if shown.is_empty() { dash() } else { text(&shown) }
}

/// Nothing to show.
pub(super) fn dash() -> Markup {
    html! { span.dim { "–" } }
}

/// JSON with a line for each member.
pub(super) fn json(value: &Value) -> Markup {
    let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
    block(&pretty)
}

/// A block of text, as it is written, that scrolls where it is too wide or too long.
pub(super) fn block(shown: &str) -> Markup {
    html! { pre.block tabindex="0" { (text(shown)) } }
}

/// The character that is shown for one that is not seen, and whether there is one.
fn stand_in(character: char) -> Option<String> {
    match character {
        '\n' | '\t' => None,
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).map(String::from),
        '\u{7f}' => Some("\u{2421}".to_owned()),
        // Controls of C1, of direction, and what has no width: each can make a text look like another one.
        unseen if is_unseen(unseen) => Some(format!("U+{:04X}", u32::from(unseen))),
        _ => None,
    }
}

// === impl Text ===

impl Render for Text<'_> {
    fn render_to(&self, into: &mut String) {
        let mut rest = self.0;
        while let Some((at, character, shown)) = rest.char_indices().find_map(|(at, c)| Some((at, c, stand_in(c)?))) {
            rest[..at].render_to(into);
            html! { span.control title={ "U+" (format!("{:04X}", u32::from(character))) } { (shown) } }.render_to(into);
            rest = &rest[at + character.len_utf8()..];
        }
        rest.render_to(into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text_and_controls_are_seen() {
        assert_eq!(text("<b>&\"").into_string(), "&lt;b&gt;&amp;&quot;");
        assert_eq!(text("a\nb\tc").into_string(), "a\nb\tc");
        assert_eq!(attribute("<b>\u{202e}\u{1b}"), "<b>U+202E\u{241b}");
        let shown = text("\u{202e}gpj.exe\u{1b}[2J\u{0}").into_string();
        assert!(!shown.contains(['\u{202e}', '\u{1b}', '\u{0}']), "{shown}");
        assert!(shown.contains("U+202E") && shown.contains('\u{241b}') && shown.contains("gpj.exe"), "{shown}");
    }
}
