//! Topics and the patterns that choose among them.
//!
//! A topic is words joined by dots, as in `order.created`. In a pattern `*` stands for exactly one word, and a `>` at
//! the end for one or more: `order.*`, `order.>`, `>`.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest topic or pattern, in bytes.
pub const TOPIC_MAX: usize = 255;

/// A pattern of topics, checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend(
    "maxLength" = TOPIC_MAX,
    "pattern" = "^(([A-Za-z0-9_:/-]+|\\*)(\\.([A-Za-z0-9_:/-]+|\\*))*(\\.>)?|>)$"
))]
pub struct Pattern(String);

/// Why a string is no topic, or no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTopic {
    /// A topic cannot be read.
    #[error(
        "'{0}' is not a topic: write words of letters, digits, '-', '_', ':' and '/' joined by dots, as in \
         order.created, at most {TOPIC_MAX} bytes"
    )]
    Topic(String),
    /// A pattern cannot be read.
    #[error(
        "'{0}' is not a topic pattern: write a topic in which '*' stands for one word and a final '>' for the rest, \
         as in order.* or order.>"
    )]
    Pattern(String),
}

/// Whether this names a topic.
///
/// # Errors
/// When it does not; the text says what would.
pub fn check(topic: &str) -> Result<(), InvalidTopic> {
    let holds = !topic.is_empty() && topic.len() <= TOPIC_MAX && topic.split('.').all(is_word);
    if holds { Ok(()) } else { Err(InvalidTopic::Topic(topic.to_owned())) }
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'/'))
}

// === impl Pattern ===

impl Pattern {
    /// The pattern that every topic matches: `>`.
    #[must_use]
    pub fn all() -> Self {
        Self(">".to_owned())
    }

    /// The pattern as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The one topic that it matches, when it has no wildcard.
    #[must_use]
    pub fn exact(&self) -> Option<&str> {
        let has_wildcard = self.0.split('.').any(|word| matches!(word, "*" | ">"));
        (!has_wildcard).then_some(&self.0)
    }

    /// Whether every topic that `other` matches is among those meant.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let mut words = other.0.split('.');
        for wanted in self.0.split('.') {
            match (wanted, words.next()) {
                (">", Some(_)) => return true,
                ("*", Some(word)) if word != ">" => {}
                (wanted, Some(word)) if wanted == word => {}
                _ => return false,
            }
        }
        words.next().is_none()
    }

    /// Whether a topic is among those meant.
    #[must_use]
    pub fn matches(&self, topic: &str) -> bool {
        let mut words = topic.split('.');
        for wanted in self.0.split('.') {
            match (wanted, words.next()) {
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (wanted, Some(word)) if wanted == word => {}
                _ => return false,
            }
        }
        words.next().is_none()
    }
}

impl FromStr for Pattern {
    type Err = InvalidTopic;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let last = s.split('.').count().saturating_sub(1);
        let holds = s.len() <= TOPIC_MAX
            && s.split('.').enumerate().all(|(place, word)| match word {
                "*" => true,
                ">" => place == last,
                word => is_word(word),
            });
        if holds { Ok(Self(s.to_owned())) } else { Err(InvalidTopic::Pattern(s.to_owned())) }
    }
}

impl TryFrom<String> for Pattern {
    type Error = InvalidTopic;

    fn try_from(s: String) -> Result<Self, Self::Error> {
        s.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_match(pattern: &str, topic: &str, expected: bool) {
        assert_eq!(pattern.parse::<Pattern>().unwrap().matches(topic), expected, "{pattern} of {topic}");
    }

    #[test]
    fn wildcards_stand_for_one_word_and_for_the_rest() {
        check_match("order.created", "order.created", true);
        check_match("order.created", "order.created.eu", false);
        check_match("order.*", "order.created", true);
        check_match("order.*", "order", false);
        check_match("order.*", "order.created.eu", false);
        check_match("*.created", "order.created", true);
        check_match("order.>", "order.created.eu", true);
        check_match("order.>", "order", false);
        check_match(">", "order", true);
        check_match("*", "order.created", false);
    }

    #[track_caller]
    fn check_cover(pattern: &str, other: &str, expected: bool) {
        let [pattern, other] = [pattern, other].map(|text| text.parse::<Pattern>().unwrap());
        assert_eq!(pattern.covers(&other), expected, "{pattern} of {other}");
    }

    #[test]
    fn a_pattern_covers_those_that_match_less() {
        for same in ["a.b", "a.*", "a.>", ">", "*"] {
            check_cover(same, same, true);
            check_cover(">", same, true);
        }
        check_cover("a.>", "a.*", true);
        check_cover("a.>", "a.b.>", true);
        check_cover("a.>", "a", false);
        check_cover("a.*", "a.b", true);
        check_cover("a.*", "a.>", false);
        check_cover("a.*", "a.b.c", false);
        check_cover("*", ">", false);
        check_cover("a.b", "a.*", false);
        check_cover("a.*.c", "a.b.c", true);
    }

    #[test]
    fn what_is_no_topic_or_pattern_is_refused() {
        for wrong in ["", ".", "a.", ".a", "a..b", "a b", "a.*", ">", "ä"] {
            assert!(check(wrong).is_err(), "{wrong:?}");
        }
        for wrong in ["", "a..b", ">.a", "a.>.b", "a*", "a.b>"] {
            assert!(wrong.parse::<Pattern>().is_err(), "{wrong:?}");
        }
        assert!(check(&"a".repeat(TOPIC_MAX)).is_ok() && check(&"a".repeat(TOPIC_MAX + 1)).is_err());
    }
}
