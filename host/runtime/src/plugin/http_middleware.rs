//! `switchyard:plugin/http-middleware`: what becomes of a request before it is routed, and of its response.

use bytes::Bytes;
use http::{request, response};
use switchyard_core::describe::Role;
use wasmtime::component::InstancePre;

use super::{
    heads::{self, Content, Said},
    linked::{Call, absent},
    roles,
    warm::Guest,
    wit::http_middleware as wit,
};
use crate::{
    middleware::{RequestDecision, ResponseDecision},
    state::GuestState,
};

type OnRequest<'a> = (wit::RequestHeadParam<'a>, Option<&'a [u8]>);
type OnResponse<'a> = (wit::RequestHeadParam<'a>, wit::ResponseHeadParam<'a>, Option<&'a [u8]>);

pub(super) fn check(pre: &InstancePre<GuestState>) -> wasmtime::Result<()> {
    roles::check::<OnRequest<'_>, (wit::RequestDecision,)>(pre, Role::HttpMiddleware, "on-request")?;
    roles::check::<OnResponse<'_>, (wit::ResponseDecision,)>(pre, Role::HttpMiddleware, "on-response")
}

/// A request to be looked at.
pub(super) struct LookAtRequest<'a> {
    pub(super) head: &'a request::Parts,
    pub(super) body: Option<&'a Bytes>,
}

/// A response to be looked at, with the head of the request that it answers.
pub(super) struct LookAtResponse<'a> {
    pub(super) request: &'a request::Parts,
    pub(super) head: &'a response::Parts,
    pub(super) body: Option<&'a Bytes>,
}

impl Call for LookAtRequest<'_> {
    /// None of it is checked yet.
    type Answer = wit::RequestDecision;

    async fn call(self, guest: &mut Guest) -> wasmtime::Result<wit::RequestDecision> {
        let middleware = guest.exports.http_middleware.as_ref().ok_or_else(|| absent(Role::HttpMiddleware))?;
        let headers = heads::lowered(&self.head.headers);
        let body = self.body.map(AsRef::as_ref);
        middleware.call_on_request(&mut guest.store, request_head(self.head, &headers), body).await
    }
}

impl Call for LookAtResponse<'_> {
    /// None of it is checked yet.
    type Answer = wit::ResponseDecision;

    async fn call(self, guest: &mut Guest) -> wasmtime::Result<wit::ResponseDecision> {
        let middleware = guest.exports.http_middleware.as_ref().ok_or_else(|| absent(Role::HttpMiddleware))?;
        let (asked, answered) = (heads::lowered(&self.request.headers), heads::lowered(&self.head.headers));
        let head = wit::ResponseHeadParam { status: self.head.status.as_u16(), headers: &answered };
        let body = self.body.map(AsRef::as_ref);
        middleware.call_on_response(&mut guest.store, request_head(self.request, &asked), head, body).await
    }
}

fn request_head<'a>(head: &'a request::Parts, headers: &'a [(&'a str, &'a [u8])]) -> wit::RequestHeadParam<'a> {
    wit::RequestHeadParam { method: head.method.as_str(), path: heads::target(&head.uri), headers }
}

/// What a guest decided of a request, if it can be done.
pub(super) fn request_decision(
    original: &request::Parts,
    body_max: usize,
    said: wit::RequestDecision,
) -> Result<RequestDecision, String> {
    Ok(match said {
        wit::RequestDecision::Next => RequestDecision::Next,
        wit::RequestDecision::NextWithHead(wit::RequestHeadResult { method, path, headers }) => {
            let parts = heads::request(original, Said { method, path, headers }, Content::Same)?;
            RequestDecision::NextWithHead(parts)
        }
        wit::RequestDecision::NextWith(request) if request.body.len() > body_max => {
            return Err(format!("it handed a request on with a body of {} bytes, over {body_max}", request.body.len()));
        }
        wit::RequestDecision::NextWith(request) => RequestDecision::NextWith(heads::whole_request(original, request)?),
        wit::RequestDecision::Answer(response) => RequestDecision::Answer(heads::final_response(response)?),
    })
}

/// What a guest decided of a response, if it can be done.
pub(super) fn response_decision(
    original: &response::Parts,
    said: wit::ResponseDecision,
) -> Result<ResponseDecision, String> {
    Ok(match said {
        wit::ResponseDecision::Next => ResponseDecision::Next,
        wit::ResponseDecision::NextWithHead(said) => {
            let mut parts = original.clone();
            // What it leaves alone may be one that no guest can answer with, as 101 is.
            if said.status != original.status.as_u16() {
                parts.status = heads::status(said.status)?;
            }
            parts.headers = heads::response_headers(&original.headers, said.headers)?;
            ResponseDecision::NextWithHead(parts)
        }
        wit::ResponseDecision::NextWith(response) => ResponseDecision::NextWith(heads::final_response(response)?),
    })
}
