//! A request's body on its way into a guest, watched for whether it arrives.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Request;
use http_body::{Body as HttpBody, Frame, SizeHint};
use switchyard_core::describe::Role;
use switchyard_runtime::{Body, BodyError};

use crate::service::Service;

/// Whether a body has failed to arrive. A guest that traps over half a request was not the one who failed.
pub(crate) struct Upload(Arc<AtomicBool>);

/// The body.
struct Watched {
    body: Body,
    has_failed: Arc<AtomicBool>,
}

// === impl Upload ===

impl Upload {
    /// Watches a request's body, where that is needed: one that is in memory has arrived, and in the fast lane it is
    /// read by the host, which says what became of it.
    pub(crate) fn watch(service: &Service, request: &mut Request<Body>) -> Option<Self> {
        let is_whole = request.body().as_full().is_some();
        if is_whole || service.instance.plugin().description().http_role() == Some(Role::HttpHandler) {
            return None;
        }
        let has_failed = Arc::new(AtomicBool::new(false));
        let body = std::mem::take(request.body_mut());
        *request.body_mut() = Body::stream(Watched { body, has_failed: Arc::clone(&has_failed) });
        Some(Self(has_failed))
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.0.load(Relaxed)
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if matches!(frame, Some(Err(_))) {
            self.has_failed.store(true, Relaxed);
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
