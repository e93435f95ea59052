//! Why a request has no answer of a service, and what the client is told instead.

use std::{borrow::Cow, time::Duration};

use http::{
    HeaderValue, Method, Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use switchyard_core::problem::Code;
use switchyard_dispatch::{Body, CallError};

/// A refused or failed request.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: Code,
    /// What happened here, and what can be done about it; the client reads it.
    detail: String,
    retry_after: Option<Duration>,
    /// The value of Allow, for [`Code::MethodNotAllowed`].
    allow: Option<Cow<'static, str>>,
    /// The value of WWW-Authenticate, for a 401 (RFC 9110, section 15.5.2).
    challenge: Option<String>,
}

impl Refusal {
    /// A refusal because of `what`; the code's remedy is added to it.
    pub(crate) fn new(code: Code, what: impl std::fmt::Display) -> Self {
        Self { code, detail: format!("{what}; {}", code.remedy()), retry_after: None, allow: None, challenge: None }
    }

    /// RFC 9110, section 15.5.6: Allow must be there.
    pub(crate) fn method_not_allowed(method: &Method, allow: impl Into<Cow<'static, str>>) -> Self {
        let allow = allow.into();
        let what = format!("{method} is not taken here, only {allow}");
        Self { allow: Some(allow), ..Self::new(Code::MethodNotAllowed, what) }
    }

    /// The same, which says when to come back.
    pub(crate) fn after(self, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..self }
    }

    /// The same, which says what credentials are asked for.
    pub(crate) fn challenge(self, challenge: String) -> Self {
        Self { challenge: Some(challenge), ..self }
    }

    pub(crate) fn too_large(max: u64) -> Self {
        Self::new(Code::PayloadTooLarge, format_args!("the body is longer than {max} bytes"))
    }

    /// Its code.
    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// Its code's short text.
    pub(crate) fn title(&self) -> &'static str {
        self.code.title()
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The problem document for a request to `path`.
    pub(crate) fn into_response(self, path: &str, request_id: &str) -> Response<Body> {
        let problem = self.code.problem(Some(&self.detail), Some(path), Some(request_id));
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
        if let Some(challenge) = self.challenge.and_then(|challenge| HeaderValue::try_from(challenge).ok()) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl From<CallError> for Refusal {
    fn from(error: CallError) -> Self {
        let mut refusal = Self { retry_after: error.retry_after(), ..Self::new(error.code(), &error) };
        // A backtrace is there only when the options allow it to be shown.
        if let CallError::Failed { backtrace: Some(backtrace), .. } = &error {
            refusal.detail.push('\n');
            refusal.detail.push_str(backtrace);
        }
        refusal
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
        let refusal = Refusal {
            retry_after: Some(Duration::from_millis(1_200)),
            ..Refusal::new(Code::ServiceBusy, "1,000 wait")
        };
        let response = refusal.into_response("/a", "r1");
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["retry-after"], "2");
        let json: serde_json::Value = serde_json::from_slice(response.body().as_full().unwrap()).unwrap();
        assert_eq!(json["instance"], "/a");
        assert_eq!(json["requestId"], "r1");
        assert_eq!(json["detail"], format!("1,000 wait; {}", Code::ServiceBusy.remedy()));
    }

    #[test]
    fn a_failed_guest_s_backtrace_follows_the_remedy() {
        let failed = CallError::Failed { detail: "a trapped".to_owned(), backtrace: Some("0: f".to_owned()) };
        let detail = format!("a trapped; {}\n0: f", Code::ServiceFailed.remedy());
        assert_eq!(Refusal::from(failed).detail(), detail);
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        let refusal = Refusal::method_not_allowed(&Method::POST, "GET, HEAD");
        assert!(refusal.detail().starts_with("POST is not taken here, only GET, HEAD; "), "{}", refusal.detail());
        let response = refusal.into_response("/a", "r1");
        assert_eq!(
            (response.status().as_u16(), &response.headers()["allow"]),
            (405, &HeaderValue::from_static("GET, HEAD"))
        );
    }
}
