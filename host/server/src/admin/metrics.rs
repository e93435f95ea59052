//! `/metrics`: everything that is counted, for Prometheus.

use http::{
    HeaderValue, Response,
    header::{CACHE_CONTROL, CONTENT_TYPE, VARY},
};
use http_body_util::Full;

use super::{
    Sources,
    api::{Answer, Asked},
    reply::{AnswerBody, Problem},
};
use crate::metrics::{Format, encode, gather};

/// Answers in the format that is asked for.
pub(super) async fn answer(asked: &Asked<'_>, sources: &Sources) -> Answer {
    if !asked.is_read() {
        return Err(Problem::method_not_allowed("GET, HEAD"));
    }
    let format = Format::accepted(asked.headers);
    let text = encode(&gather(sources).await, format);
    let mut response = Response::new(AnswerBody::Whole(Full::new(text.into())));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("accept"));
    Ok(response)
}
