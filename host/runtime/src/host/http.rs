//! The way out: requests that guests send go through the host's port, which knows services and allow-lists.

use std::sync::Arc;

use http::{Request, Response};
use http_body::Body as _;
use http_body_util::BodyExt;
use switchyard_core::name::ServiceName;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::{
    body::{Body, BodyError},
    context::CallContext,
    ports::{Caller, OutgoingError},
    state::Shared,
};

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Box<dyn Future<Output = Result<(Response<WasiBody>, Io), Error>> + Send>;

/// What wasmtime asks when a guest sends a request.
pub(crate) struct Hooks {
    shared: Arc<Shared>,
    /// The call that the guest is answering.
    pub(crate) context: Option<CallContext>,
}

// === impl Hooks ===

impl Hooks {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, context: None }
    }
}

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Sent {
        let places = self.shared.outbound_places.clone();
        let caller = self.context.as_ref().map(|context| Caller {
            service: self.shared.service.clone(),
            context: context.nested(&self.shared.service),
            outbound: self.shared.outbound.clone(),
        });
        let port = self.shared.ports.http.clone();
        Box::new(async move {
            let mut caller = caller.ok_or(Error::HttpRequestDenied)?;
            let timeout = options.and_then(|options| options.first_byte_timeout);
            if let Some(timeout) = timeout {
                let deadline = tokio::time::Instant::now() + timeout;
                caller.context.deadline = caller.context.deadline.min(deadline);
            }
            // Services of this host are bounded by their own places, other hosts by the caller's (outbound-max).
            let authority = request.uri().authority().map_or("", |authority| authority.as_str());
            let place = match ServiceName::from_internal_host(authority) {
                Some(_) => None,
                None => Some(tokio::time::timeout_at(caller.context.deadline, places.acquire_owned())),
            };
            let place = match place {
                Some(wait) => Some(wait.await.map_err(|_| Error::ConnectionLimitReached)?),
                None => None,
            };
            let request = request.map(Body::stream);
            let response = port.send(caller, request).await.map_err(to_error)?;
            let response = response.map(|body| to_wasi(body.with_guard(place)));
            Ok((response, Box::new(std::future::ready(Ok(()))) as Io))
        })
    }
}

/// A body of ours as wasmtime takes it.
pub(crate) fn to_wasi(body: Body) -> WasiBody {
    let exact = body.size_hint().exact();
    debug_assert!(exact.is_none_or(|n| n > 0 || body.is_end_stream()), "an empty body ends at once");
    body.map_err(Error::from).boxed_unsync()
}

impl From<Error> for BodyError {
    fn from(error: Error) -> Self {
        Self::Aborted(error.to_string())
    }
}

impl From<BodyError> for Error {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { max } => Self::HttpRequestBodySize(Some(max)),
            BodyError::TimedOut => Self::ConnectionReadTimeout,
            BodyError::Aborted(_) => Self::ConnectionTerminated,
        }
    }
}

fn to_error(error: OutgoingError) -> Error {
    match error {
        OutgoingError::Denied(reason) => {
            tracing::warn!(reason, "outgoing request denied");
            Error::HttpRequestDenied
        }
        OutgoingError::NotFound(_) => Error::DestinationNotFound,
        OutgoingError::Unavailable(_) => Error::DestinationUnavailable,
        OutgoingError::Broken(_) => Error::ConnectionTerminated,
        OutgoingError::TimedOut(_) => Error::ConnectionReadTimeout,
    }
}
