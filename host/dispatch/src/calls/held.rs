//! A copy of a request, for when it has to be sent again.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri, header::UPGRADE};
use http_body::Body as _;
use switchyard_core::retry::Policy;
use switchyard_runtime::Body;
use tokio::time::{Instant, timeout_at};

use crate::error::CallError;

/// The longest body that is held; 64 KiB.
const HELD_MAX: usize = 64 << 10;

/// The copy.
pub(crate) struct Held {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

// === impl Held ===

impl Held {
    /// A copy, if the request may be repeated once it was sent. For that its body has to be short, and is waited for.
    ///
    /// # Errors
    /// When its body does not arrive.
    pub(super) async fn of(
        request: &mut Request<Body>,
        policy: &Policy,
        deadline: Instant,
    ) -> Result<Option<Self>, CallError> {
        let may = policy.all_methods || is_idempotent(request.method());
        if may && policy.allows_another(1) { Self::copy(request, deadline).await } else { Ok(None) }
    }

    /// A copy, if the body is short, which is waited for, and the request asks for no other protocol.
    ///
    /// # Errors
    /// When its body does not arrive.
    pub(crate) async fn copy(request: &mut Request<Body>, deadline: Instant) -> Result<Option<Self>, CallError> {
        if request.headers().contains_key(UPGRADE) {
            return Ok(None);
        }
        let body = match request.body().as_full() {
            Some([]) => Bytes::new(),
            Some(_) | None => match held(request, deadline).await? {
                Some(body) => body,
                None => return Ok(None),
            },
        };
        let (method, uri, headers) = (request.method().clone(), request.uri().clone(), request.headers().clone());
        Ok(Some(Self { method, uri, headers, body }))
    }

    /// The request once more.
    pub(crate) fn request(&self) -> Request<Body> {
        let mut request = Request::new(Body::full(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// The bytes of a body that is short enough, which stays in the request.
async fn held(request: &mut Request<Body>, deadline: Instant) -> Result<Option<Bytes>, CallError> {
    let is_short = request.body().size_hint().exact().is_some_and(|length| length <= HELD_MAX as u64);
    if !is_short {
        return Ok(None);
    }
    let body = std::mem::take(request.body_mut());
    let collected = timeout_at(deadline, body.collect(HELD_MAX)).await;
    let bytes = collected.unwrap_or(Err(switchyard_runtime::BodyError::TimedOut)).map_err(CallError::Body)?;
    *request.body_mut() = Body::full(bytes.clone());
    Ok(Some(bytes))
}

/// RFC 9110, section 9.2.2, for the methods that it defines.
fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE | Method::TRACE)
}
