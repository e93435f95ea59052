//! Responses that are still on their way when their call has answered.
//!
//! A call holds one of the service's places until its response's head is there. What streams on after that holds one of
//! these instead: otherwise as many clients as there are places, each reading for hours, would keep everybody else out.
//! When there are as many streams as there may be, a response keeps its call's place for a moment. If it ends
//! meanwhile, as short ones do, or another one does, all is well; else it is refused.

use std::{
    collections::VecDeque,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use switchyard_core::name::ServiceName;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    body::{Body, BodyError},
    error::GuestError,
    settings::STREAM_WAIT_MAX,
};

/// How much of a response is held while it is found out that it is complete already.
pub(super) const WHOLE_MAX: usize = 1 << 20;

/// The streams of one service.
pub(crate) struct Streams {
    places: Arc<Semaphore>,
    max: u32,
}

/// A response's body that holds a place: its call's, until it is given another one.
pub(super) trait Placed: HttpBody<Data = Bytes, Error = BodyError> + Unpin + Send + 'static {
    /// Holds this place instead of the one before.
    fn hold(&mut self, place: OwnedSemaphorePermit);
}

/// A body, the first part of which was read ahead.
struct Resumed<B> {
    ready: VecDeque<Frame<Bytes>>,
    /// None when that was all of it.
    rest: Option<B>,
}

// === impl Streams ===

impl Streams {
    pub(crate) fn new(max: u32) -> Self {
        Self { places: Arc::new(Semaphore::new(max as usize)), max }
    }

    /// How many there are.
    pub(super) fn open(&self) -> usize {
        (self.max as usize).saturating_sub(self.places.available_permits())
    }

    /// Gives a body its place as a stream. The caller bounds the time.
    pub(super) async fn begin<B: Placed>(&self, service: &ServiceName, mut body: B) -> Result<Body, GuestError> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            body.hold(place);
            return Ok(Body::stream(body));
        }
        // In a box, so that those who find a place do not carry it along.
        let waiting = Box::pin(timeout(STREAM_WAIT_MAX, self.wait(service, body)));
        waiting.await.unwrap_or_else(|_| {
            let reason = "too many of its responses are on their way already (streams-max)".to_owned();
            Err(GuestError::Busy { service: service.clone(), reason })
        })
    }

    /// Waits for a place, or for the body's end.
    async fn wait<B: Placed>(&self, service: &ServiceName, mut body: B) -> Result<Body, GuestError> {
        let mut place = pin!(self.places.clone().acquire_owned());
        let (mut ready, mut length) = (VecDeque::new(), 0);
        loop {
            tokio::select! {
                biased;
                place = &mut place => {
                    if let Ok(place) = place {
                        body.hold(place);
                    }
                    return Ok(Body::stream(Resumed { ready, rest: Some(body) }));
                }
                frame = body.frame(), if length <= WHOLE_MAX => match frame {
                    Some(Ok(frame)) => {
                        length += frame.data_ref().map_or(0, Bytes::len);
                        ready.push_back(frame);
                    }
                    // Nothing has been sent yet: the client gets an error instead of half an answer.
                    Some(Err(error)) => {
                        let reason = format!("its response broke off: {error}");
                        return Err(GuestError::Failed { service: service.clone(), reason, backtrace: None });
                    }
                    None if ready.iter().all(Frame::is_data) => return Ok(Body::full(join(ready))),
                    None => return Ok(Body::stream(Resumed::<B> { ready, rest: None })),
                },
            }
        }
    }
}

/// The bytes of these frames.
pub(super) fn join(mut frames: VecDeque<Frame<Bytes>>) -> Bytes {
    if frames.len() == 1 {
        return frames.pop_front().and_then(|frame| frame.into_data().ok()).unwrap_or_default();
    }
    let mut all = BytesMut::new();
    for data in frames.into_iter().filter_map(|frame| frame.into_data().ok()) {
        all.extend_from_slice(&data);
    }
    all.freeze()
}

// === impl Resumed ===

impl<B: Placed> HttpBody for Resumed<B> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(frame) = self.ready.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        self.rest.as_mut().map_or(Poll::Ready(None), |rest| Pin::new(rest).poll_frame(cx))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.rest {
            Some(rest) if self.ready.is_empty() => rest.size_hint(),
            _ => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    /// A body of what is sent to it.
    struct Sent {
        frames: mpsc::UnboundedReceiver<Result<Frame<Bytes>, BodyError>>,
        place: Option<OwnedSemaphorePermit>,
    }

    type Sender = mpsc::UnboundedSender<Result<Frame<Bytes>, BodyError>>;

    impl Placed for Sent {
        fn hold(&mut self, place: OwnedSemaphorePermit) {
            self.place = Some(place);
        }
    }

    impl HttpBody for Sent {
        type Data = Bytes;
        type Error = BodyError;

        fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
            self.frames.poll_recv(cx)
        }
    }

    fn sent() -> (Sender, Sent) {
        let (sender, frames) = mpsc::unbounded_channel();
        (sender, Sent { frames, place: None })
    }

    fn send(to: &Sender, text: &'static str) {
        to.send(Ok(Frame::data(Bytes::from_static(text.as_bytes())))).unwrap();
    }

    fn shop() -> ServiceName {
        "shop".parse().unwrap()
    }

    #[tokio::test]
    async fn as_many_stream_as_may_and_a_further_one_is_refused() {
        let streams = Streams::new(1);
        let ((_first, body), (_second, other)) = (sent(), sent());
        let streaming = streams.begin(&shop(), body).await.unwrap();
        assert_eq!(streams.open(), 1);
        let refused = streams.begin(&shop(), other).await;
        assert!(matches!(refused, Err(GuestError::Busy { reason, .. }) if reason.contains("streams-max")));
        drop(streaming);
        assert_eq!(streams.open(), 0);
    }

    #[tokio::test]
    async fn a_response_that_ends_soon_needs_no_place() {
        let streams = Streams::new(0);
        let (sender, body) = sent();
        send(&sender, "a");
        send(&sender, "b");
        drop(sender);
        let whole = streams.begin(&shop(), body).await.unwrap();
        assert_eq!(whole.as_full(), Some(&b"ab"[..]));
        let (sender, body) = sent();
        sender.send(Ok(Frame::trailers(http::HeaderMap::new()))).unwrap();
        drop(sender);
        let collected = streams.begin(&shop(), body).await.unwrap().into_stream_parts().await;
        assert_eq!(collected, (Bytes::new(), true));
        let (sender, body) = sent();
        send(&sender, "a");
        sender.send(Err(BodyError::TimedOut)).unwrap();
        assert!(matches!(streams.begin(&shop(), body).await, Err(GuestError::Failed { .. })));
    }

    #[tokio::test]
    async fn one_that_gets_its_place_late_has_lost_nothing() {
        let streams = Streams::new(1);
        let ((_first, body), (sender, other)) = (sent(), sent());
        let streaming = streams.begin(&shop(), body).await.unwrap();
        let name = shop();
        let mut waiting = Box::pin(streams.begin(&name, other));
        send(&sender, "a");
        assert!(futures_util::poll!(&mut waiting).is_pending());
        drop(streaming);
        let late = waiting.await.unwrap();
        assert_eq!(streams.open(), 1);
        send(&sender, "b");
        drop(sender);
        assert_eq!(late.into_stream_parts().await, (Bytes::from_static(b"ab"), false));
        assert_eq!(streams.open(), 0);
    }

    impl Body {
        /// Its bytes, and whether it has trailers.
        async fn into_stream_parts(self) -> (Bytes, bool) {
            let collected = BodyExt::collect(self).await.unwrap();
            let has_trailers = collected.trailers().is_some();
            (collected.to_bytes(), has_trailers)
        }
    }
}
