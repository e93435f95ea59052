//! Answers of the admin API: JSON, pages of lists, and problems.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use serde::Serialize;
use switchyard_core::problem::Code;
use switchyard_delivery::Error;

use super::{
    logs::{self, Frames},
    query::Query,
    watch::Events,
};

/// The most items of a list in one answer, and how many there are when a request does not say.
pub(super) const PAGE_MAX: usize = 1_000;

/// When it is worth trying again what the store or a queue cannot take now, in seconds: a queue moves quickly.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("1");

/// The body of an answer.
pub(crate) enum AnswerBody {
    /// All of it is there.
    Whole(Full<Bytes>),
    /// It goes on for as long as the client, and the host, want.
    Events(Box<Events>),
    /// The same, of what is made as it is asked for.
    Frames(Frames),
}

/// A request that is not answered as it hoped.
#[derive(Debug)]
pub(crate) struct Problem {
    code: Code,
    detail: String,
    /// A text for `error` other than the code's own.
    error: Option<String>,
    /// The value of `Allow`, when the method is what is wrong.
    allow: Option<&'static str>,
    /// The value of `WWW-Authenticate`, when who asks is what is wrong.
    challenge: Option<&'static str>,
    /// When it is worth trying again.
    retry_after: Option<Duration>,
}

/// One page of a list.
#[derive(Debug, Serialize)]
pub(super) struct List<T> {
    pub(super) items: Vec<T>,
    /// The cursor of the page that follows.
    pub(super) next: Option<String>,
}

/// 200 with this value as JSON.
pub(super) fn json(value: &impl Serialize) -> Response<AnswerBody> {
    // Values of this API have string keys and no fallible parts, so they serialise.
    body(StatusCode::OK, "application/json", serde_json::to_vec(value).unwrap_or_default())
}

/// 200 with these bytes.
pub(super) fn bytes(kind: &'static str, bytes: Bytes) -> Response<AnswerBody> {
    let mut response = body(StatusCode::OK, kind, Vec::new());
    *response.body_mut() = AnswerBody::Whole(Full::new(bytes));
    response
}

/// The same answer with another status.
pub(super) fn with_status(status: StatusCode, mut response: Response<AnswerBody>) -> Response<AnswerBody> {
    *response.status_mut() = status;
    response
}

/// 204: it is done.
pub(super) fn empty() -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// A short text.
pub(super) fn text(status: StatusCode, text: &'static str) -> Response<AnswerBody> {
    body(status, "text/plain; charset=utf-8", text.into())
}

/// The part of a list that `limit` and `cursor` ask for: items whose key comes after the cursor.
///
/// # Errors
/// When `limit` is no number from 1 to [`PAGE_MAX`].
pub(super) fn page<T>(mut items: Vec<(String, T)>, query: &Query<'_>) -> Result<List<T>, Problem> {
    let limit = query.number("limit", PAGE_MAX, PAGE_MAX)?;
    items.sort_by(|a, b| a.0.cmp(&b.0));
    if let Some(cursor) = query.first("cursor") {
        items.retain(|(key, _)| *key > cursor);
    }
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|(key, _)| key.clone());
    Ok(List { items: items.into_iter().map(|(_, item)| item).collect(), next })
}

fn body(status: StatusCode, kind: &'static str, bytes: Vec<u8>) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::Whole(Full::new(bytes.into())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

// === impl AnswerBody ===

impl Default for AnswerBody {
    fn default() -> Self {
        Self::Whole(Full::default())
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Whole(body) => Pin::new(body).poll_frame(cx),
            Self::Events(events) => Pin::new(&mut **events).poll_frame(cx),
            Self::Frames(frames) => logs::poll_frame(frames, cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Events(_) | Self::Frames(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Events(_) | Self::Frames(_) => SizeHint::default(),
        }
    }
}

// === impl Problem ===

impl Problem {
    /// A problem of this kind; `detail` says what it is about.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), error: None, allow: None, challenge: None, retry_after: None }
    }

    /// What it is about.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// 405 with the methods that would be taken.
    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        Self { allow: Some(allow), ..Self::new(Code::MethodNotAllowed, format!("use {allow}")) }
    }

    /// The same, saying what credentials would do.
    pub(super) fn challenge(self, challenge: &'static str) -> Self {
        Self { challenge: Some(challenge), ..self }
    }

    /// The same, saying when to come back.
    pub(super) fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// What kind it is.
    pub(super) fn code(&self) -> Code {
        self.code
    }

    /// The answer, in problem+json.
    pub(crate) fn into_response(self, path: &str) -> Response<AnswerBody> {
        let mut problem = self.code.problem(Some(&self.detail), Some(path), None);
        problem.error = self.error.as_deref().unwrap_or(problem.error);
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = body(status, "application/problem+json", serde_json::to_vec(&problem).unwrap_or_default());
        if let Some(allow) = self.allow {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        }
        if let Some(challenge) = self.challenge {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(wait) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
        } else if matches!(self.code, Code::QueueFull | Code::StoreUnavailable) {
            response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_S);
        }
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (code, text) = (error.code(), error.to_string());
        match error {
            // The fixed text of a full queue names it.
            Error::QueueFull(_) => {
                let detail = format!("{text}: {}", code.remedy());
                Self { error: Some(text), ..Self::new(code, detail) }
            }
            _ => Self::new(code, text),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use switchyard_core::event::InvalidEvent;

    use super::*;

    fn list(query: &str) -> Result<(Vec<u8>, Option<String>), Problem> {
        let items = (0..5).map(|n| (format!("k{n}"), n)).collect();
        page(items, &Query::new(query)).map(|page| (page.items, page.next))
    }

    async fn check_error(error: Error, status: u16, code: &str, retry: bool) -> serde_json::Value {
        let response = Problem::from(error).into_response("/x");
        assert_eq!((response.status().as_u16(), response.headers().contains_key(RETRY_AFTER)), (status, retry));
        let body = response.into_body().collect().await.expect("it is in memory");
        let body: serde_json::Value = serde_json::from_slice(&body.to_bytes()).expect("it is JSON");
        assert_eq!(body["code"], code);
        body
    }

    #[tokio::test]
    async fn refusals_of_events_and_queues_have_their_codes() {
        let text = || "t".to_owned();
        check_error(Error::InvalidEvent(InvalidEvent(text())), 400, "SY4001", false).await;
        check_error(Error::Invalid(text()), 400, "SY1003", false).await;
        check_error(Error::Rejected(text()), 422, "SY4003", false).await;
        check_error(Error::Denied(text()), 403, "SY4004", false).await;
        check_error(Error::NotFound(text()), 404, "SY3001", false).await;
        check_error(Error::Conflict(text()), 409, "SY3003", false).await;
        check_error(Error::NotLeased(text()), 409, "SY5002", false).await;
        check_error(Error::TooLarge(text()), 413, "SY1004", false).await;
        check_error(Error::Unavailable(text()), 503, "SY9002", true).await;
        let full = check_error(Error::QueueFull("emails".to_owned()), 429, "SY5001", true).await;
        assert_eq!((&full["error"], &full["title"]), (&"Queue emails is full".into(), &"Queue is full".into()));
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
