//! `wasi:http/handler@0.3` as an import: a middleware hands its request on to whatever comes after it.
//!
//! An instance has several requests inside, and something else comes after each. Which of them a call is made for is
//! what the component model's own call stack says, whose root is the call of the export. Once that has answered, its
//! request is gone from the instance, and work that goes on behind its back cannot hand anything on any more: it would
//! be in the name of a client whose exchange has ended.
//!
//! What comes after runs on a task of its own. Within the instance's task it would stand still whenever one of the
//! others computes. It ends with whoever waits for it: the guest, or the client.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use http::{
    Extensions, HeaderValue, Method, Request, Response, Uri, header, request,
    uri::{Authority, PathAndQuery, Scheme},
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::AbortOnDropHandle,
};
use wasmtime::{
    AsContextMut,
    component::{Access, Accessor, GuestTaskId, Linker, Resource},
};
use wasmtime_wasi_http::{
    WasiBody, WasiHttpView,
    p3::{self, bindings::http::types::ErrorCode},
};

use crate::{
    body::Body,
    host::http::to_wasi,
    middleware::{NEXT_MAX, Next},
    plugin::heads,
    ports::OutgoingError,
    state::GuestState,
};

/// The interface, as it is linked; any 0.3.x is the same.
const HANDLER: &str = "wasi:http/handler@0.3.0";

/// The authority of a request that never had one: wasmtime makes no URI without.
const NOWHERE: Authority = Authority::from_static("localhost");

/// The requests inside an instance that can be handed on.
#[derive(Default)]
pub(crate) struct Nexts(Mutex<Vec<(GuestTaskId, Arc<Onward>)>>);

/// How one request is handed on.
pub(crate) struct Onward {
    next: Next,
    /// What a guest cannot see or say, and what it may leave out.
    uri: Uri,
    host: Option<HeaderValue>,
    extensions: Extensions,
    /// How often it may still be handed on.
    left: AtomicU32,
    /// Cancelled when nobody waits for the response any more.
    gone: CancellationToken,
}

/// What a guest hands on, and how it goes on.
type Taken = Result<(Arc<Onward>, Request<Body>), ErrorCode>;

/// Provides the import.
pub(crate) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    linker.instance(HANDLER)?.func_wrap_concurrent("handle", |accessor, (request,)| {
        Box::pin(async move { Ok((hand_on(accessor, request).await?,)) })
    })
}

/// Gives the target its authority, which is how guests are told of the host.
pub(super) fn show_authority(onward: &Onward, uri: &mut Uri) {
    let Some(authority) = onward.authority() else { return };
    let mut parts = uri.clone().into_parts();
    parts.authority = Some(authority);
    parts.scheme.get_or_insert(Scheme::HTTP);
    parts.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
    if let Ok(whole) = Uri::from_parts(parts) {
        *uri = whole;
    }
}

async fn hand_on(
    accessor: &Accessor<GuestState>,
    request: Resource<p3::Request>,
) -> wasmtime::Result<Result<Resource<p3::Response>, ErrorCode>> {
    let (onward, request) = match accessor.with(|access| take(access, request))? {
        Ok(taken) => taken,
        Err(code) => return Ok(Err(code)),
    };
    match onward.send(request).await {
        Ok(response) => accessor.with(|mut access| {
            let view = access.data_mut().http();
            let (response, _sent) = p3::Response::from_http(view.hooks, response.map(to_wasi));
            Ok(Ok(view.table.push(response)?))
        }),
        Err(error) => Ok(Err(to_code(error))),
    }
}

/// Takes a request out of the guest, and finds out how it goes on.
fn take(mut access: Access<'_, GuestState>, request: Resource<p3::Request>) -> wasmtime::Result<Taken> {
    let root = access.as_context_mut().async_call_stack()?.last();
    let state = access.data_mut();
    let onward = root.zip(state.nexts.as_ref()).and_then(|(task, nexts)| nexts.of(task));
    let mut request = state.table.delete(request)?;
    let had = onward.as_ref().and_then(|onward| onward.authority());
    request.authority = Some(request.authority.take().or(had).unwrap_or(NOWHERE));
    request.scheme = Some(Scheme::HTTP);
    // Whatever is said of it, a body that the guest made has to be taken over, or its stream would stay behind.
    let request = match request.into_http(access, async { Ok(()) }) {
        Ok((request, _)) => request,
        Err(error) => return error.downcast().map(Err),
    };
    Ok(match onward {
        Some(onward) => onward.dressed(request).map(|request| (onward, request)),
        None => Err(ErrorCode::InternalError(Some("the request has been answered already".to_owned()))),
    })
}

fn to_code(error: OutgoingError) -> ErrorCode {
    match error {
        OutgoingError::Denied(_) => ErrorCode::HttpRequestDenied,
        OutgoingError::NotFound(_) => ErrorCode::DestinationNotFound,
        OutgoingError::Unavailable(_) => ErrorCode::DestinationUnavailable,
        OutgoingError::Broken(_) => ErrorCode::ConnectionTerminated,
        OutgoingError::TimedOut(_) => ErrorCode::ConnectionReadTimeout,
    }
}

// === impl Nexts ===

impl Nexts {
    pub(super) fn enter(&self, task: GuestTaskId, onward: Arc<Onward>) {
        self.lock().push((task, onward));
    }

    pub(super) fn leave(&self, onward: &Arc<Onward>) {
        self.lock().retain(|(_, other)| !Arc::ptr_eq(other, onward));
    }

    /// Ids are given out again, so the last one to enter is meant.
    fn of(&self, task: GuestTaskId) -> Option<Arc<Onward>> {
        self.lock().iter().rev().find(|(other, _)| *other == task).map(|(_, onward)| onward.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(GuestTaskId, Arc<Onward>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Onward ===

impl Onward {
    /// For the request of this head, which goes on as long as the other value is kept.
    pub(super) fn new(request: &Request<Body>, next: Next) -> (Arc<Self>, DropGuard) {
        let gone = CancellationToken::new();
        let guard = gone.clone().drop_guard();
        let onward = Self {
            next,
            uri: request.uri().clone(),
            host: request.headers().get(header::HOST).cloned(),
            extensions: request.extensions().clone(),
            left: AtomicU32::new(NEXT_MAX),
            gone,
        };
        (Arc::new(onward), guard)
    }

    /// Where the request goes, by its target or else its `Host`. Guests are not shown that header.
    fn authority(&self) -> Option<Authority> {
        let of_host = || Authority::try_from(self.host.as_ref()?.as_bytes()).ok();
        self.uri.authority().cloned().or_else(of_host)
    }

    /// The guest's request in the form in which the gateway gave it the one before.
    fn dressed(&self, request: Request<WasiBody>) -> Result<Request<Body>, ErrorCode> {
        let (mut parts, body): (request::Parts, _) = request.into_parts();
        if parts.method == Method::CONNECT {
            return Err(ErrorCode::HttpRequestMethodInvalid);
        }
        let mut uri = std::mem::take(&mut parts.uri).into_parts();
        let path = uri.path_and_query.as_ref().map_or("/", PathAndQuery::as_str);
        if path != heads::target(&self.uri) && heads::path(path).is_none() {
            return Err(ErrorCode::HttpRequestUriInvalid);
        }
        if self.authority().is_none() && uri.authority == Some(NOWHERE) {
            parts.headers.remove(header::HOST);
        }
        if self.uri.authority().is_some() {
            uri.scheme = self.uri.scheme().cloned();
        } else {
            (uri.scheme, uri.authority) = (None, None);
        }
        parts.uri = Uri::from_parts(uri).map_err(|_| ErrorCode::HttpRequestUriInvalid)?;
        parts.extensions = self.extensions.clone();
        Ok(Request::from_parts(parts, Body::stream(body)))
    }

    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, OutgoingError> {
        if self.left.try_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_err() {
            return Err(OutgoingError::Denied(format!("it was handed on {NEXT_MAX} times already")));
        }
        let sending = AbortOnDropHandle::new(tokio::spawn((self.next)(request)));
        tokio::select! {
            answer = sending => answer.unwrap_or_else(|error| Err(OutgoingError::Broken(error.to_string()))),
            () = self.gone.cancelled() => Err(OutgoingError::Broken("nobody waits for it any more".to_owned())),
        }
    }
}
