//! A path pattern, ordered by precedence.

use std::cmp::Ordering;

use crate::percent;

/// `/a/{id}/*`, taken apart. Two patterns are equal when they match the same paths.
#[derive(Debug)]
pub(super) struct Pattern {
    segments: Vec<Segment>,
}

/// The order of the variants is their precedence.
#[derive(Debug, Clone, Copy)]
enum Segment {
    Literal(&'static str),
    Param(&'static str),
    /// Only at the end; matches nothing, too.
    Rest,
}

// === impl Pattern ===

impl Pattern {
    pub(super) fn parse(text: &'static str) -> Self {
        let path = text.strip_prefix('/').expect("a pattern begins with a slash");
        let texts = path.split('/').filter(|_| !path.is_empty());
        let segments: Vec<Segment> = texts.map(Segment::parse).collect();
        let rest = segments.iter().position(|segment| matches!(segment, Segment::Rest));
        assert!(rest.is_none_or(|at| at + 1 == segments.len()), "{text}: `*` stands only at the end");
        Self { segments }
    }

    /// The paths of another one below this one.
    ///
    /// # Panics
    /// When this one ends with `*`.
    pub(super) fn join(&self, other: Self) -> Self {
        assert!(!matches!(self.segments.last(), Some(Segment::Rest)), "nothing is below a `*`");
        Self { segments: self.segments.iter().copied().chain(other.segments).collect() }
    }

    /// The values of the parameters, if the path matches.
    pub(super) fn matched(&self, path: &str) -> Option<Vec<(&'static str, String)>> {
        let mut left = path.strip_prefix('/')?;
        let mut params = Vec::new();
        for segment in &self.segments {
            if let Segment::Rest = segment {
                params.push(("*", percent::decoded(left)));
                return Some(params);
            }
            let (first, rest) = left.split_once('/').unwrap_or((left, ""));
            match segment {
                Segment::Literal(text) if *text == first => {}
                Segment::Param(name) if !first.is_empty() => params.push((*name, percent::decoded(first))),
                _ => return None,
            }
            left = rest;
        }
        left.is_empty().then_some(params)
    }
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> Ordering {
        // An end is more specific than `*`, and less than any other segment.
        let key = |segment: &Segment| match segment {
            Segment::Literal(text) => (0, *text),
            Segment::Param(_) => (1, ""),
            Segment::Rest => (3, ""),
        };
        let end = std::iter::once((2, ""));
        let ours = self.segments.iter().map(key).chain(end.clone());
        ours.cmp(other.segments.iter().map(key).chain(end))
    }
}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pattern {}

// === impl Segment ===

impl Segment {
    fn parse(text: &'static str) -> Self {
        if text == "*" {
            return Self::Rest;
        }
        let param = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let plain = |text: &str| !text.is_empty() && !text.contains(['{', '}', '*']);
        assert!(plain(param.unwrap_or(text)), "`{text}` is neither a name, nor `{{name}}`, nor `*`");
        param.map_or(Self::Literal(text), Self::Param)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &'static str, path: &str, params: Option<&[(&'static str, &str)]>) {
        let matched = Pattern::parse(pattern).matched(path);
        let expected = params.map(|list| list.iter().map(|(k, v)| (*k, (*v).to_owned())).collect::<Vec<_>>());
        assert_eq!(matched, expected, "{pattern} {path}");
    }

    #[test]
    fn patterns_match_by_segment() {
        check("/", "/", Some(&[]));
        check("/", "/a", None);
        check("/a", "/a", Some(&[]));
        check("/a", "/a/", Some(&[]));
        check("/a", "/ab", None);
        check("/a", "a", None);
        check("/a/{x}", "/a", None);
        check("/a/{x}", "/a/b", Some(&[("x", "b")]));
        check("/a/{x}", "/a/b/c", None);
        check("/a/*", "/a", Some(&[("*", "")]));
        check("/a/*", "/a/b/c", Some(&[("*", "b/c")]));
        check("/a/*", "/ab", None);
    }

    #[test]
    fn precedence_is_literal_then_parameter_then_end_then_rest() {
        let mut patterns = ["/*", "/a/*", "/", "/{x}", "/a", "/a/{x}", "/a/b"].map(Pattern::parse);
        patterns.sort();
        let order = ["/a/b", "/a/{x}", "/a", "/a/*", "/{x}", "/", "/*"].map(Pattern::parse);
        assert_eq!(patterns, order);
    }

    #[test]
    #[should_panic(expected = "neither a name")]
    fn an_empty_segment_is_a_mistake() {
        let _ = Pattern::parse("/a//b");
    }
}
