use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::Frame;
use switchyard_dispatch::BodyError;

use super::*;

/// What becomes of a response's length and body.
fn fitted(method: &Method, status: u16, length: Option<&str>, body: Body) -> (Option<String>, Option<usize>) {
    let mut response = Response::builder().status(status);
    if let Some(length) = length {
        response = response.header(CONTENT_LENGTH, length);
    }
    let (mut parts, body) = response.body(body).unwrap().into_parts();
    let body = fit_length(&mut parts, body, method);
    let length = parts.headers.get(CONTENT_LENGTH).map(|value| value.to_str().unwrap().to_owned());
    (length, body.as_full().map(<[u8]>::len))
}

/// A body of unknown length.
struct Unknown;

impl http_body::Body for Unknown {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Poll::Ready(None)
    }
}

fn stream() -> Body {
    Body::stream(Unknown)
}

#[test]
fn the_length_of_a_body_in_memory_is_measured() {
    assert_eq!(fitted(&Method::GET, 200, Some("99"), Body::full("abc")), (None, Some(3)));
    assert_eq!(fitted(&Method::GET, 200, Some("99"), Body::empty()), (None, Some(0)));
}

#[test]
fn a_stream_keeps_the_length_it_was_given_if_it_is_one() {
    assert_eq!(fitted(&Method::GET, 200, Some("99"), stream()), (Some("99".into()), None));
    assert_eq!(fitted(&Method::GET, 200, Some("+9"), stream()), (None, None));
    assert_eq!(fitted(&Method::GET, 200, None, stream()), (None, None));
}

#[test]
fn some_responses_have_no_body_whatever_a_service_sends() {
    assert_eq!(fitted(&Method::DELETE, 204, Some("3"), Body::full("abc")), (None, Some(0)));
    assert_eq!(fitted(&Method::GET, 304, Some("3"), Body::full("abc")), (Some("3".into()), Some(0)));
    assert_eq!(fitted(&Method::HEAD, 200, None, Body::full("abc")), (Some("3".into()), Some(0)));
    assert_eq!(fitted(&Method::HEAD, 200, Some("7"), Body::empty()), (Some("7".into()), Some(0)));
    assert_eq!(fitted(&Method::HEAD, 200, None, Body::empty()), (None, Some(0)));
}
