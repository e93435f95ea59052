//! `GET /api/v1/watch`: what happens on this host as server-sent events.
//!
//! Each has an id, and a client that comes back with it in `Last-Event-ID` goes on after it while it is in the ring; one
//! that has missed something gets an event `gap` first and should look at the lists again.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Response, header};
use http_body::{Body, Frame};
use switchyard_core::{event::topic::Pattern, problem::Code};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::{
    Sources,
    api::{Answer, Asked},
    reply::{AnswerBody, Problem},
};
use crate::feed::{More, Place, WATCHERS_MAX, Watcher};

/// After so long without an event a comment is sent, so that both sides learn when the other is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How many events go into one frame.
const FRAME_MAX: usize = 64;

/// What a stream begins with: how long a client waits before it comes back.
const FIRST: &str = "retry: 2000\n\n";

/// What is told when entries were missed.
const GAP: &str = "event: gap\ndata: {\"type\":\"gap\"}\n\n";

/// A stream of events; see the module.
pub(crate) struct Events {
    feed: Watcher,
    place: Place,
    topic: Option<Pattern>,
    /// What goes out before anything that is read.
    first: Option<String>,
    /// Resolves when the feed has changed since it was last read.
    changed: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
    keep_alive: Interval,
    is_over: bool,
}

/// `/api/v1/watch`.
pub(super) fn answer(asked: &Asked<'_>, sources: &Sources) -> Answer {
    if *asked.method != Method::GET {
        return Err(Problem::method_not_allowed("GET"));
    }
    let topic = asked.query.first("topic").map(|topic| topic.parse::<Pattern>()).transpose();
    let topic = topic.map_err(|error| Problem::new(Code::BadRequest, error.to_string()))?;
    let feed = sources.feed.enter().ok_or_else(|| {
        Problem::new(Code::ServiceBusy, format!("{WATCHERS_MAX} clients watch already; close one of their streams"))
    })?;
    let last = asked.headers.get("last-event-id").map(|id| id.to_str().unwrap_or_default());
    let events = Events::new(feed, last, topic, KEEP_ALIVE);
    let mut response = Response::new(AnswerBody::Events(Box::new(events)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    Ok(response)
}

// === impl Events ===

impl Events {
    fn new(feed: Watcher, last: Option<&str>, topic: Option<Pattern>, keep_alive: Duration) -> Self {
        let (place, missed) = last.map_or_else(|| (feed.now(), false), |last| feed.after(last));
        let first = if missed { format!("{FIRST}{GAP}") } else { FIRST.to_owned() };
        let mut keep_alive = interval_at(Instant::now() + keep_alive, keep_alive);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The feed may have changed already since the place was taken: the first look is at once.
        let changed = Box::pin(std::future::ready(()));
        Self { feed, place, topic, first: Some(first), changed, keep_alive, is_over: false }
    }

    /// What there is to send now, as text.
    fn read(&mut self) -> String {
        let mut text = String::new();
        match self.feed.read(&mut self.place, FRAME_MAX) {
            More::Gap => text.push_str(GAP),
            More::End => self.is_over = true,
            More::Entries(entries) => {
                for entry in &entries {
                    if self.topic.as_ref().is_none_or(|topic| topic.matches(entry.kind)) {
                        let (id, kind, data) = (self.feed.id(entry), entry.kind, &entry.data);
                        text.push_str(&format!("id: {id}\nevent: {kind}\ndata: {data}\n\n"));
                    }
                }
            }
        }
        text
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first.into()))));
        }
        loop {
            if self.is_over {
                return Poll::Ready(None);
            }
            if self.changed.as_mut().poll(cx).is_ready() {
                // Before it is read, or what comes in between would be slept over.
                let mut changes = self.feed.changes();
                changes.mark_unchanged();
                let place = self.place;
                let text = self.read();
                let has_moved = self.place != place;
                self.changed = if has_moved {
                    Box::pin(std::future::ready(()))
                } else {
                    Box::pin(async move { _ = changes.changed().await })
                };
                if !text.is_empty() {
                    self.keep_alive.reset();
                    return Poll::Ready(Some(Ok(Frame::data(text.into()))));
                }
                continue;
            }
            ready!(self.keep_alive.poll_tick(cx));
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b": still here\n\n")))));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http_body_util::BodyExt;

    use super::*;
    use crate::feed::Feed;

    #[tokio::test]
    async fn a_silent_stream_says_that_it_is_still_there() {
        let watcher = Arc::new(Feed::new()).enter().expect("a place");
        let mut events = Events::new(watcher, None, None, Duration::from_millis(20));
        let mut next = async || events.frame().await.expect("it goes on").expect("it never fails").into_data();
        assert_eq!(next().await.expect("data"), FIRST);
        let began = Instant::now();
        assert_eq!(next().await.expect("data"), ": still here\n\n");
        assert!(began.elapsed() >= Duration::from_millis(15), "{:?}", began.elapsed());
    }
}
