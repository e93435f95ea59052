//! The fast lane: `switchyard:plugin/http-handler`, whole bodies as plain records and lists.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, request::Parts};
use switchyard_core::describe::Role;
use wasmtime::component::InstancePre;

use super::{
    gate::Admission,
    heads,
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

type Params<'a> = (wit::RequestParam<'a>,);
type Return = (wit::Response,);

/// A request to be answered.
pub(super) struct Handle {
    pub(super) parts: Parts,
    pub(super) body: Bytes,
}

pub(super) fn check(pre: &InstancePre<GuestState>) -> wasmtime::Result<()> {
    roles::check::<Params<'_>, Return>(pre, Role::HttpHandler, "handle")
}

pub(super) async fn call(
    linked: &Linked,
    inner: &Inner,
    shared: &Arc<Shared>,
    context: CallContext,
    request: Handle,
    admission: Admission,
) -> Result<Response<Body>, GuestError> {
    let answer = linked.run(inner, shared, context, admission, request).await?;
    let failed = |reason| GuestError::Failed { service: shared.service.clone(), reason, backtrace: None };
    Ok(heads::response(answer).map_err(failed)?.map(Body::full))
}

impl Call for Handle {
    type Answer = wit::Response;

    async fn call(self, guest: &mut Guest) -> wasmtime::Result<wit::Response> {
        let handler = guest.exports.http.as_ref().ok_or_else(|| absent(Role::HttpHandler))?;
        let headers: Vec<(&str, &[u8])> =
            self.parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let request = wit::RequestParam {
            method: self.parts.method.as_str(),
            path: heads::target(&self.parts.uri),
            headers: &headers,
            body: &self.body,
        };
        handler.call_handle(&mut guest.store, request).await
    }
}
