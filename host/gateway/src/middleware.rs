//! Services that see a request before the one that answers it, and its response after.
//!
//! They are called in the order in which they are written, and see responses in the reverse one: what is first stands
//! between the client and everything else. Each sees what the one before made of the request, and the response to that,
//! whoever gave it: a refusal of what comes after is a response as well, an answer of its own is not.
//!
//! **Invariant**: a middleware that is not there, or fails, ends the request. It may be a filter that keeps somebody
//! out, and nothing passes because it did not look.

mod chain;
mod plugged;
mod records;

use std::{future::Future, pin::Pin, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, request, response};
use switchyard_core::{name::ServiceName, problem::Code};
use switchyard_dispatch::{Body, CallContext, CallError, MiddlewareKind, Next, RequestDecision, ResponseDecision};

use crate::{
    request::Flow,
    response::{Answer, Refusal},
};

/// What a middleware can be asked, by its kind.
#[async_trait]
pub(crate) trait Middleware: Send + Sync {
    async fn on_request(
        &self,
        context: CallContext,
        head: &request::Parts,
        body: Option<&Bytes>,
    ) -> Result<RequestDecision, CallError>;

    async fn on_response(
        &self,
        context: CallContext,
        request: &request::Parts,
        head: &response::Parts,
        body: Option<&Bytes>,
    ) -> Result<ResponseDecision, CallError>;

    async fn chain(
        &self,
        context: CallContext,
        request: Request<Body>,
        next: Next,
    ) -> Result<Response<Body>, CallError>;
}

/// One that a request passes.
#[derive(Clone)]
pub(crate) struct Link {
    name: ServiceName,
    kind: MiddlewareKind,
    middleware: Arc<dyn Middleware>,
}

/// What becomes of a request, in time.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<Answer, Refusal>> + Send>>;

/// What comes after all of them.
pub(crate) type Rest = Arc<dyn Fn(Request<Body>) -> Answering + Send + Sync>;

/// What is left of a list, and what comes after it.
#[derive(Clone)]
pub(crate) struct Ahead {
    flow: Arc<Flow>,
    links: Arc<[Link]>,
    /// Who is next.
    at: usize,
    rest: Rest,
}

/// Sends a request through the services of these names, to what comes after. If one of them is not there, nothing is
/// called.
pub(crate) fn pass(flow: &Arc<Flow>, names: &[ServiceName], rest: Rest, request: Request<Body>) -> Answering {
    match names.iter().map(|name| plugged::find(flow, name)).collect() {
        Ok(links) => Ahead { flow: Arc::clone(flow), links, at: 0, rest }.pass(request),
        Err(refusal) => Box::pin(std::future::ready(Err(refusal))),
    }
}

// === impl Ahead ===

impl Ahead {
    fn pass(mut self, request: Request<Body>) -> Answering {
        let Some(link) = self.links.get(self.at).cloned() else { return (self.rest)(request) };
        self.at += 1;
        match link.kind {
            MiddlewareKind::Records => Box::pin(records::pass(self, link, request)),
            MiddlewareKind::Chain => Box::pin(chain::pass(self, link, request)),
        }
    }
}

// === impl Link ===

impl Link {
    /// What a client is told when it failed. What the client itself broke is told as that.
    fn failed(&self, error: &CallError) -> Refusal {
        if let CallError::Body(error) = error {
            return CallError::Body(error.clone()).into();
        }
        tracing::warn!(middleware = %self.name, %error, "a middleware failed");
        let refusal = Refusal::new(Code::MiddlewareFailed, format!("the middleware '{}' failed", self.name));
        match error.retry_after() {
            Some(after) => refusal.after(after),
            None => refusal,
        }
    }
}

#[cfg(test)]
mod tests;
