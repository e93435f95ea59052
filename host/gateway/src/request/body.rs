//! The limits on what a client may send and on how long it may pause, and the cleaning of its trailers.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use switchyard_dispatch::{Body, BodyError};
use tokio::time::{Instant, Sleep, sleep};

use super::headers;
use crate::{
    connection::{Activity, Upload},
    response::Refusal,
};

/// The request's body as services get it: at most `max` bytes, none of which is waited for longer than `idle`.
///
/// # Errors
/// When its Content-Length says that it is longer; nothing of it is read then.
pub(super) fn limit<B>(incoming: B, max: u64, idle: Duration, activity: &Arc<Activity>) -> Result<Body, Refusal>
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
    let pause = Pause { max: idle, timer: None, is_running: false };
    Ok(Body::stream(Limited { incoming, max, left: max, pause, activity: Arc::clone(activity) }))
}

/// Why the client's own body is to blame for whatever came of its request: it was too long, or broken.
pub(super) fn fault(activity: &Activity, max: u64) -> Option<Refusal> {
    match (activity.violation(), activity.upload()) {
        (Some(violation), _) => Some(Refusal::new(violation.code(), violation)),
        (None, Upload::TooLarge) => Some(Refusal::too_large(max)),
        _ => None,
    }
}

/// A body that fails when it grows too long or stands still, and notes its end. Its trailers say no more than headers
/// may.
struct Limited<B> {
    incoming: B,
    max: u64,
    left: u64,
    pause: Pause,
    activity: Arc<Activity>,
}

/// How long the client has been waited for. Time counts only while somebody wants to read: a service that takes its time
/// is not the client's fault.
struct Pause {
    max: Duration,
    /// Made when a part is waited for, which most bodies never are.
    timer: Option<Pin<Box<Sleep>>>,
    is_running: bool,
}

impl<B> HttpBody for Limited<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.incoming).poll_frame(cx);
        if polled.is_pending() {
            ready!(self.pause.poll_over(cx));
            return Poll::Ready(Some(Err(BodyError::TimedOut)));
        }
        self.pause.is_running = false;
        let frame = match ready!(polled) {
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

// === impl Pause ===

impl Pause {
    /// Ready when nothing has come for too long.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let max = self.max;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(max)));
        if !self.is_running {
            timer.as_mut().reset(Instant::now() + max);
            self.is_running = true;
        }
        timer.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::StreamExt;
    use http_body_util::{BodyExt, Full, StreamBody};

    use super::*;

    const IDLE: Duration = Duration::from_secs(60);

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
        assert!(limit(Full::new(Bytes::from_static(b"12345")), 4, IDLE, &activity).is_err());
        assert!(limit(Full::new(Bytes::from_static(b"1234")), 4, IDLE, &activity).is_ok());
    }

    #[tokio::test]
    async fn a_stream_over_the_limit_fails_and_is_noted() {
        let activity = Arc::new(Activity::default());
        activity.begin(Upload::Unread);
        let mut body = limit(Parts(vec!["345", "12"]), 4, IDLE, &activity).unwrap();
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
        let mut body = limit(Box::pin(sent), 4, IDLE, &Arc::new(Activity::default())).unwrap();
        assert!(body.frame().await.unwrap().unwrap().is_data());
        let left = body.frame().await.unwrap().unwrap().into_trailers().unwrap();
        assert_eq!(left.keys().map(http::HeaderName::as_str).collect::<Vec<_>>(), ["checksum"]);
    }

    #[tokio::test]
    async fn a_body_that_was_read_is_done() {
        let activity = Arc::new(Activity::default());
        activity.begin(Upload::Unread);
        let body = limit(Parts(vec!["34", "12"]), 4, IDLE, &activity).unwrap();
        assert_eq!(body.collect(10).await.unwrap(), "1234");
        assert_eq!(activity.upload(), Upload::Done);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_may_pause_and_not_stand_still() {
        let (sender, mut receiver) = tokio::sync::mpsc::channel::<&str>(1);
        let parts = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx))
            .map(|part| Ok::<_, Infallible>(Frame::data(Bytes::from_static(part.as_bytes()))));
        let mut body = limit(StreamBody::new(parts), 100, IDLE, &Arc::new(Activity::default())).unwrap();
        let began = Instant::now();
        let feed = async move {
            for part in ["a", "b", "c"] {
                sleep(IDLE - Duration::from_secs(1)).await;
                sender.send(part).await.unwrap();
            }
            std::future::pending::<()>().await;
        };
        let read = async {
            for _ in 0..3 {
                assert!(body.frame().await.unwrap().is_ok());
                // What the reader does with it takes none of the client's time.
                sleep(2 * IDLE).await;
            }
            body.frame().await.unwrap().unwrap_err()
        };
        let error = tokio::select! { error = read => error, () = feed => unreachable!("it never ends") };
        assert_eq!(error, BodyError::TimedOut);
        assert!(began.elapsed() >= 3 * 2 * IDLE + IDLE);
    }
}
