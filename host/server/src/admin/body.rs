//! Bodies of requests: JSON with known members, everything else refused by name.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use switchyard_core::problem::Code;

use super::reply::Problem;

/// How messages of serde begin that name the member themselves.
const NAMING: [&str; 3] = ["missing field", "unknown field", "duplicate field"];

/// Reads a JSON body; an empty one counts as `{}`.
///
/// # Errors
/// 400 that names the member, or the line and column.
pub(super) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        let is_named = !error.is_data() || NAMING.iter().any(|naming| text.starts_with(naming));
        let member = member_before(body, offset(body, &error)).filter(|_| !is_named);
        let about = member.map(|member| format!("the member '{member}': ")).unwrap_or_default();
        Problem::new(Code::BadRequest, format!("the body is not as it should be: {about}{text}"))
    })
}

/// Where an error is, in bytes of the body.
fn offset(body: &[u8], error: &serde_json::Error) -> usize {
    let before: usize =
        body.split_inclusive(|byte| *byte == b'\n').take(error.line().saturating_sub(1)).map(<[u8]>::len).sum();
    (before + error.column()).min(body.len())
}

/// The last member of the outer object that begins before `end`: what was being read there. serde says what is wrong
/// with a value and where it ends, but not whose value it is.
fn member_before(body: &[u8], end: usize) -> Option<String> {
    let (mut depth, mut is_text, mut is_escaped) = (0, false, false);
    let (mut text, mut member) = (0..0, None);
    for (at, byte) in body.iter().enumerate().take(end) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' if is_text => (is_text, text.end) = (false, at),
            _ if is_text => {}
            b'"' => (is_text, text.start) = (true, at + 1),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b':' if depth == 1 => member = body.get(text.clone()),
            _ => {}
        }
    }
    member.map(|name| String::from_utf8_lossy(name).into_owned())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use switchyard_core::units::HumanDuration;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        _data: serde_json::Value,
        _n: Option<u8>,
        _wait: Option<HumanDuration>,
    }

    #[track_caller]
    fn check(body: &'static str, expected: &str) {
        let problem = read::<Body>(&Bytes::from_static(body.as_bytes())).expect_err("it is wrong");
        let text = format!("{problem:?}");
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        check("", "missing field `_data`");
        check("{\"_data\": 1, \"other\": 2}", "unknown field `other`");
        check("{\"_data\": {\"_x\": \"}\\\"\"},\n \"_n\": \"1\",\n \"_wait\": null}", "the member '_n': invalid type");
        check("{\"_n\": 300, \"_data\": 1}", "the member '_n': invalid value");
        check("{\"_wait\": \"soon\", \"_data\": {\"a\": 1}}", "the member '_wait': 'soon' is not a duration");
        check("{\"_data\"", "EOF while parsing");
        check("[]", "invalid length 0");
    }
}
