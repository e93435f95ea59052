//! A request's body on its way to whoever answers, watched for whether it arrives.

use std::{
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Request;
use http_body::{Body as HttpBody, Frame, SizeHint};
use switchyard_core::describe::Role;
use switchyard_runtime::{Body, BodyError, Plugin};

/// Whether a body has failed to arrive. Who breaks off over half a request was not the one who failed.
pub(crate) struct Upload(Arc<State>);

#[derive(Default)]
struct State {
    failed: OnceLock<BodyError>,
    /// Whether the reader wanted more than there was when it looked last.
    is_awaited: AtomicBool,
    /// Whether all of it was taken, or nothing more is wanted of it.
    has_ended: AtomicBool,
}

/// The body.
struct Watched {
    body: Body,
    state: Arc<State>,
}

// === impl Upload ===

impl Upload {
    /// Watches a request's body on its way into a guest, where that is needed: in the fast lane it is read by the host,
    /// which says what became of it.
    pub(crate) fn watch_for(plugin: &Plugin, request: &mut Request<Body>) -> Option<Self> {
        let is_fast = plugin.description().http_role() == Some(Role::HttpHandler);
        if is_fast { None } else { Self::watch(request) }
    }

    /// Watches a request's body; one that is in memory has arrived.
    pub(crate) fn watch(request: &mut Request<Body>) -> Option<Self> {
        if request.body().as_full().is_some() {
            return None;
        }
        let state = Arc::new(State::default());
        let body = std::mem::take(request.body_mut());
        *request.body_mut() = Body::stream(Watched { body, state: Arc::clone(&state) });
        Some(Self(state))
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.0.failed.get().is_some()
    }

    /// Why the want of an answer is not the fault of who reads this: the body failed to arrive, or, when the time is
    /// over, it was what was waited for.
    pub(crate) fn excuse(&self, has_timed_out: bool) -> Option<BodyError> {
        let is_late = has_timed_out && self.0.is_awaited.load(Relaxed);
        self.0.failed.get().cloned().or_else(|| is_late.then_some(BodyError::TimedOut))
    }

    /// Whether nobody reads it any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.0.has_ended.load(Relaxed)
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        self.state.is_awaited.store(polled.is_pending(), Relaxed);
        let frame = ready!(polled);
        if let Some(Err(error)) = &frame {
            let _ = self.state.failed.set(error.clone());
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

impl Drop for Watched {
    fn drop(&mut self) {
        self.state.has_ended.store(true, Relaxed);
    }
}
