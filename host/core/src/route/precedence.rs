//! Which of several matching rules answers.

use std::cmp::Reverse;

use super::{Pattern, RouteRule};

/// A rule's claim on the requests it matches; the greatest wins. The order of the fields is the order of the
/// Kubernetes Gateway API: exact, then longest prefix, host, method, most headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Precedence {
    /// Exact before template before prefix.
    pub kind: Kind,
    /// More segments first: the longest prefix, counted in elements.
    pub segments: usize,
    /// A literal before a parameter, from the left: one bit a segment.
    pub literals: u64,
    /// A rule for this host before one for any.
    pub host: bool,
    /// The later layer, between rules for the same path and host.
    pub layer: u8,
    /// A rule for this method before one for any.
    pub method: MethodClaim,
    /// The number of headers that it asks for: more before fewer.
    pub headers: usize,
    /// The first in the list.
    pub order: Reverse<usize>,
}

/// How a pattern takes paths, from the vaguest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A path and all below it.
    Prefix,
    /// One path but for some segments.
    Template,
    /// One path.
    Exact,
}

/// How a rule takes a method, from the vaguest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MethodClaim {
    /// It takes all.
    Any,
    /// It names GET, and HEAD is asked for.
    Implied,
    /// It names this one.
    Named,
}

// === impl Precedence ===

impl Precedence {
    /// The claim of a rule that is the `order`th of its list, on a method; none when it does not take it.
    /// Whether the request has the headers is not looked at.
    pub fn of<T>(rule: &RouteRule<T>, order: usize, method: &str) -> Option<Self> {
        Some(Self { method: MethodClaim::of(rule, method)?, ..Self::regardless_of_method(rule, order) })
    }

    /// What of the claim is the same for every method; known when the table is built.
    pub(super) fn regardless_of_method<T>(rule: &RouteRule<T>, order: usize) -> Self {
        Self {
            kind: Kind::of(&rule.pattern),
            segments: rule.pattern.segments.len(),
            literals: rule.pattern.literals(),
            host: rule.host.is_some(),
            layer: rule.origin.layer.rank(),
            method: MethodClaim::Any,
            headers: rule.headers.len(),
            order: Reverse(order),
        }
    }
}

// === impl MethodClaim ===

impl MethodClaim {
    /// The claim of a rule on a method; none when it does not take it.
    pub fn of<T>(rule: &RouteRule<T>, method: &str) -> Option<Self> {
        let names = |method: &str| rule.methods.iter().any(|own| own == method);
        match method {
            _ if rule.methods.is_empty() => Some(Self::Any),
            _ if names(method) => Some(Self::Named),
            "HEAD" if names("GET") => Some(Self::Implied),
            _ => None,
        }
    }
}

// === impl Kind ===

impl Kind {
    fn of(pattern: &Pattern) -> Self {
        match pattern {
            _ if pattern.is_exact() => Self::Exact,
            Pattern { prefix: true, .. } => Self::Prefix,
            Pattern { prefix: false, .. } => Self::Template,
        }
    }
}
