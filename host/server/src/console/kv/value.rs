//! A value as people read it: JSON, text, or bytes.

use maud::{Markup, html};

use crate::console::text;

/// The most bytes that are shown as bytes.
const DUMPED_MAX: usize = 4 << 10;

/// The most bytes that are shown as text: a page has to stay one.
const SHOWN_MAX: usize = 256 << 10;

/// Bytes of one line of a dump.
const LINE: usize = 16;

/// What a value looks like.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// JSON, with a line for each member.
    Json(String),
    /// Any other text.
    Text(&'a str),
    /// What is no text.
    Bytes(&'a [u8]),
}

// === impl Value ===

impl<'a> Value<'a> {
    /// What these bytes are.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let Ok(text) = std::str::from_utf8(bytes) else { return Self::Bytes(bytes) };
        let is_whole = text.trim_start().starts_with(['{', '[']);
        let parsed = serde_json::from_str::<serde_json::Value>(text).ok().filter(|_| is_whole);
        match parsed.and_then(|value| serde_json::to_string_pretty(&value).ok()) {
            Some(pretty) => Self::Json(pretty),
            None if text.chars().any(|c| c.is_control() && !c.is_whitespace()) => Self::Bytes(bytes),
            None => Self::Text(text),
        }
    }

    /// What it is called.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Json(_) => "JSON",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
        }
    }

    /// The value, or the beginning of a long one.
    pub(super) fn shown(&self) -> Markup {
        match self {
            Self::Json(text) => long(text),
            Self::Text(text) => long(text),
            Self::Bytes(bytes) => {
                let shown = &bytes[..bytes.len().min(DUMPED_MAX)];
                html! { (text::block(&dump(shown))) (rest(bytes.len(), shown.len())) }
            }
        }
    }
}

fn long(whole: &str) -> Markup {
    let end = (0..=whole.len().min(SHOWN_MAX)).rev().find(|end| whole.is_char_boundary(*end)).unwrap_or_default();
    html! { (text::block(&whole[..end])) (rest(whole.len(), end)) }
}

fn rest(whole: usize, shown: usize) -> Markup {
    html! {
        @if whole > shown { p.dim { "The first " (shown) " of " (whole) " bytes." } }
    }
}

/// Bytes as they stand in a dump: their place, their numbers, and what of them is ASCII.
fn dump(bytes: &[u8]) -> String {
    let lines = bytes.chunks(LINE).enumerate().map(|(number, line)| {
        let numbers: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let is_shown = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
        let ascii: String = line.iter().map(|byte| if is_shown(byte) { char::from(*byte) } else { '.' }).collect();
        format!("{:08x}  {:<47}  {ascii}", number * LINE, numbers.join(" "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_as_what_they_are() {
        assert_eq!(Value::of(b"{\"a\":1}"), Value::Json("{\n  \"a\": 1\n}".into()));
        assert_eq!(Value::of(b"17"), Value::Text("17"));
        assert_eq!(Value::of("<b>ü</b>\n".as_bytes()), Value::Text("<b>ü</b>\n"));
        assert_eq!(Value::of(&[0xff, 0]).kind(), "bytes");
        assert_eq!(Value::of(b"\x1b[2J").kind(), "bytes");
        assert_eq!(Value::of(b"<b>").shown().into_string(), text::block("<b>").into_string());
    }

    #[test]
    fn a_dump_shows_places_numbers_and_ascii() {
        let shown = dump(b"0123456789abcdef\x00Z");
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], "00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef");
        assert!(lines[1].starts_with("00000010  00 5a ") && lines[1].ends_with("  .Z"), "{shown}");
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let text = "ü".repeat(SHOWN_MAX);
        let shown = Value::of(text.as_bytes()).shown().into_string();
        assert!(shown.contains(&format!("of {} bytes", text.len())) && shown.len() < SHOWN_MAX + 1_000);
    }
}
