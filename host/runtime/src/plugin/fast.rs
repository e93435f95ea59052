//! The fast lane: `switchyard:plugin/http-handler`, whole bodies as plain records and lists.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, request::Parts};
use switchyard_core::describe::Role;
use wasmtime::component::InstancePre;

use super::{
    gate::Admission,
    linked::{Call, Linked, absent},
    roles,
    warm::Guest,
    wit::http_types as wit,
};
use crate::{
    body::Body,
    context::CallContext,
    error::GuestError,
    runtime::Inner,
    state::{GuestState, Shared},
};

/// The fewest and most statuses a service may answer; 1xx are the connection's own.
const STATUSES: std::ops::RangeInclusive<u16> = 200..=599;

type Params<'a> = (wit::Request<'a>,);
type Return = (wit::Response,);

/// A request to be answered.
struct Handle {
    parts: Parts,
    body: Bytes,
}

pub(super) fn check(pre: &InstancePre<GuestState>) -> wasmtime::Result<()> {
    roles::check::<Params<'_>, Return>(pre, Role::HttpHandler, "handle")
}

pub(super) async fn call(
    linked: &Linked,
    inner: &Inner,
    shared: &Arc<Shared>,
    context: CallContext,
    request: Request<Body>,
    admission: Admission,
) -> Result<Response<Body>, GuestError> {
    let (parts, body) = request.into_parts();
    let body = body.collect(context.body_max).await?;
    response(shared, linked.run(inner, shared, context, admission, Handle { parts, body }).await?)
}

impl Call for Handle {
    type Answer = wit::Response;

    async fn call(self, guest: &mut Guest) -> wasmtime::Result<wit::Response> {
        let handler = guest.exports.http.as_ref().ok_or_else(|| absent(Role::HttpHandler))?;
        let headers: Vec<(&str, &[u8])> =
            self.parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let request = wit::Request {
            method: self.parts.method.as_str(),
            path: self.parts.uri.path_and_query().map_or("/", |path| path.as_str()),
            headers: &headers,
            body: &self.body,
        };
        handler.call_handle(&mut guest.store, request).await
    }
}

fn response(shared: &Shared, answer: wit::Response) -> Result<Response<Body>, GuestError> {
    let bad = |reason: String| GuestError::Failed { service: shared.service.clone(), reason, backtrace: None };
    if !STATUSES.contains(&answer.status) {
        return Err(bad(format!("it answered with status {}, which is not in 200 to 599", answer.status)));
    }
    let mut headers = HeaderMap::with_capacity(answer.headers.len() + 4);
    for (name, value) in answer.headers {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| bad(format!("it answered with the header name '{name}'")))?;
        let value = HeaderValue::from_maybe_shared(bytes::Bytes::from(value))
            .map_err(|_| bad(format!("it answered with an invalid value of the header '{name}'")))?;
        headers.append(name, value);
    }
    // The body's true length is the host's to tell.
    headers.remove(http::header::CONTENT_LENGTH);
    let mut response = Response::new(Body::full(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).map_err(|error| bad(error.to_string()))?;
    *response.headers_mut() = headers;
    Ok(response)
}
