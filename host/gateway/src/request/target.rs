//! The target as the service gets it.

use bytes::Bytes;
use http::{Uri, uri::PathAndQuery};
use switchyard_core::route::{action::Rewrite, path::strip_prefix};
use switchyard_dispatch::RouteTarget;

/// Whether a target is path and query alone, in the text as well: `http://h?a` has the path "/" though its text has
/// none, so that the text's length says nothing about where the query begins.
pub(super) fn is_origin_form(uri: &Uri) -> bool {
    let as_sent = uri.path_and_query().is_some_and(|whole| whole.as_str().starts_with(uri.path()));
    as_sent && uri.authority().is_none()
}

/// Path and query alone. It is made of the same path that was checked and routed, and the query is kept to the byte.
pub(super) fn origin_form(uri: &Uri) -> Option<Uri> {
    if is_origin_form(uri) { Some(uri.clone()) } else { with_path(uri, uri.path()) }
}

/// What a route makes of a target in origin form: its prefix cut off, its path rewritten. None when that is no target.
pub(super) fn of_service(uri: &Uri, route: &RouteTarget) -> Option<Uri> {
    let (path, rules) = (uri.path(), &route.rules);
    let cut = rules.strip_prefix.as_deref().map_or(path, |prefix| strip_prefix(path, prefix));
    match &rules.rewrite {
        None if cut.len() == path.len() => Some(uri.clone()),
        None => with_path(uri, cut),
        Some(rewrite) => {
            // A prefix that is cut off already is not there to be replaced: what replaces it is put before the rest.
            let rest = if rules.strip_prefix.is_some() { cut } else { beyond(cut, &route.prefix) };
            with_path(uri, &rewritten(rest, rewrite))
        }
    }
}

/// The path that a redirect leads to.
pub(super) fn redirected(path: &str, route: &RouteTarget, rewrite: Option<&Rewrite>) -> String {
    match rewrite {
        None => path.to_owned(),
        Some(rewrite) => rewritten(beyond(path, &route.prefix), rewrite),
    }
}

/// The path that is left beyond a route's own prefix, which it has as many segments of as the prefix has.
fn beyond<'a>(path: &'a str, prefix: &str) -> &'a str {
    let segments = prefix.matches('/').count();
    path.match_indices('/').nth(segments).map_or("", |(at, _)| &path[at..])
}

/// The path that comes of a rewrite. It begins with one slash, since some read `//x` as a host.
fn rewritten(rest: &str, rewrite: &Rewrite) -> String {
    let path = match rewrite {
        Rewrite::Full(path) => path.clone(),
        Rewrite::Prefix(prefix) => format!("{}{rest}", prefix.trim_end_matches('/')),
    };
    format!("/{}", path.trim_start_matches('/'))
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let query = uri.query();
    let mut target = String::with_capacity(path.len() + query.map_or(0, |query| 1 + query.len()));
    target.push_str(path);
    if let Some(query) = query {
        target.push('?');
        target.push_str(query);
    }
    PathAndQuery::from_maybe_shared(Bytes::from(target)).ok().map(Uri::from)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use switchyard_core::route::action::{Destination, Redirect, Rules};

    use super::*;

    /// A route of this pattern.
    fn route(pattern: &str, rules: Rules) -> RouteTarget {
        let redirect = Redirect { scheme: None, host: None, path: None, status: 302 };
        RouteTarget {
            to: Destination::Redirect(redirect),
            mirror: None,
            rules: Arc::new(rules),
            id: "id".into(),
            prefix: RouteTarget::prefix_of(&pattern.parse().unwrap()),
            pattern: pattern.into(),
            meter: std::sync::OnceLock::new(),
        }
    }

    #[track_caller]
    fn check(pattern: &str, strip: Option<&str>, rewrite: Option<Rewrite>, uri: &str, target: &str) {
        let rules = Rules { strip_prefix: strip.map(Into::into), rewrite, ..Rules::default() };
        let uri = origin_form(&uri.parse().unwrap()).unwrap();
        assert_eq!(of_service(&uri, &route(pattern, rules)).unwrap().to_string(), target, "{pattern} {uri}");
    }

    #[test]
    fn the_prefix_goes_and_the_query_stays() {
        for (uri, prefix, target) in [
            ("/api/users/7?a=b&c", Some("/api"), "/users/7?a=b&c"),
            ("/api?x=%2F", Some("/api"), "/?x=%2F"),
            ("/api/", Some("/api"), "/"),
            ("/api//users", Some("/api"), "/users"),
            ("/other?q", Some("/api"), "/other?q"),
            ("/a?q", None, "/a?q"),
            ("http://host:1/api/x?q", Some("/api"), "/x?q"),
            ("http://host:1", None, "/"),
            ("http://host:1/a?b", None, "/a?b"),
            ("http://host:1?a/b", None, "/?a/b"),
            ("http://host:1?a/../b", Some("/api"), "/?a/../b"),
            ("/a?", None, "/a?"),
            ("/api/a?", Some("/api"), "/a?"),
        ] {
            check("/*", prefix, None, uri, target);
        }
    }

    #[test]
    fn a_rewrite_replaces_the_whole_path_or_the_routes_own_prefix() {
        let full = || Some(Rewrite::Full("/v2/x".to_owned()));
        let prefix = |text: &str| Some(Rewrite::Prefix(text.to_owned()));
        check("/a/*", None, full(), "/a/b?q", "/v2/x?q");
        check("/a/*", Some("/a"), full(), "/a/b?q", "/v2/x?q");
        check("/a/*", None, prefix("/v2"), "/a/b?q", "/v2/b?q");
        check("/a/*", None, prefix("/v2/"), "/a", "/v2");
        check("/a/*", None, prefix("/"), "/a", "/");
        check("/a/*", None, prefix("/"), "/a//evil.example/x", "/evil.example/x");
        check("/a/*", None, prefix("/"), "/a/a/b", "/a/b");
        check("/a/*", Some("/a"), prefix("/v2"), "/a/a/b", "/v2/a/b");
        check("/*", None, prefix("/v2"), "/a/b", "/v2/a/b");
        check("/a/{id}/*", None, prefix("/v2"), "/a/7/b/c", "/v2/b/c");
        check("/a/{id}", None, prefix("/v2"), "/a/7?q", "/v2?q");
        check("/", None, prefix("/v2"), "/", "/v2");
    }
}
