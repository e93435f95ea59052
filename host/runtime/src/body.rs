//! The one body type of the host: nothing, bytes in memory, or a stream.
//!
//! Most requests and answers are small and whole; keeping them as plain bytes spares a box and a virtual call for
//! each, and lets the fast lane hand them to guests without polling.

use std::{
    any::Any,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use futures_util::future::poll_fn;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};

/// A request's or response's body.
#[derive(Default)]
pub struct Body {
    kind: Kind,
    /// Dropped when the body has ended or is dropped: what must outlive the last byte.
    guard: Option<Box<dyn Any + Send>>,
}

#[derive(Default)]
enum Kind {
    #[default]
    Empty,
    Full(Bytes),
    Stream(UnsyncBoxBody<Bytes, BodyError>),
}

/// Why a body did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is longer than allowed.
    #[error("the body is larger than {max} bytes")]
    TooLarge {
        /// The limit in bytes.
        max: u64,
    },
    /// Nothing came for too long.
    #[error("no part of the body arrived for too long")]
    TimedOut,
    /// The side that sends it went away or failed.
    #[error("the body broke off: {0}")]
    Aborted(String),
}

// === impl Body ===

impl Body {
    /// No body.
    pub fn empty() -> Self {
        Self::default()
    }

    /// These bytes.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let kind = if bytes.is_empty() { Kind::Empty } else { Kind::Full(bytes) };
        Self { kind, guard: None }
    }

    /// What this stream yields.
    pub fn stream<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BodyError>,
    {
        let hint = body.size_hint();
        if body.is_end_stream() && hint.exact() == Some(0) {
            return Self::empty();
        }
        Self { kind: Kind::Stream(body.map_err(Into::into).boxed_unsync()), guard: None }
    }

    /// The bytes, when all of them are in memory.
    pub fn as_full(&self) -> Option<&[u8]> {
        match &self.kind {
            Kind::Empty => Some(&[]),
            Kind::Full(bytes) => Some(bytes),
            Kind::Stream(_) => None,
        }
    }

    /// All bytes; trailers are dropped.
    ///
    /// # Errors
    /// When there are more than `max`, or the stream fails.
    pub async fn collect(self, max: usize) -> Result<Bytes, BodyError> {
        self.collect_while(max, |_| Ok(())).await
    }

    /// All bytes, as long as each part's length finds consent; trailers are dropped.
    pub(crate) async fn collect_while<E: From<BodyError>>(
        mut self,
        max: usize,
        mut consents: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<Bytes, E> {
        let too_large = BodyError::TooLarge { max: max as u64 };
        match self.kind {
            Kind::Empty => return Ok(Bytes::new()),
            Kind::Full(bytes) => return if bytes.len() > max { Err(too_large.into()) } else { Ok(bytes) },
            Kind::Stream(_) if self.size_hint().lower() > max as u64 => return Err(too_large.into()),
            Kind::Stream(_) => {}
        }
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut self).poll_frame(cx)).await {
            let Ok(data) = frame?.into_data() else { continue };
            if first.len() + all.len() + data.len() > max {
                return Err(too_large.into());
            }
            consents(data.len())?;
            // One frame is the usual case and needs no copy.
            if first.is_empty() && all.is_empty() {
                first = data;
                continue;
            }
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
        Ok(if all.is_empty() { first } else { all.freeze() })
    }

    /// The same body, which drops `guard` when it has ended.
    #[must_use]
    pub fn with_guard<G: Send + 'static>(mut self, guard: G) -> Self {
        let inner = self.guard.take();
        self.guard = Some(match inner {
            None => Box::new(guard),
            Some(inner) => Box::new((inner, guard)),
        });
        self
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = match &mut self.kind {
            Kind::Empty => None,
            Kind::Full(bytes) => Some(Ok(Frame::data(std::mem::take(bytes)))),
            Kind::Stream(stream) => std::task::ready!(Pin::new(stream).poll_frame(cx)),
        };
        if !matches!((&self.kind, &frame), (Kind::Stream(_), Some(Ok(_)))) {
            self.kind = Kind::Empty;
        }
        if frame.as_ref().is_none_or(Result::is_err) {
            self.guard = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Empty => true,
            Kind::Full(_) => false,
            Kind::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(stream) => stream.size_hint(),
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match &self.kind {
            Kind::Empty => "empty",
            Kind::Full(_) => "full",
            Kind::Stream(_) => "stream",
        };
        write!(f, "Body({kind})")
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::full(bytes)
    }
}

// === impl BodyError ===

impl From<hyper::Error> for BodyError {
    fn from(error: hyper::Error) -> Self {
        if error.is_timeout() { Self::TimedOut } else { Self::Aborted(error.to_string()) }
    }
}

impl From<std::convert::Infallible> for BodyError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::StreamBody;

    use super::*;

    fn chunks(parts: &'static [&'static str]) -> Body {
        let frames = parts.iter().map(|part| Ok::<_, BodyError>(Frame::data(Bytes::from_static(part.as_bytes()))));
        Body::stream(StreamBody::new(stream::iter(frames)))
    }

    #[tokio::test]
    async fn collect_joins_frames_and_keeps_to_the_limit() {
        assert_eq!(chunks(&["ab", "", "cd"]).collect(4).await.unwrap(), "abcd");
        assert_eq!(chunks(&["ab", "cd"]).collect(3).await, Err(BodyError::TooLarge { max: 3 }));
        assert_eq!(Body::full("abcd").collect(3).await, Err(BodyError::TooLarge { max: 3 }));
        assert_eq!(Body::empty().collect(0).await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_guard_falls_when_the_body_ends() {
        let guard = std::sync::Arc::new(());
        let mut body = chunks(&["ab"]).with_guard(guard.clone());
        assert!(body.frame().await.is_some());
        assert_eq!(std::sync::Arc::strong_count(&guard), 2);
        assert!(body.frame().await.is_none());
        assert_eq!(std::sync::Arc::strong_count(&guard), 1);
    }
}
