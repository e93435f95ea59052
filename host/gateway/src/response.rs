//! What leaves for the client.

mod body;
pub(crate) mod grpc;
mod headers;
mod refusal;

use http::{
    HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{CONNECTION, CONTENT_LENGTH},
};
use switchyard_core::problem::Code;
use switchyard_dispatch::Body;

pub(crate) use self::{body::ResponseBody, refusal::Refusal};
use crate::request::{self, Exchange};

/// The request's id, for the client to quote.
pub(crate) const X_GATEWAY_REQUEST_ID: HeaderName = HeaderName::from_static("x-gateway-request-id");

/// Bodies in memory up to this size go to the socket at once and are not watched on their way.
const UNWATCHED_MAX: usize = 64 << 10;

/// A response, of a service or of the gateway itself.
pub(crate) type Answer = Response<Body>;

/// Makes an answer, or the reason why there is none, fit for the wire.
pub(crate) fn finish(exchange: &Exchange, answer: Result<Answer, Refusal>) -> Response<ResponseBody> {
    let connection = &exchange.connection;
    let refuse = |refusal: Refusal| exchange.refuse(refusal);
    let mut answer = answer;
    let switched = answer.as_mut().ok().and_then(|answer| request::switched(exchange, answer));
    let answer = match answer {
        // RFC 9110, section 15.2: an interim response is not the answer, except for one that was asked for.
        Ok(answer) if answer.status().is_informational() && switched.is_none() => {
            refuse(Refusal::new(Code::ServiceFailed, "the service gave an interim status as its answer"))
        }
        Ok(answer) => answer,
        Err(refusal) => refuse(refusal),
    };
    let (mut parts, body) = answer.into_parts();
    headers::clean(&mut parts.headers);
    let body = fit_length(&mut parts, body, &exchange.method);
    exchange.mark(&mut parts.headers);
    if let Ok(id) = HeaderValue::from_str(&exchange.ids.request_id) {
        parts.headers.insert(X_GATEWAY_REQUEST_ID, id);
    }
    if let Some(switched) = switched {
        request::agree(&mut parts.headers);
        connection.switch(switched);
    }
    if connection.activity.upload().is_over() || parts.status == StatusCode::PAYLOAD_TOO_LARGE {
        // The rest of the request will not be read, so nothing can follow it.
        parts.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let responding = match body.as_full() {
        Some(bytes) if bytes.len() <= UNWATCHED_MAX => {
            connection.activity.finish();
            None
        }
        _ => Some(connection.activity.respond()),
    };
    Response::from_parts(parts, ResponseBody::new(body, responding))
}

/// Makes Content-Length and the body agree: hyper writes the length of a body in memory, a service's own word
/// counts only for a stream, where hyper holds the service to it, and where there is no body to measure.
fn fit_length(parts: &mut http::response::Parts, body: Body, method: &Method) -> Body {
    use http_body::Body as _;
    if parts.status == StatusCode::NO_CONTENT {
        // RFC 9110, section 8.6: not in a response with status 204.
        parts.headers.remove(CONTENT_LENGTH);
        return Body::empty();
    }
    headers::keep_valid_length(&mut parts.headers);
    if parts.status == StatusCode::NOT_MODIFIED {
        return Body::empty();
    }
    let exact = body.size_hint().exact();
    if method == Method::HEAD {
        // A service that answers HEAD with the content of GET has said how long that is.
        if let (Some(length @ 1..), false) = (exact, parts.headers.contains_key(CONTENT_LENGTH)) {
            parts.headers.insert(CONTENT_LENGTH, length.into());
        }
        return Body::empty();
    }
    if exact.is_some() {
        parts.headers.remove(CONTENT_LENGTH);
    }
    body
}

#[cfg(test)]
mod tests;
