//! Answers of the admin API: JSON, pages of lists, and problems.

use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE},
};
use http_body_util::Full;
use serde::Serialize;
use switchyard_core::problem::Code;

use super::query::Query;

/// The most items of a list in one answer, and how many there are when a request does not say.
const PAGE_MAX: usize = 1_000;

/// A request that is not answered as it hoped.
#[derive(Debug)]
pub(super) struct Problem {
    code: Code,
    detail: String,
    /// The value of `Allow`, when the method is what is wrong.
    allow: Option<&'static str>,
}

/// One page of a list.
#[derive(Debug, Serialize)]
pub(super) struct Page<T> {
    items: Vec<T>,
    /// The cursor of the page that follows.
    next: Option<String>,
}

/// 200 with this value as JSON.
pub(super) fn json(value: &impl Serialize) -> Response<Full<Bytes>> {
    // Values of this API have string keys and no fallible parts, so they serialise.
    body(StatusCode::OK, "application/json", serde_json::to_vec(value).unwrap_or_default())
}

/// A short text.
pub(super) fn text(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    body(status, "text/plain; charset=utf-8", text.into())
}

/// The part of a list that `limit` and `cursor` ask for: items whose key comes after the cursor.
///
/// # Errors
/// When `limit` is no number from 1 to [`PAGE_MAX`].
pub(super) fn page<T>(mut items: Vec<(String, T)>, query: &Query<'_>) -> Result<Page<T>, Problem> {
    let limit = match query.first("limit").map(|limit| (limit.parse(), limit)) {
        None => PAGE_MAX,
        Some((Ok(limit @ 1..=PAGE_MAX), _)) => limit,
        Some((_, limit)) => {
            let detail = format!("limit is '{limit}', not a number from 1 to {PAGE_MAX}");
            return Err(Problem::new(Code::BadRequest, detail));
        }
    };
    items.sort_by(|a, b| a.0.cmp(&b.0));
    if let Some(cursor) = query.first("cursor") {
        items.retain(|(key, _)| *key > cursor);
    }
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|(key, _)| key.clone());
    Ok(Page { items: items.into_iter().map(|(_, item)| item).collect(), next })
}

fn body(status: StatusCode, kind: &'static str, bytes: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(bytes.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

// === impl Problem ===

impl Problem {
    /// A problem of this kind; `detail` says what it is about.
    pub(super) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), allow: None }
    }

    /// 405 with the methods that would be taken.
    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        Self { code: Code::MethodNotAllowed, detail: format!("use {allow}"), allow: Some(allow) }
    }

    /// The answer, in problem+json.
    pub(super) fn into_response(self, path: &str) -> Response<Full<Bytes>> {
        let problem = self.code.problem(Some(&self.detail), Some(path), None);
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = body(status, "application/problem+json", serde_json::to_vec(&problem).unwrap_or_default());
        if let Some(allow) = self.allow {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(query: &str) -> Result<(Vec<u8>, Option<String>), Problem> {
        let items = (0..5).map(|n| (format!("k{n}"), n)).collect();
        page(items, &Query::new(query)).map(|page| (page.items, page.next))
    }

    #[test]
    fn lists_go_on_after_their_cursor() {
        assert_eq!(list("").expect("a page"), (vec![0, 1, 2, 3, 4], None));
        assert_eq!(list("limit=2").expect("a page"), (vec![0, 1], Some("k1".into())));
        assert_eq!(list("limit=2&cursor=k1").expect("a page"), (vec![2, 3], Some("k3".into())));
        assert_eq!(list("limit=2&cursor=k3").expect("a page"), (vec![4], None));
        for bad in ["limit=0", "limit=x", "limit=1001"] {
            assert!(list(bad).is_err(), "{bad}");
        }
    }
}
