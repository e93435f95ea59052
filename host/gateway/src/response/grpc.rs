//! A refusal as clients of gRPC read it: they take nothing but gRPC's own format for an answer, and would say of a
//! problem document only that it is none.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header::CONTENT_TYPE};
use switchyard_dispatch::Body;

use super::{Answer, Refusal};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// The HTTP status that a refusal has by itself. To a client of gRPC it is always 200; who counts wants this one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RefusedWith(pub(crate) StatusCode);

/// Whether a request is one of gRPC: `application/grpc`, or that with a suffix as in `application/grpc+proto`. A
/// browser's `application/grpc-web` is another format.
pub(crate) fn is_asked(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let rest = kind.and_then(|kind| kind.strip_prefix(b"application/grpc"));
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
}

/// The refusal as a response that has trailers only. Its headers say what they would say to anybody, such as when to
/// come back.
pub(crate) fn refuse(refusal: Refusal, path: &str, request_id: &str) -> Answer {
    let message = HeaderValue::try_from(encoded(&format!("{}: {}", refusal.title(), refusal.detail())));
    let (mut parts, _) = refusal.into_response(path, request_id).into_parts();
    parts.extensions.insert(RefusedWith(parts.status));
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    parts.headers.insert(GRPC_STATUS, status_of(parts.status).into());
    if let Ok(message) = message {
        parts.headers.insert(GRPC_MESSAGE, message);
    }
    parts.status = StatusCode::OK;
    Response::from_parts(parts, Body::empty())
}

/// gRPC's own table of what an HTTP status means to it; what it leaves out is unknown.
fn status_of(status: StatusCode) -> u16 {
    match status.as_u16() {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502 | 503 | 504 => 14,
        _ => 2,
    }
}

/// As a grpc-message is written: visible ASCII but for `%`, and everything else percent-encoded.
fn encoded(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => text.push(char::from(byte)),
            // Writing to a string does not fail.
            _ => _ = write!(text, "%{byte:02X}"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use switchyard_core::problem::Code;

    use super::*;

    #[test]
    fn a_client_of_grpc_is_told_in_its_own_words() {
        let refusal = Refusal::new(Code::ServiceBusy, "100 % are\nbusy").after(Duration::from_secs(3));
        let answer = refuse(refusal, "/a", "r1");
        assert_eq!(answer.status(), 200);
        let said = |name: &str| answer.headers()[name].to_str().unwrap();
        assert_eq!((said("content-type"), said("grpc-status"), said("retry-after")), ("application/grpc", "14", "3"));
        assert!(said("grpc-message").starts_with("Service unavailable: 100 %25 are%0Abusy; "), "{answer:?}");
        assert!(answer.body().as_full().is_some_and(|body| body.is_empty()));
        assert_eq!(answer.extensions().get::<RefusedWith>().map(|with| with.0.as_u16()), Some(503));
    }

    #[test]
    fn only_grpc_itself_is_answered_so() {
        for (kind, is_grpc) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc; charset=utf-8", true),
            ("application/grpc-web", false),
            ("application/json", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
            assert_eq!(is_asked(&headers), is_grpc, "{kind}");
        }
        assert!(!is_asked(&HeaderMap::new()));
    }
}
