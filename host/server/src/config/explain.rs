//! Says what is wrong with a TOML file so that it can be mended without the manual.

/// At most this many edits away, a known word is offered instead of an unknown one.
const EDITS_MAX: usize = 3;

/// The error with file, line, and the nearest right word.
pub(crate) fn explain(file: &str, text: &str, error: &toml::de::Error) -> String {
    let at = error.span().map_or(text.len(), |span| span.start);
    located(file, text, at, &remedy(error.message()))
}

/// A message about the byte `at`.
pub(super) fn located(file: &str, text: &str, at: usize, message: &str) -> String {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    format!("{file}:{line}: {message}")
}

/// serde writes ``unknown field `x`, expected one of `a`, `b` ``, likewise for variants; anything else says enough.
fn remedy(message: &str) -> String {
    let what = match message {
        m if m.starts_with("unknown field") => "member",
        m if m.starts_with("unknown variant") => "value",
        m => return m.to_owned(),
    };
    let mut words = message.split('`').skip(1).step_by(2);
    let Some(unknown) = words.next() else { return message.to_owned() };
    let known: Vec<&str> = words.collect();
    let nearest = known.iter().min_by_key(|word| strsim::osa_distance(unknown, word));
    match nearest {
        Some(nearest) if strsim::osa_distance(unknown, nearest) <= EDITS_MAX.min(nearest.len() - 1) => {
            format!("unknown {what} '{unknown}'; did you mean '{nearest}'?")
        }
        _ => format!("unknown {what} '{unknown}'; here are known: {}", known.join(", ")),
    }
}
