//! `GET /api/v1/logs`: the latest lines of services, and with `follow=true` what is written from now on.

use std::{convert::Infallible, fmt::Write, pin::Pin, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, stream};
use http::{HeaderValue, Method, Response, header};
use switchyard_core::{name::ServiceName, problem::Code};
use tokio::time::timeout;

use super::{
    Sources,
    api::{Answer, Asked},
    query::Query,
    reply::{self, AnswerBody, List, Problem},
};
use crate::logs::{FOLLOWERS_MAX, Filter, Follower, Level, Place};

/// How many lines there are when a request does not say.
const PAGE: usize = 100;

/// The most lines in one answer.
const PAGE_MAX: usize = 1_000;

/// After so long without a line a comment is sent, so that both sides learn when the other is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How much of what is read goes into one frame, in bytes, about.
const FRAME_MAX: usize = 64 << 10;

/// What a stream begins with: how long a client waits before it comes back.
const FIRST: &str = "retry: 2000\n\n";

/// What is told when lines were missed.
const GAP: &str = "event: gap\ndata: {\"type\":\"gap\"}\n\n";

/// What is told between two lines that are far apart.
const STILL_HERE: &str = ": still here\n\n";

/// Frames of an answer without an end.
pub(super) type Frames = Pin<Box<dyn Stream<Item = Bytes> + Send + Sync>>;

/// A stream of lines on its way.
struct Following {
    follower: Follower,
    place: Place,
    filter: Filter,
    keep_alive: Duration,
    /// What is read, but not sent.
    pending: Vec<String>,
    is_over: bool,
}

/// `/api/v1/logs`.
pub(super) fn answer(asked: &Asked<'_>, sources: &Sources) -> Answer {
    if *asked.method != Method::GET {
        return Err(Problem::method_not_allowed("GET"));
    }
    let filter = filter(&asked.query)?;
    if asked.query.flag("follow")? { follow(asked, filter, sources) } else { page(&asked.query, &filter, sources) }
}

fn filter(query: &Query<'_>) -> Result<Filter, Problem> {
    let wrong = |text: String| Problem::new(Code::BadRequest, text);
    let service = query.first("service").map(|name| name.parse::<ServiceName>()).transpose();
    let level = query.first("level").map(|level| {
        let unknown = || wrong(format!("level is '{level}', none of debug, info, warn and error"));
        Level::parse(&level).ok_or_else(unknown)
    });
    Ok(Filter { service: service.map_err(|error| wrong(error.to_string()))?, level: level.transpose()? })
}

/// The newest lines, the newest last; the cursor leads to those before them.
fn page(query: &Query<'_>, filter: &Filter, sources: &Sources) -> Answer {
    let limit = query.number("limit", PAGE, PAGE_MAX)?;
    let logs = &sources.logs;
    let number = |cursor: String| {
        let wrong = || Problem::new(Code::BadRequest, format!("cursor is '{cursor}', not the `next` of a page"));
        logs.number(&cursor).ok_or_else(wrong)
    };
    let before = query.first("cursor").map(number).transpose()?;
    let (lines, has_more) = logs.page(filter, before, limit);
    let next = lines.last().filter(|_| has_more).map(|line| logs.id(line));
    let items = lines.iter().rev().map(|line| line.view(logs.id(line))).collect();
    Ok(reply::json(&List { items, next }))
}

fn follow(asked: &Asked<'_>, filter: Filter, sources: &Sources) -> Answer {
    let limit = asked.query.first("limit").map(|_| asked.query.number("limit", PAGE, PAGE_MAX)).transpose()?;
    let follower = sources.logs.follow().ok_or_else(|| {
        Problem::new(Code::ServiceBusy, format!("{FOLLOWERS_MAX} clients follow already; close one of their streams"))
    })?;
    let (place, has_missed) = match asked.headers.get("last-event-id") {
        Some(id) => follower.after(id.to_str().unwrap_or_default()),
        None => (follower.newest(&filter, limit.unwrap_or_default()), false),
    };
    let mut following = Following::new(follower, place, filter, KEEP_ALIVE);
    if has_missed {
        following.pending.push(GAP.to_owned());
        following.pending.reverse();
    }
    let mut response = Response::new(AnswerBody::Frames(following.frames()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

// === impl Following ===

impl Following {
    fn new(follower: Follower, place: Place, filter: Filter, keep_alive: Duration) -> Self {
        Self { follower, place, filter, keep_alive, pending: vec![FIRST.to_owned()], is_over: false }
    }

    fn frames(self) -> Frames {
        Box::pin(stream::unfold(self, |mut following| async move {
            let frame = following.next().await?;
            Some((frame, following))
        }))
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.pending.pop() {
                return Some(frame.into());
            }
            if self.is_over {
                return None;
            }
            // Before it is read, or what comes in between would be slept over.
            let mut changes = self.follower.changes();
            changes.mark_unchanged();
            let may_wait = self.read() && self.pending.is_empty() && !self.is_over;
            if may_wait && timeout(self.keep_alive, changes.changed()).await.is_err() {
                return Some(Bytes::from_static(STILL_HERE.as_bytes()));
            }
        }
    }

    /// Reads on, and answers whether nothing more is there for now.
    fn read(&mut self) -> bool {
        let more = self.follower.read(&mut self.place, &self.filter);
        let mut frames = vec![if more.has_missed { GAP.to_owned() } else { String::new() }];
        for line in &more.lines {
            let id = self.follower.id(line);
            // A line has string keys and no fallible parts, so it serialises.
            let data = serde_json::to_string(&line.view(id.clone())).unwrap_or_default();
            if frames.last().is_none_or(|frame| frame.len() > FRAME_MAX) {
                frames.push(String::new());
            }
            if let Some(frame) = frames.last_mut() {
                // Writing into memory does not fail.
                let _ = write!(frame, "id: {id}\nevent: log\ndata: {data}\n\n");
            }
        }
        self.pending = frames.into_iter().rev().filter(|frame| !frame.is_empty()).collect();
        self.is_over = more.is_end;
        more.is_all
    }
}

/// The next frame of a stream, as a body hands it out.
pub(super) fn poll_frame(
    frames: &mut Frames,
    cx: &mut std::task::Context<'_>,
) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
    frames.as_mut().poll_next(cx).map(|frame| frame.map(|frame| Ok(http_body::Frame::data(frame))))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::{FutureExt, StreamExt};

    use super::*;
    use crate::logs::Logs;

    #[tokio::test]
    async fn a_silent_stream_says_that_it_is_still_there() {
        let follower = Arc::new(Logs::new()).follow().expect("a place");
        let place = follower.newest(&Filter::default(), 0);
        let mut frames = Following::new(follower, place, Filter::default(), Duration::from_millis(20)).frames();
        assert_eq!(frames.next().await.expect("the first"), FIRST);
        assert_eq!(frames.next().await.expect("the second"), STILL_HERE);
        assert_eq!(frames.next().await.expect("the third"), STILL_HERE);
    }

    #[tokio::test]
    async fn a_stream_ends_at_once_when_the_host_stops() {
        let logs = Arc::new(Logs::new());
        let follower = logs.follow().expect("a place");
        let place = follower.newest(&Filter::default(), 0);
        // Whoever waited for this would wait for ever.
        let mut frames = Following::new(follower, place, Filter::default(), Duration::MAX).frames();
        assert_eq!(frames.next().await.expect("the first"), FIRST);
        assert!(frames.next().now_or_never().is_none());
        logs.close();
        assert_eq!(frames.next().await, None);
    }
}
