//! All routes of a moment, and the one that answers a request.

use std::{collections::HashMap, fmt};

use super::{
    Layer, Lookup, Origin, Pattern, RouteRule,
    action::HeaderMatch,
    precedence::{MethodClaim, Precedence},
    trie::{Index, RuleIndex},
};

/// The routes of a moment; built once, then only read.
#[derive(Clone, Debug)]
pub struct RouteTable<T> {
    rules: Vec<RouteRule<T>>,
    /// The claims of `rules`, at the same places.
    claims: Vec<Precedence>,
    index: Index,
}

/// A rule that did not get into the table.
#[derive(Clone, Debug)]
pub struct Refused<T> {
    /// The rule.
    pub rule: RouteRule<T>,
    /// Who holds its path, host and one of its methods already.
    pub held_by: Origin,
}

/// A lookup under way.
struct Search<'a, T> {
    table: &'a RouteTable<T>,
    method: &'a str,
    has: &'a dyn Fn(&HeaderMatch) -> bool,
    best: Option<(Precedence, RuleIndex)>,
    path_known: bool,
}

// === impl RouteTable ===

impl<T> RouteTable<T> {
    /// Builds the table. Of two rules of equal rank and different owners for the same path, host and headers, with a
    /// method that both take, the later one in `rules` is refused; all others are in the table, and [`Precedence`]
    /// decides between them.
    pub fn build(rules: impl IntoIterator<Item = RouteRule<T>>) -> (Self, Vec<Refused<T>>) {
        Self::in_order(rules.into_iter().map(RouteRule::plain))
    }

    /// Builds the table that follows this one, as [`build`](Self::build) does; but of plugins' rules, those that
    /// this table has already come first, so that nobody loses a route to a newcomer.
    pub fn succeeded_by(&self, rules: impl IntoIterator<Item = RouteRule<T>>) -> (Self, Vec<Refused<T>>) {
        let mut held: HashMap<_, Vec<&RouteRule<T>>> = HashMap::new();
        for rule in &self.rules {
            held.entry((&rule.pattern, &rule.host)).or_default().push(rule);
        }
        let is_new = |rule: &RouteRule<T>| {
            let holding = held.get(&(&rule.pattern, &rule.host)).into_iter().flatten();
            // The operator's rules keep the order in which they are written.
            rule.origin.layer.rank() == Layer::Manifest.rank() && !holding.into_iter().any(|held| held.covers(rule))
        };
        let mut rules: Vec<_> = rules.into_iter().map(RouteRule::plain).collect();
        rules.sort_by_cached_key(is_new);
        Self::in_order(rules)
    }

    fn in_order(rules: impl IntoIterator<Item = RouteRule<T>>) -> (Self, Vec<Refused<T>>) {
        let mut table = Self::default();
        let mut refused = Vec::new();
        let mut holders: HashMap<(Pattern, Option<String>), Vec<RuleIndex>> = HashMap::new();
        for rule in rules {
            let holding = holders.entry((rule.pattern.clone(), rule.host.clone())).or_default();
            let holder = holding.iter().map(|index| &table.rules[*index]).find(|held| held.excludes(&rule));
            if let Some(holder) = holder {
                refused.push(Refused { held_by: holder.origin.clone(), rule });
                continue;
            }
            let index = table.rules.len();
            holding.push(index);
            table.index.insert(&rule.pattern, rule.host.as_deref(), index);
            table.claims.push(Precedence::regardless_of_method(&rule, index));
            table.rules.push(rule);
        }
        (table, refused)
    }

    /// What answers a request: `host` as in its Host header, `path` raw and without the query. `has` says whether it has
    /// a header; it is asked only about rules that take its path and host, and ask for headers.
    ///
    /// A rule whose headers the request does not have is not there for it: without another one the path is not known.
    pub fn find(&self, host: &str, method: &str, path: &str, has: &dyn Fn(&HeaderMatch) -> bool) -> Lookup<'_, T> {
        let mut search = Search { table: self, method, has, best: None, path_known: false };
        self.index.visit_exact(host, path, &mut |index| search.see(index));
        // An exact rule has precedence over all others.
        if search.best.is_none() {
            self.index.visit_rest(host, path, &mut |index| search.see(index));
        }
        match search.best {
            Some((_, index)) => Lookup::Found(&self.rules[index].target),
            None if search.path_known => Lookup::MethodNotAllowed { allow: self.allow(host, path, has) },
            None => Lookup::NotFound,
        }
    }

    /// The rules, in the order in which they were given.
    pub fn rules(&self) -> &[RouteRule<T>] {
        &self.rules
    }

    /// The methods of all rules that take this path and these headers, as the value of `Allow`.
    fn allow(&self, host: &str, path: &str, has: &dyn Fn(&HeaderMatch) -> bool) -> String {
        let mut methods: Vec<&str> = Vec::new();
        let mut see = |index: RuleIndex| {
            let rule = &self.rules[index];
            if rule.takes_headers(has) {
                methods.extend(rule.methods.iter().map(String::as_str));
            }
        };
        self.index.visit_exact(host, path, &mut see);
        self.index.visit_rest(host, path, &mut see);
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.sort_unstable();
        methods.dedup();
        methods.join(", ")
    }
}

impl<T> Default for RouteTable<T> {
    fn default() -> Self {
        Self { rules: Vec::new(), claims: Vec::new(), index: Index::default() }
    }
}

// === impl Search ===

impl<T> Search<'_, T> {
    fn see(&mut self, index: RuleIndex) {
        let rule = &self.table.rules[index];
        if !rule.takes_headers(self.has) {
            return;
        }
        self.path_known = true;
        if let Some(method) = MethodClaim::of(rule, self.method) {
            let claim = Precedence { method, ..self.table.claims[index] };
            if self.best.is_none_or(|(held, _)| claim > held) {
                self.best = Some((claim, index));
            }
        }
    }
}

// === impl Refused ===

impl<T> fmt::Display for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the route ")?;
        for method in &self.rule.methods {
            write!(f, "{method} ")?;
        }
        if let Some(host) = &self.rule.host {
            write!(f, "{host}")?;
        }
        write!(f, "{}", self.rule.pattern)?;
        for (place, header) in self.rule.headers.iter().enumerate() {
            write!(f, "{}'{header}'", if place == 0 { " with " } else { " and " })?;
        }
        write!(
            f,
            " of {} is held by {}; give it another path, or decide between them by a [[route]] in the config",
            self.rule.origin.owner, self.held_by
        )
    }
}

#[cfg(test)]
mod tests;
