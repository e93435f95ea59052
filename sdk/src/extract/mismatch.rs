//! What is wrong with a request, as its caller reads it: where, what was expected, what came.
//!
//! Serde says what is wrong in a sentence, and `serde_path_to_error` says where. The sentence is taken apart here, and what it
//! says in Rust's words (`u32`, `struct Order`) is said in JSON's.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serde_path_to_error::{Path, Segment};

use crate::{Error, Result};

/// The most characters of what came, or of what a type says of it, that are sent back.
const TEXT_MAX: usize = 200;

/// Which part of a request is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Body,
    Form,
    Path,
    Query,
}

/// A sentence of serde's, taken apart as far as it can be.
struct Sentence {
    /// A member that it speaks of, in what the path leads to.
    member: Option<String>,
    expected: Option<String>,
    got: Option<String>,
    text: String,
}

/// Reads a JSON document.
///
/// # Errors
/// 400, with what is wrong and where.
pub(crate) fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let inner = error.inner();
        if inner.is_data() {
            Place::Body.mismatch(error.path(), &without_position(inner))
        } else {
            no_json(bytes, inner)
        }
    })?;
    deserializer.end().map_err(|error| no_json(bytes, &error))?;
    Ok(value)
}

fn no_json(bytes: &[u8], error: &serde_json::Error) -> Error {
    let detail =
        if bytes.is_empty() { "the body is empty".to_owned() } else { format!("the body is no JSON: {error}") };
    Error::bad_request("Invalid JSON").detail(detail)
}

/// The sentence without ` at line 1 column 20`, which the path says better.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).map_or(text.clone(), str::to_owned)
}

// === impl Place ===

impl Place {
    /// 400 for what is wrong at this path, as serde says it.
    pub(super) fn mismatch(self, path: &Path, sentence: &str) -> Error {
        let sentence = Sentence::parse(sentence);
        let mut keys: Vec<String> = path.iter().filter_map(key).collect();
        let mut name = path.iter().fold(String::new(), |name, segment| match segment {
            Segment::Seq { index } => format!("{name}[{index}]"),
            other => key(other).map_or(name.clone(), |key| joined(&name, &key)),
        });
        if let Some(member) = &sentence.member
            && keys.last() != Some(member)
        {
            name = joined(&name, member);
            keys.push(member.clone());
        }
        self.error(&name, &keys, sentence)
    }

    /// 400 for what is wrong with the parameter of this name.
    pub(super) fn mismatch_of(self, name: &str, sentence: &str) -> Error {
        self.error(name, &[], Sentence::parse(sentence))
    }

    fn error(self, name: &str, keys: &[String], sentence: Sentence) -> Error {
        let (place, message) = match self {
            Self::Body => ("body", "Invalid body"),
            Self::Form => ("form", "Invalid form"),
            Self::Path => ("path", "Invalid path"),
            Self::Query => ("query", "Invalid query"),
        };
        let detail = if name.is_empty() { sentence.text.clone() } else { format!("{name}: {}", sentence.text) };
        let mut entry = json!({ "in": place, "detail": sentence.text });
        match self {
            // RFC 9457 points into the document by a fragment that is a JSON Pointer.
            Self::Body => entry["pointer"] = pointer(keys).into(),
            Self::Form | Self::Path | Self::Query => entry["parameter"] = name.into(),
        }
        let further = [("expected", sentence.expected), ("got", sentence.got)];
        for (member, text) in further.into_iter().filter_map(|(member, text)| Some((member, text?))) {
            entry[member] = text.into();
        }
        Error::bad_request(message).detail(detail).member("errors", Value::Array(vec![entry]))
    }
}

/// A step of the path. In JSON the name of a variant is a member like others.
fn key(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key: name } | Segment::Enum { variant: name } => Some(cut(name)),
        Segment::Unknown => None,
    }
}

fn joined(name: &str, member: &str) -> String {
    if name.is_empty() { member.to_owned() } else { format!("{name}.{member}") }
}

/// The keys as a JSON Pointer (RFC 6901) in a fragment.
fn pointer(keys: &[String]) -> String {
    keys.iter().fold("#".to_owned(), |pointer, key| {
        let escaped = key.replace('~', "~0").replace('/', "~1");
        pointer + "/" + &crate::percent::encoded(&escaped)
    })
}

// === impl Sentence ===

impl Sentence {
    /// Serde's own sentences are of few forms; any other is a type's own, and stays as it is.
    fn parse(text: &str) -> Self {
        let kinds = ["invalid type: ", "invalid value: ", "invalid length "];
        if let Some(rest) = kinds.iter().find_map(|kind| text.strip_prefix(kind))
            && let Some((got, expected)) = rest.rsplit_once(", expected ")
        {
            let came = if text.starts_with("invalid length") { format!("a list of {got}") } else { came(got) };
            return Self::of(None, in_json(expected), Some(came));
        }
        if let Some(member) = text.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
            return Self::of(Some(member), "a value".to_owned(), Some("nothing".to_owned()));
        }
        for (kind, what) in [("unknown field `", "member"), ("unknown variant `", "value")] {
            let Some((name, rest)) = text.strip_prefix(kind).and_then(|rest| rest.split_once('`')) else { continue };
            let known = rest.strip_prefix(", expected ").map_or_else(
                || format!("no {what} of this name"),
                |known| known.replace("one of ", "").replace('`', ""),
            );
            let member = Some(name).filter(|_| what == "member");
            let known = if known.contains(',') { format!("one of {known}") } else { known };
            return Self::of(member, known, Some(quoted(name)));
        }
        Self { member: None, expected: None, got: None, text: cut(text) }
    }

    fn of(member: Option<&str>, expected: String, got: Option<String>) -> Self {
        let text = format!("expected {expected}, got {}", got.as_deref().unwrap_or("something else"));
        Self { member: member.map(cut), expected: Some(expected), got, text }
    }
}

/// What serde expected, as JSON calls it.
fn in_json(expected: &str) -> String {
    let whole = |from: i128, to: i128| format!("a whole number from {from} to {to}");
    match expected {
        "u8" => whole(0, u8::MAX.into()),
        "u16" => whole(0, u16::MAX.into()),
        "u32" => whole(0, u32::MAX.into()),
        "u64" | "usize" | "u128" => "a whole number from 0".to_owned(),
        "i8" => whole(i8::MIN.into(), i8::MAX.into()),
        "i16" => whole(i16::MIN.into(), i16::MAX.into()),
        "i32" => whole(i32::MIN.into(), i32::MAX.into()),
        "i64" | "isize" | "i128" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a map" => "an object".to_owned(),
        "a sequence" => "a list".to_owned(),
        "unit" => "null".to_owned(),
        other if other.starts_with("struct ") => "an object".to_owned(),
        other => match other.strip_prefix("a tuple of size ") {
            Some(count) => format!("a list of {count}"),
            None => other.to_owned(),
        },
    }
}

/// What came, as it stands in JSON.
fn came(got: &str) -> String {
    let code = |kind: &str| got.strip_prefix(kind).and_then(|rest| rest.strip_suffix('`'));
    let number = ["integer `", "floating point `", "boolean `"].into_iter().find_map(code);
    match (number, got) {
        (Some(value), _) => value.to_owned(),
        (None, "map") => "an object".to_owned(),
        (None, "sequence") => "a list".to_owned(),
        (None, "unit value" | "Option value") => "null".to_owned(),
        (None, _) => match got.strip_prefix("string ") {
            Some(text) => cut_quoted(text),
            None => cut(got),
        },
    }
}

fn quoted(name: &str) -> String {
    cut_quoted(&format!("{name:?}"))
}

/// A text in quotation marks, which it keeps when it is cut.
fn cut_quoted(text: &str) -> String {
    let cut = cut(text);
    if cut.len() < text.len() { cut + "\"" } else { cut }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
