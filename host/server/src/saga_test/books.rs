//! What real participants keep, as their HTTP answers tell it: which paths are asked, and what of each answer counts.
//!
//! A book is written `PATH`, or `PATH#EXPRESSION`. An expression is JSON pointers joined by `+` or `-`, or one pointer,
//! `=` and a word, which counts 1 or 0. A missing document or member counts 0.

use std::{fmt, str::FromStr};

use http::StatusCode;
use serde_json::{Map, Value};

/// Numbers that differ by less than this part of the larger one are the same: sums of decimals are not exact.
const TOLERANCE: f64 = 1e-9;

/// A book to be read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Book {
    path: Template,
    counts: Counts,
}

/// What a book says; none when there is no such document and nothing is reckoned from it.
pub(super) type Reading = Option<Value>;

/// A path, in which `{NAME}` stands for the saga's id or a member of its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(String);

/// What of a document counts.
#[derive(Clone, Debug, PartialEq)]
enum Counts {
    /// All of it.
    Whole,
    /// The sum of what stands at these places; true means that it is subtracted.
    Sum(Vec<(bool, String)>),
    /// Whether this stands there.
    Is(String, String),
}

/// Why a text names no book.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidBook {
    #[error("'{0}' is no path: it begins with '/', as in /api/payments/{{orderId}}")]
    Path(String),
    #[error("'{0}' is no expression: write pointers joined by '+' or '-', or /member=word, as in #/charged-/refunded")]
    Expression(String),
}

// === impl Book ===

impl FromStr for Book {
    type Err = InvalidBook;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (path, expression) = match text.split_once('#') {
            Some((path, expression)) => (path, Some(expression)),
            None => (text, None),
        };
        let counts = expression.map_or(Ok(Counts::Whole), str::parse)?;
        Ok(Self { path: path.parse()?, counts })
    }
}

impl fmt::Display for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.path.0, self.counts)
    }
}

impl Book {
    /// Where it is read.
    pub(super) fn path(&self) -> &Template {
        &self.path
    }

    /// What an answer says.
    ///
    /// # Errors
    /// When it is neither a document nor that there is none, or cannot be reckoned with.
    pub(super) fn reading(&self, status: StatusCode, body: &[u8]) -> Result<Reading, String> {
        let document = match status {
            StatusCode::NOT_FOUND => None,
            status if status.is_success() => {
                let json = serde_json::from_slice(body).map_err(|error| format!("{self} answered no JSON: {error}"))?;
                Some(json)
            }
            status => return Err(format!("{self} answered {status}: {}", String::from_utf8_lossy(body))),
        };
        match &self.counts {
            Counts::Whole => Ok(document),
            Counts::Sum(terms) => {
                let terms = terms.iter().map(|(is_subtracted, pointer)| {
                    let number = number(document.as_ref(), pointer).map_err(|error| format!("{self}: {error}"))?;
                    Ok(if *is_subtracted { -number } else { number })
                });
                Ok(Some(terms.sum::<Result<f64, String>>()?.into()))
            }
            Counts::Is(pointer, word) => {
                let found = document.as_ref().and_then(|json| json.pointer(pointer));
                let text = found.map(|found| found.as_str().map_or_else(|| found.to_string(), str::to_owned));
                let is = text.is_some_and(|text| text == *word);
                Ok(Some(f64::from(u8::from(is)).into()))
            }
        }
    }
}

fn number(document: Option<&Value>, pointer: &str) -> Result<f64, String> {
    match document.and_then(|json| json.pointer(pointer)) {
        None | Some(Value::Null) => Ok(0.0),
        Some(found) => found.as_f64().ok_or_else(|| format!("{found} at {pointer} is no number")),
    }
}

/// Whether two readings are the same: as JSON, and numbers as numbers.
pub(super) fn same(a: &Reading, b: &Reading) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same_json(a, b),
        (None, None) => true,
        _ => false,
    }
}

fn same_json(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()).max(1.0),
            _ => a == b,
        },
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same_json(a, b)))
        }
        (a, b) => a == b,
    }
}

// === impl Counts ===

impl FromStr for Counts {
    type Err = InvalidBook;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.starts_with('/') {
            return Err(InvalidBook::Expression(text.to_owned()));
        }
        if let Some((pointer, word)) = text.split_once('=') {
            return Ok(Self::Is(pointer.to_owned(), word.to_owned()));
        }
        // An operator stands right before a pointer; elsewhere '+' and '-' belong to a member's name.
        let (mut terms, mut is_subtracted, mut rest) = (Vec::new(), false, text);
        loop {
            let next = [("+/", false), ("-/", true)].into_iter();
            let next = next.filter_map(|(operator, subtracts)| Some((rest.find(operator)?, subtracts))).min();
            let Some((end, subtracts)) = next else { break };
            terms.push((is_subtracted, rest[..end].to_owned()));
            (is_subtracted, rest) = (subtracts, &rest[end + 1..]);
        }
        terms.push((is_subtracted, rest.to_owned()));
        Ok(Self::Sum(terms))
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Is(pointer, word) => write!(f, "#{pointer}={word}"),
            Self::Sum(terms) => terms.iter().enumerate().try_for_each(|(place, (is_subtracted, pointer))| {
                let before = match (place, is_subtracted) {
                    (0, _) => "#",
                    (_, true) => "-",
                    (_, false) => "+",
                };
                write!(f, "{before}{pointer}")
            }),
        }
    }
}

// === impl Template ===

impl FromStr for Template {
    type Err = InvalidBook;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with('/') { Ok(Self(text.to_owned())) } else { Err(InvalidBook::Path(text.to_owned())) }
    }
}

impl Template {
    /// The path of one saga.
    ///
    /// # Errors
    /// When it names a member that the data has not, or that is neither text nor a number.
    pub(super) fn filled(&self, saga_id: &str, data: &Map<String, Value>) -> Result<String, String> {
        let (mut path, mut rest) = (String::new(), self.0.as_str());
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or_else(|| format!("'{}' has a '{{' without '}}'", self.0))?;
            path.push_str(before);
            match data.get(name) {
                Some(Value::String(text)) => path.push_str(&escaped(text)),
                Some(Value::Number(number)) => path.push_str(&number.to_string()),
                None if name == "sagaId" => path.push_str(&escaped(saga_id)),
                Some(_) => return Err(format!("'{}': the member '{name}' is neither text nor a number", self.0)),
                None => return Err(format!("'{}': the data has no member '{name}'; say it by --data", self.0)),
            }
            rest = after;
        }
        path.push_str(rest);
        Ok(path)
    }
}

/// Percent-encodes all but letters, digits, `-`, `_`, `.` and `~`.
fn escaped(text: &str) -> String {
    let escaped = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn reads(book: &str, document: &Value, expected: impl Into<Option<Value>>) {
        let parsed: Book = book.parse().unwrap();
        assert_eq!(parsed.to_string(), book);
        let (status, body) = match document {
            Value::Null => (StatusCode::NOT_FOUND, String::new()),
            document => (StatusCode::OK, document.to_string()),
        };
        let (reading, expected) = (parsed.reading(status, body.as_bytes()).unwrap(), expected.into());
        assert!(same(&reading, &expected), "{book}: {reading:?}");
    }

    #[test]
    fn an_expression_reckons_and_what_is_missing_counts_nothing() {
        let payment = json!({"charged": 99.99, "refunded": 0.3, "a-b": {"c+d": [5]}, "status": "created", "n": null});
        reads("/p", &payment, payment.clone());
        reads("/p", &Value::Null, None);
        reads("/p#/charged-/refunded", &payment, json!(99.69));
        reads("/p#/charged+/refunded+/none-/n", &payment, json!(100.29));
        reads("/p#/charged-/refunded", &Value::Null, json!(0));
        reads("/p#/a-b/c+d/0", &payment, json!(5));
        reads("/p#/status=created", &payment, json!(1));
        reads("/p#/charged=99.99", &payment, json!(1));
        reads("/p#/status=cancelled", &payment, json!(0));
        reads("/p#/status=created", &Value::Null, json!(0));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let reading = |book: &str, status: u16, body: &str| {
            let book: Book = book.parse().unwrap();
            book.reading(StatusCode::from_u16(status).unwrap(), body.as_bytes()).unwrap_err()
        };
        assert!(reading("/p", 503, "busy").contains("/p answered 503"));
        assert!(reading("/p", 200, "text").contains("no JSON"));
        assert!(reading("/p#/a", 200, r#"{"a": "5"}"#).contains("is no number"));
        for wrong in ["p", "/p#", "/p#charged", "#/a"] {
            assert!(wrong.parse::<Book>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_the_same_as_numbers() {
        let (a, b) = (Some(json!({"a": [1, 0.3]})), Some(json!({"a": [1.0, 0.1 + 0.2]})));
        assert!(same(&a, &b) && same(&None, &None));
        for (a, b) in [(json!([1]), json!([2])), (json!([1]), json!([1, 1])), (json!({"a": 1}), json!({"b": 1}))] {
            assert!(!same(&Some(a), &Some(b)));
        }
        assert!(!same(&None, &Some(json!(0))) && !same(&Some(json!("1")), &Some(json!(1))));
    }

    #[test]
    fn a_path_is_filled_from_the_saga() {
        let data = json!({"orderId": "a b/c", "n": 7, "list": []});
        let filled = |path: &str| path.parse::<Template>().unwrap().filled("case-1", data.as_object().unwrap());
        assert_eq!(filled("/api/{orderId}/{n}?saga={sagaId}").unwrap(), "/api/a%20b%2Fc/7?saga=case-1");
        assert!(filled("/{other}").unwrap_err().contains("no member 'other'"));
        assert!(filled("/{list}").unwrap_err().contains("neither"));
        assert!(filled("/{list").is_err());
    }
}
