//! Calls of services on behalf of the gateway: those that see a request before its service does, and those that say
//! whose it is.
//!
//! A breaker has no part in this: one that is open keeps callers away from what they could do without, and without
//! these there is no request. What a failure means is for the gateway to say, and it says that it ends the request.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, request, response};
use switchyard_core::describe::Role;
use switchyard_runtime::{
    AuthError, Body, CallContext, Claims, GuestError, MiddlewareKind, Next, Plugin, RequestDecision, ResponseDecision,
};

use crate::{
    dispatcher::{Dispatcher, bound_hops, failure},
    error::CallError,
    instance::InFlight,
    service::Service,
    trace::Active,
};

// === impl Dispatcher ===

impl Dispatcher {
    /// Shows a request to a middleware of the kind [`MiddlewareKind::Records`].
    ///
    /// # Errors
    /// When it has no plugin for that, or the plugin is too busy, too slow, or fails.
    pub async fn on_request(
        &self,
        service: &Arc<Service>,
        mut context: CallContext,
        head: &request::Parts,
        body: Option<&Bytes>,
    ) -> Result<RequestDecision, CallError> {
        let (plugin, _in_flight, span) = self.reach(service, Role::HttpMiddleware, &mut context)?;
        let show_backtrace = context.show_backtrace;
        told(service, show_backtrace, span, plugin.on_request(context, head, body).await)
    }

    /// Shows a response to such a middleware, with the head of the request as it passed that on.
    ///
    /// # Errors
    /// As [`on_request`](Self::on_request).
    pub async fn on_response(
        &self,
        service: &Arc<Service>,
        mut context: CallContext,
        request: &request::Parts,
        head: &response::Parts,
        body: Option<&Bytes>,
    ) -> Result<ResponseDecision, CallError> {
        let (plugin, _in_flight, span) = self.reach(service, Role::HttpMiddleware, &mut context)?;
        let show_backtrace = context.show_backtrace;
        told(service, show_backtrace, span, plugin.on_response(context, request, head, body).await)
    }

    /// Sends a request through a middleware of the kind [`MiddlewareKind::Chain`], which answers it or hands it on to
    /// what comes `next`, once, or again where that failed. It has its deadline for both.
    ///
    /// # Errors
    /// As [`on_request`](Self::on_request).
    pub async fn chain(
        &self,
        service: &Arc<Service>,
        mut context: CallContext,
        request: Request<Body>,
        next: Next,
    ) -> Result<Response<Body>, CallError> {
        let (plugin, in_flight, span) = self.reach(service, Role::HttpChain, &mut context)?;
        let show_backtrace = context.show_backtrace;
        let response = told(service, show_backtrace, span, plugin.chain(context, request, next).await)?;
        Ok(response.map(|body| body.with_guard(in_flight)))
    }

    /// Asks an authenticator whose a token is. The inner error is its answer, the outer one means that there is none.
    ///
    /// # Errors
    /// As [`on_request`](Self::on_request).
    pub async fn validate_token(
        &self,
        service: &Arc<Service>,
        mut context: CallContext,
        token: &str,
    ) -> Result<Result<Claims, AuthError>, CallError> {
        let (plugin, _in_flight, span) = self.reach(service, Role::Authenticator, &mut context)?;
        let show_backtrace = context.show_backtrace;
        told(service, show_backtrace, span, plugin.validate_token(context, token).await)
    }

    /// The plugin, which is busy as long as the other value is kept, and the span of its call.
    fn reach<'a>(
        &self,
        service: &'a Service,
        role: Role,
        context: &mut CallContext,
    ) -> Result<(&'a Plugin, InFlight, Option<Active>), CallError> {
        bound_hops(context)?;
        let (instance, plugin) = service.local_for("requests of the gateway")?;
        let span = self.tracer.guest(service, instance, |_| Some(role), context);
        Ok((plugin, instance.enter(), span))
    }
}

// === impl Service ===

impl Service {
    /// How it takes part as a middleware of the gateway, if it does.
    pub fn middleware(&self) -> Option<MiddlewareKind> {
        self.plugin()?.middleware()
    }
}

fn told<T>(
    service: &Service,
    show_backtrace: bool,
    span: Option<Active>,
    called: Result<T, GuestError>,
) -> Result<T, CallError> {
    Active::called(span, &called);
    called.map_err(|error| failure(service, error.into(), show_backtrace))
}
