//! The limit on what a client may send, and the cleaning of its trailers.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use switchyard_dispatch::{Body, BodyError};

use super::headers;
use crate::{
    connection::{Activity, Upload},
    response::Refusal,
};

/// The request's body as services get it: at most `max` bytes.
///
/// # Errors
/// When its Content-Length says that it is longer; nothing of it is read then.
pub(super) fn limit<B>(incoming: B, max: u64, activity: &Arc<Activity>) -> Result<Body, Refusal>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BodyError>,
{
    if incoming.is_end_stream() {
        return Ok(Body::empty());
    }
    if incoming.size_hint().lower() > max {
        return Err(Refusal::too_large(max));
    }
    Ok(Body::stream(Limited { incoming, max, left: max, activity: Arc::clone(activity) }))
}

/// Why the client's own body is to blame for whatever came of its request: it was too long, or broken.
pub(super) fn fault(activity: &Activity, max: u64) -> Option<Refusal> {
    match (activity.violation(), activity.upload()) {
        (Some(violation), _) => Some(Refusal::new(violation.code(), violation)),
        (None, Upload::TooLarge) => Some(Refusal::too_large(max)),
        _ => None,
    }
}

/// A body that fails when it grows too long, and notes its end. Its trailers say no more than headers may.
struct Limited<B> {
    incoming: B,
    max: u64,
    left: u64,
    activity: Arc<Activity>,
}

impl<B> HttpBody for Limited<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = match ready!(Pin::new(&mut self.incoming).poll_frame(cx)) {
            Some(Ok(mut frame)) => {
                self.activity.moved();
                if let Some(trailers) = frame.trailers_mut() {
                    headers::clean(trailers);
                }
                frame
            }
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            None => {
                self.activity.set_upload(Upload::Done);
                return Poll::Ready(None);
            }
        };
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(length) {
            Some(left) => self.left = left,
            None => {
                self.activity.set_upload(Upload::TooLarge);
                return Poll::Ready(Some(Err(BodyError::TooLarge { max: self.max })));
            }
        }
        if self.incoming.is_end_stream() {
            self.activity.set_upload(Upload::Done);
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::{BodyExt, Full};

    use super::*;

    /// A body of parts whose length is not known ahead.
    struct Parts(Vec<&'static str>);

    impl HttpBody for Parts {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop().map(|part| Ok(Frame::data(Bytes::from_static(part.as_bytes())))))
        }
    }

    #[test]
    fn a_length_over_the_limit_is_refused_unread() {
        let activity = Arc::new(Activity::default());
        assert!(limit(Full::new(Bytes::from_static(b"12345")), 4, &activity).is_err());
        assert!(limit(Full::new(Bytes::from_static(b"1234")), 4, &activity).is_ok());
    }

    #[tokio::test]
    async fn a_stream_over_the_limit_fails_and_is_noted() {
        let activity = Arc::new(Activity::default());
        activity.begin(Upload::Unread);
        let mut body = limit(Parts(vec!["345", "12"]), 4, &activity).unwrap();
        assert!(body.frame().await.unwrap().is_ok());
        assert_eq!(activity.upload(), Upload::Unread);
        assert_eq!(body.frame().await.unwrap().unwrap_err(), BodyError::TooLarge { max: 4 });
        assert_eq!(activity.upload(), Upload::TooLarge);
    }

    #[tokio::test]
    async fn trailers_are_cleaned_like_headers() {
        let trailers = ["x-auth-subject", "X_Forwarded_For", "transfer-encoding", "checksum"];
        let trailers = trailers.map(|name| (name.parse().unwrap(), http::HeaderValue::from_static("1")));
        let sent = Full::new(Bytes::from_static(b"12"))
            .with_trailers(std::future::ready(Some(Ok(http::HeaderMap::from_iter(trailers)))));
        let mut body = limit(Box::pin(sent), 4, &Arc::new(Activity::default())).unwrap();
        assert!(body.frame().await.unwrap().unwrap().is_data());
        let left = body.frame().await.unwrap().unwrap().into_trailers().unwrap();
        assert_eq!(left.keys().map(http::HeaderName::as_str).collect::<Vec<_>>(), ["checksum"]);
    }

    #[tokio::test]
    async fn a_body_that_was_read_is_done() {
        let activity = Arc::new(Activity::default());
        activity.begin(Upload::Unread);
        let body = limit(Parts(vec!["34", "12"]), 4, &activity).unwrap();
        assert_eq!(body.collect(10).await.unwrap(), "1234");
        assert_eq!(activity.upload(), Upload::Done);
    }
}
