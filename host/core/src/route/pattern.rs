//! The paths that a route takes, as it is written.

use std::{fmt, str::FromStr};

/// The most segments a pattern may have: precedence compares them as bits of one word.
pub const SEGMENTS_MAX: usize = 64;

/// `/a/b` exact, `/a/{id}` any one segment, `/a/*` the prefix `/a` and all below it, `/*` everything.
///
/// Segments are compared byte by byte with the raw path, so `/a` is not `/a/`, and a character that a URL cannot
/// hold must be written percent-encoded, as clients send it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// What stands between the slashes, the final `*` left out.
    pub(crate) segments: Vec<Segment>,
    /// Whether it ends with `/*`.
    pub(crate) prefix: bool,
}

/// One part of a pattern. The name of a parameter is for people only: it is not kept in comparisons.
#[derive(Clone, Debug)]
pub(crate) enum Segment {
    Literal(Box<str>),
    Param(Box<str>),
}

/// Why a string is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// It does not begin with a slash.
    #[error("the path '{0}' does not begin with '/'; write '/{0}'")]
    NotAbsolute(String),
    /// A `*` stands elsewhere than as the last segment.
    #[error(
        "the path '{0}' has a '*' that is not its whole last segment; write {{name}} for one segment, or end with '/*'"
    )]
    Star(String),
    /// A brace is not part of `{name}`.
    #[error(
        "the path '{0}' has a brace that is not a whole segment {{name}}; name is one or more of a-z, A-Z, 0-9, '_' and '-'"
    )]
    Brace(String),
    /// A character that never appears in a request's path.
    #[error("the path '{path}' has the character {character:?}, which no request's path can hold; percent-encode it")]
    Character {
        /// The pattern.
        path: String,
        /// The first such character.
        character: char,
    },
    /// A `.` or `..` segment, which the gateway refuses in requests.
    #[error("the path '{0}' has a '.' or '..' segment, which no request can ask for; write the resolved path")]
    DotSegment(String),
    /// More than [`SEGMENTS_MAX`] segments.
    #[error("the path has more than {SEGMENTS_MAX} segments; end it with '/*' earlier")]
    TooLong,
}

// === impl Pattern ===

impl Pattern {
    /// Whether a raw path is one of its own.
    pub fn matches(&self, path: &str) -> bool {
        let Some(rest) = path.strip_prefix('/') else { return false };
        let mut given = rest.split('/');
        for segment in &self.segments {
            match (segment, given.next()) {
                (Segment::Literal(own), Some(part)) if **own == *part => {}
                (Segment::Param(_), Some(part)) if !part.is_empty() => {}
                _ => return false,
            }
        }
        self.prefix || given.next().is_none()
    }

    /// Whether it takes one path only.
    pub fn is_exact(&self) -> bool {
        !self.prefix && self.segments.iter().all(|s| matches!(s, Segment::Literal(_)))
    }

    /// The literal segments as bits, the first one highest.
    pub(crate) fn literals(&self) -> u64 {
        let bit = |i: usize, s: &Segment| u64::from(matches!(s, Segment::Literal(_))) << (SEGMENTS_MAX - 1 - i);
        self.segments.iter().enumerate().fold(0, |bits, (i, s)| bits | bit(i, s))
    }
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(s: &str) -> Result<Self, InvalidPattern> {
        let rest = s.strip_prefix('/').ok_or_else(|| InvalidPattern::NotAbsolute(s.to_owned()))?;
        super::path::check(s).map_err(|_| InvalidPattern::DotSegment(s.to_owned()))?;
        let (rest, prefix) = match rest.strip_suffix('*') {
            Some("") => return Ok(Self { segments: Vec::new(), prefix: true }),
            Some(front) => match front.strip_suffix('/') {
                Some(front) => (front, true),
                None => return Err(InvalidPattern::Star(s.to_owned())),
            },
            None => (rest, false),
        };
        let segments = rest.split('/').map(|part| segment(s, part)).collect::<Result<Vec<_>, _>>()?;
        if segments.len() > SEGMENTS_MAX {
            return Err(InvalidPattern::TooLong);
        }
        Ok(Self { segments, prefix })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => write!(f, "/{text}")?,
                Segment::Param(name) => write!(f, "/{{{name}}}")?,
            }
        }
        if self.prefix { f.write_str("/*") } else { Ok(()) }
    }
}

fn segment(path: &str, part: &str) -> Result<Segment, InvalidPattern> {
    if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        let named = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        return if named { Ok(Segment::Param(name.into())) } else { Err(InvalidPattern::Brace(path.to_owned())) };
    }
    if part.contains('*') {
        return Err(InvalidPattern::Star(path.to_owned()));
    }
    if part.contains(['{', '}']) {
        return Err(InvalidPattern::Brace(path.to_owned()));
    }
    match part.chars().find(|c| !c.is_ascii_graphic() || matches!(c, '?' | '#' | '"' | '<' | '>')) {
        Some(character) => Err(InvalidPattern::Character { path: path.to_owned(), character }),
        None => Ok(Segment::Literal(part.into())),
    }
}

// === impl Segment ===

impl PartialEq for Segment {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Literal(a), Self::Literal(b)) => a == b,
            (Self::Param(_), Self::Param(_)) => true,
            _ => false,
        }
    }
}

impl Eq for Segment {}

impl std::hash::Hash for Segment {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match self {
            Self::Literal(text) => Some(text).hash(state),
            Self::Param(_) => None::<&Box<str>>.hash(state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let parsed: Pattern = pattern.parse().unwrap();
        assert_eq!(parsed.to_string(), pattern);
        for path in yes {
            assert!(parsed.matches(path), "{pattern} {path}");
        }
        for path in no {
            assert!(!parsed.matches(path), "{pattern} {path}");
        }
    }

    #[test]
    fn the_four_forms() {
        check("/", &["/"], &["/a", "//", ""]);
        check("/a/b", &["/a/b"], &["/a", "/a/b/", "/a/b/c", "/a/B"]);
        check("/a/", &["/a/"], &["/a", "/a//"]);
        check("/a/{id}", &["/a/1", "/a/%2F"], &["/a", "/a/", "/a/1/", "/a/1/2"]);
        check("/a/*", &["/a", "/a/", "/a/b/c", "/a//"], &["/ab", "/", "/b/a"]);
        check("/{x}/b/*", &["/a/b", "/a/b/c"], &["//b", "/a/c"]);
        check("/*", &["/", "/a", "//"], &["", "*"]);
    }

    #[test]
    fn what_is_wrong_is_said_with_the_remedy() {
        for (bad, says) in [
            ("a/b", "write '/a/b'"),
            ("", "does not begin"),
            ("/a/*/b", "end with '/*'"),
            ("/a*", "end with '/*'"),
            ("/a/**", "end with '/*'"),
            ("/a/{id", "{name}"),
            ("/a/x{id}", "{name}"),
            ("/a/{}", "{name}"),
            ("/a b", "percent-encode"),
            ("/ä", "percent-encode"),
            ("/a?b", "percent-encode"),
            ("/a/../b", "resolved"),
            (&"/a".repeat(65), "64 segments"),
        ] {
            let error = bad.parse::<Pattern>().unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }

    #[test]
    fn the_names_of_parameters_do_not_tell_patterns_apart() {
        assert_eq!("/a/{id}".parse::<Pattern>(), "/a/{name}".parse());
        assert_ne!("/a/{id}".parse::<Pattern>(), "/a/id".parse());
    }
}
