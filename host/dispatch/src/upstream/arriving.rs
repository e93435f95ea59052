//! The body of an answer of HTTP/1.1.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use switchyard_runtime::{Body, BodyError};

use super::{link::Link, pool::Place};

/// How often it is looked for the end of a body before its head is handed on.
const LOOKS_MAX: usize = 3;

/// A body that is still on its way, and the connection that it comes over.
struct Arriving {
    /// What came before anybody asked.
    first: VecDeque<Frame<Bytes>>,
    incoming: Incoming,
    /// None when it has ended.
    source: Option<(Link, Place)>,
}

/// What has come with the head, but is no body in one piece: it has trailers, or broke off.
struct Come {
    frames: VecDeque<Frame<Bytes>>,
    error: Option<BodyError>,
}

/// The body of an answer whose head has come over this connection. Most of them are small and have come with it; then
/// the connection is free at once, and the body is whole.
pub(super) fn receive(mut incoming: Incoming, mut link: Link, place: Place) -> Body {
    let mut first = VecDeque::new();
    for _ in 0..LOOKS_MAX {
        if incoming.is_end_stream() {
            return whole(first, link, place);
        }
        match link.look(|cx| Pin::new(&mut incoming).poll_frame(cx)) {
            Poll::Ready(None) => return whole(first, link, place),
            Poll::Ready(Some(Ok(frame))) => first.push_back(frame),
            Poll::Ready(Some(Err(error))) => return Body::stream(Come { frames: first, error: Some(error.into()) }),
            Poll::Pending if first.len() > 1 => break,
            Poll::Pending => link.turn(),
        }
    }
    Body::stream(Arriving { first, incoming, source: Some((link, place)) })
}

fn whole(mut frames: VecDeque<Frame<Bytes>>, link: Link, place: Place) -> Body {
    place.give_back(link);
    if frames.len() > 1 {
        return Body::stream(Come { frames, error: None });
    }
    match frames.pop_front().map(Frame::into_data) {
        None => Body::empty(),
        Some(Ok(data)) => Body::full(data),
        Some(Err(trailers)) => Body::stream(Come { frames: VecDeque::from([trailers]), error: None }),
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        if let Some(frame) = this.first.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        let Some((link, _)) = &mut this.source else { return Poll::Ready(None) };
        let frame = ready!(link.poll(cx, |cx| Pin::new(&mut this.incoming).poll_frame(cx)));
        match frame {
            Some(Ok(frame)) => {
                if this.incoming.is_end_stream() {
                    this.end();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                this.source = None;
                Poll::Ready(Some(Err(error.into())))
            }
            None => {
                this.end();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && (self.source.is_none() || self.incoming.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let waiting: usize = self.first.iter().filter_map(Frame::data_ref).map(Bytes::len).sum();
        let rest = self.incoming.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + waiting as u64);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + waiting as u64);
        }
        hint
    }
}

// === impl Arriving ===

impl Arriving {
    fn end(&mut self) {
        if let Some((link, place)) = self.source.take() {
            place.give_back(link);
        }
    }
}

impl HttpBody for Come {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = self.frames.pop_front().map(Ok);
        Poll::Ready(frame.or_else(|| self.error.take().map(Err)))
    }
}
