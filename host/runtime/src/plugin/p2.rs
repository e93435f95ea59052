//! `wasi:http/incoming-handler@0.2`: requests and responses as streams.
//!
//! The guest is driven by whoever wants its output, on the same task: first while the response's head is awaited,
//! then from within the body's `poll_frame`. Nothing is spawned, so nothing outlives the connection, and a body
//! that nobody reads costs nothing. Only when the body has ended and the guest has not is the rest of its work
//! finished on a task of its own, for as long as a call may take. A place goes along: the call's while the head is
//! awaited, then one of the service's streams.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, future::poll_fn};
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame};
use switchyard_core::{describe::Role, name::ServiceName};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use wasmtime_wasi_http::{
    WasiBody, WasiHttpView,
    p2::bindings::http::types::{ErrorCode, Scheme},
};

use super::{
    gate::Admission,
    linked::{Linked, absent},
    streams::{Placed, WHOLE_MAX, join},
    warm::Guest,
};
use crate::{
    body::{Body, BodyError},
    context::CallContext,
    error::{GuestError, explain},
    host::http::to_wasi,
    limiter::Metered,
    runtime::Inner,
    state::Shared,
};

/// A call that goes on: resolves when the guest's function has returned.
type Call = Metered<Pin<Box<dyn Future<Output = Result<(), GuestError>> + Send>>>;

type Head = Result<Response<WasiBody>, ErrorCode>;

/// A response's body whose guest is still at work.
struct GuestBody {
    ready: VecDeque<Frame<Bytes>>,
    body: WasiBody,
    call: Option<Call>,
    /// What is still to be sent, when the response says its length.
    left: Option<u64>,
    service: ServiceName,
    /// How long the guest may go on once its response has ended.
    work_max: Duration,
    /// Goes along with the guest.
    place: Option<OwnedSemaphorePermit>,
}

pub(super) async fn call(
    linked: &Arc<Linked>,
    inner: &Inner,
    shared: &Arc<Shared>,
    context: CallContext,
    request: Request<Body>,
    admission: Admission,
) -> Result<Response<Body>, GuestError> {
    let guest = linked.guest(inner, shared, &context).await?;
    let place = admission.begin();
    let failed = |reason: String| GuestError::Failed { service: shared.service.clone(), reason, backtrace: None };
    let length = (request.method() == http::Method::HEAD).then_some(0);
    let (call, head) = start(linked, shared, guest, context, request).map_err(|error| failed(format!("{error:#}")))?;
    let (mut call, mut head) = (Some(call), Some(head));
    let head = poll_fn(|cx| poll_head(cx, &mut call, &mut head)).await?;
    let response = match head {
        Some(Ok(response)) => response,
        Some(Err(code)) => return Err(failed(format!("it answered with the error {code:?}"))),
        None => return Err(failed("it returned without a response".into())),
    };
    let (parts, body) = response.into_parts();
    // A connection that has sent all it was promised stops asking, and never sees the body's end.
    let promised = parts.headers.get(http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let (service, work_max) = (shared.service.clone(), shared.settings.limits.deadline);
    let mut body = GuestBody {
        ready: VecDeque::new(),
        body,
        call,
        left: length.or(promised),
        service,
        work_max,
        place: Some(place),
    };
    let body = match body.whole_now()? {
        Some(whole) => whole,
        None => shared.streams.begin(&shared.service, body).await?,
    };
    Ok(Response::from_parts(parts, body))
}

/// Prepares the call; it runs when polled.
fn start(
    linked: &Arc<Linked>,
    shared: &Arc<Shared>,
    mut guest: Guest,
    context: CallContext,
    request: Request<Body>,
) -> wasmtime::Result<(Call, oneshot::Receiver<Head>)> {
    let meter = guest.begin(context);
    let state = guest.store.data_mut();
    let (sender, head) = oneshot::channel();
    let request = state.http().new_incoming_request(Scheme::Http, request.map(to_wasi))?;
    let out = state.http().new_response_outparam(sender)?;
    let handler = guest.exports.wasi_http.clone().ok_or_else(|| absent(Role::WasiHttp02))?;
    let (linked, shared) = (linked.clone(), shared.clone());
    let call = async move {
        match handler.call_handle(&mut guest.store, request, out).await {
            Ok(()) => {
                linked.warm.give_back(guest);
                Ok(())
            }
            Err(error) => Err(explain(&shared.service, &error, guest.store.data().memory.refused)),
        }
    };
    Ok((meter.meter(Box::pin(call) as Pin<Box<dyn Future<Output = _> + Send>>), head))
}

/// Drives the guest until the head is there. `None` when it returned without one.
fn poll_head(
    cx: &mut Context<'_>,
    call: &mut Option<Call>,
    head: &mut Option<oneshot::Receiver<Head>>,
) -> Poll<Result<Option<Head>, GuestError>> {
    let ended = match call.as_mut().map(|call| call.poll_unpin(cx)) {
        Some(Poll::Ready(result)) => {
            *call = None;
            Some(result)
        }
        _ => None,
    };
    match head.as_mut().map(|head| head.poll_unpin(cx)) {
        // A guest that failed right after its head has sent nothing yet.
        Some(Poll::Ready(Ok(head))) => return Poll::Ready(ended.unwrap_or(Ok(())).map(|()| Some(head))),
        // It gave the response up; what it does next tells why. The receiver must not be asked again.
        Some(Poll::Ready(Err(_))) => *head = None,
        Some(Poll::Pending) | None => {}
    }
    match ended {
        Some(result) => Poll::Ready(result.map(|()| None)),
        None => Poll::Pending,
    }
}

// === impl GuestBody ===

impl GuestBody {
    /// The whole body, if the guest ends and all of it is there without waiting; most answers are like that, and
    /// get a length instead of chunks. What was taken on the way is kept for the stream.
    fn whole_now(&mut self) -> Result<Option<Body>, GuestError> {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut length = 0;
        let mut only_data = true;
        while length <= WHOLE_MAX {
            match Pin::new(&mut self.body).poll_frame(&mut cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    length += frame.data_ref().map_or(0, Bytes::len);
                    only_data &= frame.is_data();
                    self.ready.push_back(frame);
                }
                // Nothing has been sent yet: the client gets an error instead of half an answer.
                Poll::Ready(Some(Err(error))) => {
                    let reason = format!("its response broke off: {error}");
                    return Err(GuestError::Failed { service: self.service.clone(), reason, backtrace: None });
                }
                Poll::Ready(None) if self.call.is_none() && only_data => {
                    return Ok(Some(Body::full(join(std::mem::take(&mut self.ready)))));
                }
                Poll::Ready(None) => return Ok(None),
                Poll::Pending => match self.call.as_mut().map(|call| call.poll_unpin(&mut cx)) {
                    Some(Poll::Ready(Ok(()))) => self.call = None,
                    // Nothing has been sent yet: the client gets an error instead of half an answer.
                    Some(Poll::Ready(Err(error))) => return Err(error),
                    Some(Poll::Pending) | None => return Ok(None),
                },
            }
        }
        Ok(None)
    }

    fn sent(&mut self, frame: &Frame<Bytes>) {
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        self.left = self.left.map(|left| left.saturating_sub(length));
    }

    /// The body has ended and the guest has not: it may finish what it does, but nobody waits for it.
    fn detach(&mut self) {
        if let Some(call) = self.call.take() {
            let work = tokio::time::timeout(self.work_max, call);
            let place = self.place.take();
            tokio::spawn(async move {
                // How it ends is nobody's business any more.
                let _ = work.await;
                drop(place);
            });
        }
    }
}

impl Placed for GuestBody {
    fn hold(&mut self, place: OwnedSemaphorePermit) {
        self.place = Some(place);
    }
}

impl Drop for GuestBody {
    fn drop(&mut self) {
        if self.left == Some(0) {
            self.detach();
        }
    }
}

impl HttpBody for GuestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(frame) = self.ready.pop_front() {
            self.sent(&frame);
            return Poll::Ready(Some(Ok(frame)));
        }
        loop {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.sent(&frame);
                    return Poll::Ready(Some(Ok(frame)));
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
                Poll::Ready(None) => {
                    self.detach();
                    return Poll::Ready(None);
                }
                Poll::Pending => {}
            }
            let Some(call) = self.call.as_mut() else { return Poll::Pending };
            match call.poll_unpin(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) => self.call = None,
                Poll::Ready(Err(error)) => {
                    self.call = None;
                    return Poll::Ready(Some(Err(BodyError::Aborted(error.to_string()))));
                }
            }
        }
    }

    fn size_hint(&self) -> http_body::SizeHint {
        if self.ready.is_empty() { self.body.size_hint() } else { http_body::SizeHint::default() }
    }
}
