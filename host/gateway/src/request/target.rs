//! The target as the service gets it.

use bytes::Bytes;
use http::{Uri, uri::PathAndQuery};
use switchyard_core::route::path::strip_prefix;

/// Path and query alone, with `prefix` cut off the path. The query is kept to the byte.
///
/// It is made of the same path that was checked and routed: `http://h?a` has the path "/" though its text has none,
/// so that the text's length says nothing about where the query begins.
pub(super) fn origin_form(uri: &Uri, prefix: Option<&str>) -> Uri {
    let path = uri.path();
    let rest = prefix.map_or(path, |prefix| strip_prefix(path, prefix));
    let as_sent = uri.path_and_query().is_some_and(|whole| whole.as_str().starts_with(path));
    if rest.len() == path.len() && as_sent && uri.authority().is_none() {
        return uri.clone();
    }
    let query = uri.query();
    let mut target = String::with_capacity(rest.len() + query.map_or(0, |query| 1 + query.len()));
    target.push_str(rest);
    if let Some(query) = query {
        target.push('?');
        target.push_str(query);
    }
    let target = PathAndQuery::from_maybe_shared(Bytes::from(target));
    // A part of a valid target from a '/' on is a valid target.
    target.map_or_else(|_| uri.clone(), Uri::from)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(origin_form(&uri.parse().unwrap(), prefix).to_string(), target, "{uri}");
        }
    }
}
