//! Where the rules of a table are kept so that a path finds its own: a map of the exact paths, and a tree of
//! segments for the rest.
//!
//! A lookup visits every place whose pattern matches the path, at most one for each literal and parameter branch,
//! and leaves the choice between them to the caller.

use std::collections::HashMap;

use super::pattern::{Pattern, Segment};

/// The index of a rule in its table.
pub(super) type RuleIndex = usize;

/// All places of a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    exact: HashMap<Box<str>, Place>,
    root: Node,
    /// Whether any rule asks for a host; without one, the request's host is not looked at.
    by_host: bool,
}

/// The rules of one pattern.
#[derive(Clone, Debug, Default)]
struct Place {
    any_host: Vec<RuleIndex>,
    hosts: HashMap<Box<str>, Vec<RuleIndex>>,
}

/// What may follow the segments that lead here.
#[derive(Clone, Debug, Default)]
struct Node {
    literals: HashMap<Box<str>, Node>,
    param: Option<Box<Node>>,
    /// Patterns that end here.
    end: Place,
    /// Patterns that end here with `/*`.
    prefix: Place,
}

/// A request's host as rules know it: without its port and final dot, in lower case, on the stack.
pub(super) struct Host {
    bytes: [u8; Self::MAX],
    length: usize,
}

// === impl Index ===

impl Index {
    /// Adds a rule; `host` is in the form of [`Host`].
    pub(super) fn insert(&mut self, pattern: &Pattern, host: Option<&str>, rule: RuleIndex) {
        self.by_host |= host.is_some();
        let place = if pattern.is_exact() {
            self.exact.entry(pattern.to_string().into()).or_default()
        } else {
            let node = pattern.segments.iter().fold(&mut self.root, |node, segment| match segment {
                Segment::Literal(text) => node.literals.entry(text.clone()).or_default(),
                Segment::Param(_) => node.param.get_or_insert_default(),
            });
            if pattern.prefix { &mut node.prefix } else { &mut node.end }
        };
        match host {
            None => place.any_host.push(rule),
            Some(host) => place.hosts.entry(host.into()).or_default().push(rule),
        }
    }

    /// Shows `see` the rules for exactly this path.
    pub(super) fn visit_exact(&self, host: &str, path: &str, see: &mut impl FnMut(RuleIndex)) {
        if let Some(place) = self.exact.get(path) {
            place.visit(self.host(host).as_ref(), see);
        }
    }

    /// Shows `see` the rules of all templates and prefixes that take this path.
    pub(super) fn visit_rest(&self, host: &str, path: &str, see: &mut impl FnMut(RuleIndex)) {
        if let Some(rest) = path.strip_prefix('/') {
            self.root.visit(self.host(host).as_ref(), Some(rest), see);
        }
    }

    fn host(&self, host: &str) -> Option<Host> {
        if self.by_host { Host::parse(host) } else { None }
    }
}

// === impl Node ===

impl Node {
    /// `rest` is what of the path is left, none after its last segment. The depth is bounded by the patterns'.
    fn visit(&self, host: Option<&Host>, rest: Option<&str>, see: &mut impl FnMut(RuleIndex)) {
        self.prefix.visit(host, see);
        let Some(rest) = rest else {
            self.end.visit(host, see);
            return;
        };
        if self.literals.is_empty() && self.param.is_none() {
            return;
        }
        let (segment, rest) = match rest.split_once('/') {
            Some((segment, rest)) => (segment, Some(rest)),
            None => (rest, None),
        };
        if let Some(node) = self.literals.get(segment) {
            node.visit(host, rest, see);
        }
        if let (Some(node), false) = (&self.param, segment.is_empty()) {
            node.visit(host, rest, see);
        }
    }
}

// === impl Place ===

impl Place {
    fn visit(&self, host: Option<&Host>, see: &mut impl FnMut(RuleIndex)) {
        if let Some(rules) = host.and_then(|host| self.hosts.get(host.as_str())) {
            rules.iter().copied().for_each(&mut *see);
        }
        self.any_host.iter().copied().for_each(&mut *see);
    }
}

// === impl Host ===

impl Host {
    /// The longest host in bytes that a rule can name (RFC 1035, section 2.3.4).
    const MAX: usize = 255;

    /// Reads the value of a Host header; none when it is longer than any host.
    pub(super) fn parse(authority: &str) -> Option<Self> {
        let host = match authority.strip_prefix('[') {
            Some(address) => &authority[..address.find(']')? + 2],
            None => authority.split_once(':').map_or(authority, |(host, _)| host),
        };
        let host = host.strip_suffix('.').unwrap_or(host);
        let mut bytes = [0; Self::MAX];
        let own = bytes.get_mut(..host.len())?;
        own.copy_from_slice(host.as_bytes());
        own.make_ascii_lowercase();
        Some(Self { bytes, length: host.len() })
    }

    pub(super) fn as_str(&self) -> &str {
        // Lower case of ASCII letters keeps UTF-8 valid, so the empty string is never taken.
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}
