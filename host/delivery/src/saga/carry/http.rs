//! A command that is a POST to a service.
//!
//! A participant of this kind keys by `Idempotency-Key`. What it answers means: 2xx that it is done, and the body, JSON
//! or nothing, is the result; 408, 425 and 429 that nothing was done, and it may be tried again; any other 4xx that
//! nothing was done and never will be. Everything else, a redirect included, leaves open what was done.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use switchyard_core::{event::DATA_MAX, handled::Failure, name::ServiceName, saga::Outcome};
use switchyard_dispatch::{Body, CallContext, CallError, Service};

use super::{Sent, result};
use crate::delivery::Delivery;

/// The longest part of an error's body that is kept.
const EXCERPT_MAX: usize = 512;

// === impl Delivery ===

impl Delivery {
    pub(super) async fn carry_by_http(&self, sent: Sent, service: ServiceName, path: String) -> Outcome {
        let find = || self.dispatcher.snapshot().services.get(&service).cloned();
        let request = match request(&sent, &path) {
            Ok(request) => request,
            Err(error) => return Outcome::Failed(Failure::Reject(format!("it cannot be sent to {path}: {error}"))),
        };
        let call = |found: Arc<Service>| {
            let (context, request) = (sent.context(), request.clone().map(Body::full));
            async move {
                let deadline = context.deadline;
                match tokio::time::timeout_at(deadline, self.request(&found, context, request)).await {
                    Ok(answer) => answer,
                    Err(_) => {
                        Err(CallError::TimedOut { detail: format!("the service '{}' was too slow", found.name()) })
                    }
                }
            }
        };
        match self.send(&sent, find, call).await {
            Ok((status, body)) => answered(&service, status, &body),
            Err(outcome) => outcome,
        }
    }

    /// The status and the body of an answer.
    async fn request(
        &self,
        service: &Arc<Service>,
        context: CallContext,
        request: Request<Body>,
    ) -> Result<(StatusCode, Bytes), CallError> {
        let response = self.dispatcher.call(service, context, request).await?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, DATA_MAX).collect().await.map_err(|error| {
            let detail = format!("the answer of the service '{}' did not arrive: {error}", service.name());
            CallError::Failed { detail, backtrace: None }
        })?;
        Ok((head.status, body.to_bytes()))
    }
}

fn request(sent: &Sent, path: &str) -> Result<Request<Bytes>, http::Error> {
    // Maps with string keys always serialise.
    let payload = serde_json::to_vec(&sent.payload).unwrap_or_default();
    Request::post(path)
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", &sent.key)
        .header("x-saga-id", sent.saga_id.as_str())
        .header("x-saga-step", sent.command.step)
        .header("x-saga-direction", sent.command.direction.as_str())
        .body(payload.into())
}

fn answered(service: &ServiceName, status: StatusCode, body: &[u8]) -> Outcome {
    let told = || {
        let text = String::from_utf8_lossy(&body[..body.len().min(EXCERPT_MAX)]);
        format!("the service '{service}' answered {status}: {}", text.trim())
    };
    match status {
        _ if status.is_success() => match result(body) {
            Ok(result) => Outcome::Done(result),
            Err(error) => Outcome::Lost(format!("the service '{service}' answered what is no JSON: {error}")),
        },
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Outcome::Failed(Failure::Retry(told()))
        }
        _ if status.is_client_error() => Outcome::Failed(Failure::Reject(told())),
        _ => Outcome::Lost(told()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(status: u16, body: &str, expected: &Outcome) {
        let outcome = answered(&"shop".parse().unwrap(), StatusCode::from_u16(status).unwrap(), body.as_bytes());
        let same = match (&outcome, expected) {
            (Outcome::Failed(Failure::Retry(_)), Outcome::Failed(Failure::Retry(_)))
            | (Outcome::Failed(Failure::Reject(_)), Outcome::Failed(Failure::Reject(_)))
            | (Outcome::Lost(_), Outcome::Lost(_)) => true,
            (outcome, expected) => outcome == expected,
        };
        assert!(same, "{status} {body}: {outcome:?}");
    }

    #[test]
    fn a_status_says_what_was_done() {
        let (retry, reject) = (Failure::Retry(String::new()), Failure::Reject(String::new()));
        check(200, r#"{"a":1}"#, &Outcome::Done(json!({"a": 1})));
        check(204, "", &Outcome::Done(json!(null)));
        check(200, "no json", &Outcome::Lost(String::new()));
        for status in [408, 425, 429] {
            check(status, "", &Outcome::Failed(retry.clone()));
        }
        for status in [400, 402, 404, 409, 422] {
            check(status, "", &Outcome::Failed(reject.clone()));
        }
        for status in [302, 500, 502, 503, 504] {
            check(status, "", &Outcome::Lost(String::new()));
        }
    }
}
