//! Why a request has no answer of a service, and what the client is told instead.

use std::{borrow::Cow, time::Duration};

use http::{
    HeaderValue, Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE, RETRY_AFTER},
};
use switchyard_core::problem::Code;
use switchyard_dispatch::{Body, CallError};

/// A refused or failed request.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: Code,
    detail: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
    /// The value of Allow, for [`Code::MethodNotAllowed`].
    allow: Option<Cow<'static, str>>,
}

impl Refusal {
    pub(crate) fn new(code: Code) -> Self {
        Self { code, detail: None, retry_after: None, allow: None }
    }

    /// Says what happened here; the client reads it.
    pub(crate) fn with_detail(self, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// RFC 9110, section 15.5.6: Allow must be there.
    pub(crate) fn method_not_allowed(allow: impl Into<Cow<'static, str>>) -> Self {
        Self { allow: Some(allow.into()), ..Self::new(Code::MethodNotAllowed) }
    }

    pub(crate) fn too_large(max: u64) -> Self {
        Self::new(Code::PayloadTooLarge).with_detail(format!("the body may have {max} bytes"))
    }

    #[cfg(test)]
    pub(crate) fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The problem document for a request to `path`.
    pub(crate) fn into_response(self, path: &str, request_id: &str) -> Response<Body> {
        let problem = self.code.problem(self.detail.as_deref(), Some(path), Some(request_id));
        let json = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = Response::new(Body::full(json));
        *response.status_mut() = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(after) = self.retry_after {
            headers.insert(RETRY_AFTER, whole_seconds(after).into());
        }
        if let Some(allow) = self.allow.and_then(|allow| HeaderValue::from_str(&allow).ok()) {
            headers.insert(ALLOW, allow);
        }
        response
    }
}

impl From<CallError> for Refusal {
    fn from(error: CallError) -> Self {
        let detail = match &error {
            // A backtrace is there only when the options allow it to be shown.
            CallError::Failed { detail, backtrace: Some(backtrace) } => format!("{detail}\n{backtrace}"),
            other => other.to_string(),
        };
        Self { code: error.code(), detail: Some(detail.into()), retry_after: error.retry_after(), allow: None }
    }
}

/// Rounded up: earlier than said is no use.
fn whole_seconds(after: Duration) -> u64 {
    (after.as_secs() + u64::from(after.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_a_problem_document() {
        let refusal = Refusal { retry_after: Some(Duration::from_millis(1_200)), ..Refusal::new(Code::ServiceBusy) };
        let response = refusal.with_detail("1,000 wait").into_response("/a", "r1");
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["retry-after"], "2");
        let json: serde_json::Value = serde_json::from_slice(response.body().as_full().unwrap()).unwrap();
        assert_eq!(json["instance"], "/a");
        assert_eq!(json["requestId"], "r1");
        assert_eq!(json["detail"], "1,000 wait");
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        let response = Refusal::method_not_allowed("GET, HEAD").into_response("/a", "r1");
        assert_eq!(
            (response.status().as_u16(), &response.headers()["allow"]),
            (405, &HeaderValue::from_static("GET, HEAD"))
        );
    }
}
