//! What a request asks of these components.

/// The last segment of the path, and what follows `?url=`.
pub fn asked(target: &str) -> (&str, &str) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    (path.rsplit('/').next().unwrap_or_default(), query.strip_prefix("url=").unwrap_or_default())
}
