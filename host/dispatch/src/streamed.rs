//! A response's body that comes in parts, watched to its end.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use switchyard_core::breaker::Receipt;
use switchyard_runtime::{Body, BodyError};

use crate::{instance::InFlight, trace::Active, upload::Upload};

/// The body. Its instance is busy until it has ended, and has failed when it breaks off.
pub(crate) struct Streamed {
    body: Body,
    /// None when the answer was no success from the first.
    receipt: Option<Receipt>,
    /// What comes from the caller meanwhile, if it may fail.
    upload: Option<Upload>,
    /// None when it has ended.
    in_flight: Option<InFlight>,
    /// Ends with the body.
    span: Option<Active>,
}

// === impl Streamed ===

impl Streamed {
    /// An answer whose body is watched. One that is in memory already keeps nobody busy, and cannot break off.
    pub(crate) fn wrap(
        response: Response<Body>,
        in_flight: InFlight,
        receipt: Option<Receipt>,
        upload: Option<Upload>,
        span: Option<Active>,
    ) -> Response<Body> {
        if response.body().as_full().is_some() {
            if let Some(span) = span {
                span.end();
            }
            return response;
        }
        response.map(|body| Body::stream(Self { body, receipt, upload, in_flight: Some(in_flight), span }))
    }
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let (Some(Err(error)), Some(span)) = (&frame, &mut self.span) {
            span.fail("broken", format!("its body broke off: {error}"));
        }
        if matches!(frame, None | Some(Err(_)))
            && let Some(in_flight) = self.in_flight.take()
            && let (Some(receipt), Some(Err(_))) = (self.receipt, &frame)
            && !self.upload.as_ref().is_some_and(Upload::has_failed)
        {
            in_flight.instance().breaker.broke_off(receipt);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Streamed {
    /// Whoever does not read on may have enough of it: HEAD has no body, nor has 304.
    fn drop(&mut self) {
        if let Some(span) = self.span.take() {
            span.end();
        }
    }
}
