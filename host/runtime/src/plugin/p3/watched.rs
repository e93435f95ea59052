//! A response's body that comes out of an instance.

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime_wasi_http::WasiBody;

use super::worker::{Watch, lock};
use crate::{body::BodyError, plugin::streams::Placed};

/// A response's body. When its worker dies the stream just ends, so the end is taken for one only while the worker
/// has not failed.
pub(super) struct Watched {
    body: WasiBody,
    worker: Arc<Watch>,
    /// That of the call is its worker's, too, until it has answered.
    _place: Arc<OwnedSemaphorePermit>,
}

// === impl Watched ===

impl Watched {
    pub(super) fn new(body: WasiBody, worker: Arc<Watch>, place: Arc<OwnedSemaphorePermit>) -> Self {
        worker.open_bodies.fetch_add(1, Relaxed);
        Self { body, worker, _place: place }
    }
}

impl Placed for Watched {
    fn hold(&mut self, place: OwnedSemaphorePermit) {
        self._place = Arc::new(place);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.worker.open_bodies.fetch_sub(1, Relaxed);
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(None) => {
                let failed = lock(&self.worker.last_error).clone();
                Poll::Ready(failed.map(|error| Err(BodyError::Aborted(error.to_string()))))
            }
            other => other.map(|frame| frame.map(|frame| frame.map_err(BodyError::from))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
