//! The routes of a router, whatever answers them.

use std::fmt;

use super::pattern::Pattern;
use crate::{Error, Request, Result};

/// What a path has for its pattern's parameters, by name.
type Params = Vec<(&'static str, String)>;

/// Routes, each with what answers it.
pub(crate) struct Table<S> {
    /// Sorted by pattern: literal segments before parameters, parameters before `*`.
    routes: Vec<Route<S>>,
}

struct Route<S> {
    pattern: Pattern,
    method: &'static str,
    serve: S,
}

// === impl Table ===

impl<S> Table<S> {
    /// The same with one more route.
    ///
    /// # Panics
    /// When the pattern is wrong, or there is a route like it already.
    pub(crate) fn with(self, method: &'static str, pattern: &'static str, serve: S) -> Self {
        self.add(Route { pattern: Pattern::parse(pattern), method, serve })
    }

    /// The same with the routes of another one, below this prefix.
    ///
    /// # Panics
    /// When one of them is there already, or the prefix holds a `*`.
    pub(crate) fn nest(self, prefix: &'static str, other: Self) -> Self {
        let prefix = Pattern::parse(prefix);
        let routes = other.routes.into_iter();
        routes.fold(self, |table, route| table.add(Route { pattern: prefix.join(route.pattern), ..route }))
    }

    /// The same routes, answered by something else.
    pub(crate) fn map(self, mut with: impl FnMut(S) -> S) -> Self {
        let routes = self.routes.into_iter().map(|Route { pattern, method, serve }| {
            let serve = with(serve);
            Route { pattern, method, serve }
        });
        Self { routes: routes.collect() }
    }

    /// What answers a request, and the parameters of its path.
    ///
    /// # Errors
    /// 404 when no route has this path, 405 when those that do are for other methods.
    pub(crate) fn find(&self, request: &Request) -> Result<(&S, Params)> {
        let mut allowed: Vec<&str> = Vec::new();
        for route in &self.routes {
            let Some(params) = route.pattern.matched(request.path()) else { continue };
            if route.answers(request.method()) {
                return Ok((&route.serve, params));
            }
            if !allowed.contains(&route.method) {
                allowed.push(route.method);
            }
        }
        if allowed.is_empty() {
            return Err(Error::not_found("Not found"));
        }
        Err(Error::new(405, "Method not allowed").header("allow", allowed.join(", ")))
    }

    fn add(mut self, route: Route<S>) -> Self {
        let at = self.routes.partition_point(|other| other.pattern <= route.pattern);
        let same = |other: &Route<S>| other.pattern == route.pattern && other.method == route.method;
        assert!(!self.routes[..at].iter().any(same), "{} {:?} has two handlers", route.method, route.pattern);
        self.routes.insert(at, route);
        self
    }
}

impl<S> Default for Table<S> {
    fn default() -> Self {
        Self { routes: Vec::new() }
    }
}

impl<S> fmt::Debug for Table<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.routes.iter().map(|route| (route.method, &route.pattern))).finish()
    }
}

// === impl Route ===

impl<S> Route<S> {
    fn answers(&self, method: &str) -> bool {
        self.method == method || (self.method == "GET" && method == "HEAD")
    }
}
