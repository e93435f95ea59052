//! Bodies of requests: JSON with known members, everything else refused by name.

use std::borrow::Cow;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use switchyard_core::problem::Code;

use super::reply::Problem;

/// How messages of serde begin that name the member themselves.
const NAMING: [&str; 3] = ["missing field", "unknown field", "duplicate field"];

/// The most numbers that are written with a fraction of nothing in one body.
const FRACTIONS_MAX: usize = 64;

/// Reads a JSON body; an empty one counts as `{}`.
///
/// # Errors
/// 400 that names the member, or the line and column.
pub(super) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    // Members could come as an array, too, if serde alone had a say.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(wrong(&"it must be a JSON object"));
    }
    let mut body = Cow::Borrowed(body);
    for _ in 0..FRACTIONS_MAX {
        let error = match serde_json::from_slice(&body) {
            Ok(read) => return Ok(read),
            Err(error) => error,
        };
        match whole(&body, &error) {
            Some(again) => body = Cow::Owned(again),
            None => return Err(told(&body, &error)),
        }
    }
    Err(wrong(&"too many numbers in it are written with a fraction"))
}

/// A number that is whole and not negative, however it is written.
pub(super) fn whole_number(value: &serde_json::Value) -> Option<u64> {
    let of_float = |number: f64| (number.fract() == 0.0).then(|| format!("{number:.0}").parse().ok()).flatten();
    value.as_u64().or_else(|| value.as_f64().and_then(of_float))
}

fn wrong(text: &dyn std::fmt::Display) -> Problem {
    Problem::new(Code::BadRequest, format!("the body is not as it should be: {text}"))
}

fn told(body: &[u8], error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let is_named = !error.is_data() || NAMING.iter().any(|naming| text.starts_with(naming));
    let member = member_before(body, offset(body, error)).filter(|_| !is_named);
    let about = member.map(|member| format!("the member '{member}': ")).unwrap_or_default();
    wrong(&format_args!("{about}{text}"))
}

/// The same body when all that is wrong with it is that a whole number was written as `3.0` or `3e0`: for JSON Schema, and
/// for JavaScript, that is the same number as 3, and for serde it is not. Nothing else in the body changes, since some of
/// it is kept as it is written.
fn whole(body: &[u8], error: &serde_json::Error) -> Option<Vec<u8>> {
    /// Beyond this a float does not tell one whole number from the next.
    const MAX: f64 = 9_007_199_254_740_992.0;
    if !error.to_string().contains("floating point `") {
        return None;
    }
    let end = offset(body, error);
    let is_of_number = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    let length = body[..end].iter().rev().take_while(|byte| is_of_number(byte)).count();
    let start = end - length;
    let number: f64 = std::str::from_utf8(&body[start..end]).ok()?.parse().ok()?;
    let is_whole = number.fract() == 0.0 && number.abs() <= MAX;
    is_whole.then(|| [&body[..start], format!("{number:.0}").as_bytes(), &body[end..]].concat())
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
        check("[]", "it must be a JSON object");
        check(" [1, 2, \"3s\"]", "it must be a JSON object");
        check("{\"_data\": 1, \"_n\": 1.5}", "the member '_n': invalid type: floating point");
        check("{\"_data\": 1, \"_n\": -1.0}", "the member '_n': invalid value");
    }

    #[test]
    fn a_whole_number_may_have_a_fraction_of_nothing() {
        #[derive(Deserialize)]
        struct Numbers {
            data: Box<serde_json::value::RawValue>,
            n: u8,
            many: Vec<i32>,
        }
        let body = br#"{"n": 2.5e1, "data": [1.0, {"a": 2.0}], "many": [-3.0, 4, 0.0]}"#;
        let read: Numbers = read(&Bytes::from_static(body)).expect("it holds");
        assert_eq!((read.n, read.many), (25, vec![-3, 4, 0]));
        assert_eq!(read.data.get(), r#"[1.0, {"a": 2.0}]"#);
    }
}
