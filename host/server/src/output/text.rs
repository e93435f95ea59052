//! Text of guests and clients, which must not move the cursor of whoever reads it.

/// The text with its control characters written out, and those that turn the direction of what follows.
pub(crate) fn printable(text: &str) -> String {
    let written = |c: char| if is_unseen(c) { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(written).collect()
}

/// Whether a character works without being seen: it moves the cursor, turns the direction, or hides.
pub(crate) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
