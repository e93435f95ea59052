//! Middleware that are services of this host.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, request, response};
use switchyard_core::{name::ServiceName, problem::Code};
use switchyard_dispatch::{Body, CallContext, CallError, Dispatcher, Next, RequestDecision, ResponseDecision, Service};

use super::{Link, Middleware};
use crate::{request::Flow, response::Refusal};

/// A service that takes part as a middleware.
struct Plugged {
    dispatcher: Arc<Dispatcher>,
    service: Arc<Service>,
}

/// The middleware of this name, in the snapshot that the request is decided by.
///
/// # Errors
/// When there is none.
pub(super) fn find(flow: &Flow, name: &ServiceName) -> Result<Link, Refusal> {
    let refuse = |why: &str| {
        tracing::warn!(middleware = %name, why, "a request was refused for want of its middleware");
        Refusal::new(Code::MiddlewareFailed, format!("the middleware '{name}' {why}"))
    };
    let service = flow.snapshot.services.get(name).ok_or_else(|| refuse("is not loaded"))?;
    let kind = service.middleware().ok_or_else(|| refuse("is a service that cannot be one"))?;
    let dispatcher = Arc::clone(&flow.exchange.shared().dispatcher);
    let middleware = Arc::new(Plugged { dispatcher, service: Arc::clone(service) });
    Ok(Link { name: name.clone(), kind, middleware })
}

#[async_trait]
impl Middleware for Plugged {
    async fn on_request(
        &self,
        context: CallContext,
        head: &request::Parts,
        body: Option<&Bytes>,
    ) -> Result<RequestDecision, CallError> {
        self.dispatcher.on_request(&self.service, context, head, body).await
    }

    async fn on_response(
        &self,
        context: CallContext,
        request: &request::Parts,
        head: &response::Parts,
        body: Option<&Bytes>,
    ) -> Result<ResponseDecision, CallError> {
        self.dispatcher.on_response(&self.service, context, request, head, body).await
    }

    async fn chain(
        &self,
        context: CallContext,
        request: Request<Body>,
        next: Next,
    ) -> Result<Response<Body>, CallError> {
        self.dispatcher.chain(&self.service, context, request, next).await
    }
}
