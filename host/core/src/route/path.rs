//! What is done to a request's raw path: it is checked, and a prefix may be cut off.

/// Why a path is refused before a route is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPath {
    /// It is `*`, an authority, or empty.
    #[error("the path does not begin with '/'")]
    NotAbsolute,
    /// It has a segment `.` or `..`, plain or percent-encoded: a service that resolves it would see another path
    /// than the one that was routed, and checked.
    #[error("the path has a '.' or '..' segment; send it resolved")]
    DotSegment,
}

/// Checks a raw path, without its query. Empty segments (`//`) and encoded slashes (`%2F`) pass as they are: they
/// are data of the service, and no rule here reads them as separators.
///
/// # Errors
/// When it does not begin with `/` or has a dot segment.
pub fn check(path: &str) -> Result<(), InvalidPath> {
    let rest = path.strip_prefix('/').ok_or(InvalidPath::NotAbsolute)?;
    // Dots at the start of a segment are rare, so most paths end here after one look for '/' each.
    if rest.split('/').any(is_dot_segment) { Err(InvalidPath::DotSegment) } else { Ok(()) }
}

/// Cuts `prefix` off the front of `path`, whole segments only; a path without it stays as it is.
///
/// The result begins with exactly one `/`: an empty rest is `/`, and a rest that would begin with `//` loses the
/// surplus, since some servers and clients read `//x` as a host.
///
/// ```
/// use switchyard_core::route::path::strip_prefix;
/// assert_eq!(strip_prefix("/api/users", "/api"), "/users");
/// assert_eq!(strip_prefix("/api", "/api"), "/");
/// assert_eq!(strip_prefix("/apis", "/api"), "/apis");
/// ```
pub fn strip_prefix<'a>(path: &'a str, prefix: &str) -> &'a str {
    let prefix = prefix.trim_end_matches('/');
    let Some(rest) = path.strip_prefix(prefix) else { return path };
    if prefix.is_empty() || !(rest.is_empty() || rest.starts_with('/')) {
        return path;
    }
    let first = rest.bytes().take_while(|b| *b == b'/').count();
    if first == 0 { "/" } else { &rest[first - 1..] }
}

fn is_dot_segment(segment: &str) -> bool {
    /// The rest after one dot, plain or encoded.
    fn dot(s: &[u8]) -> Option<&[u8]> {
        match s {
            [b'.', rest @ ..] | [b'%', b'2', b'e' | b'E', rest @ ..] => Some(rest),
            _ => None,
        }
    }
    match dot(segment.as_bytes()) {
        None => false,
        Some(rest) => rest.is_empty() || dot(rest).is_some_and(<[u8]>::is_empty),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_segments_are_refused_however_they_are_written() {
        for bad in ["/.", "/..", "/a/../b", "/a/./b", "/a/%2e", "/%2E%2e/x", "/a/.%2e", "/a/%2E./b"] {
            assert_eq!(check(bad), Err(InvalidPath::DotSegment), "{bad}");
        }
        for good in ["/", "/a", "/.well-known/x", "/a..b", "/...", "/a//b", "/a%2Fb", "/%2e%2e%2f", "/a.", "/.%2ea"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn a_path_begins_with_a_slash() {
        for bad in ["", "*", "example.com:443"] {
            assert_eq!(check(bad), Err(InvalidPath::NotAbsolute), "{bad}");
        }
    }

    #[test]
    fn a_prefix_is_cut_by_whole_segments() {
        for (path, prefix, rest) in [
            ("/api/users/7", "/api", "/users/7"),
            ("/api/users", "/api/", "/users"),
            ("/api", "/api", "/"),
            ("/api/", "/api", "/"),
            ("/api//x", "/api", "/x"),
            ("/apis", "/api", "/apis"),
            ("/other", "/api", "/other"),
            ("/a", "", "/a"),
            ("//a", "/", "//a"),
        ] {
            assert_eq!(strip_prefix(path, prefix), rest, "{path} {prefix}");
        }
    }
}
