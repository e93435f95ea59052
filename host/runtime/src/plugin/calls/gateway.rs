//! How a plugin is called on behalf of the gateway: as a middleware, and as an authenticator.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, request, response};
use switchyard_core::describe::Role;

use crate::{
    body::Body,
    context::CallContext,
    error::GuestError,
    middleware::{AuthError, Claims, MiddlewareKind, Next, RequestDecision, ResponseDecision},
    plugin::{
        Plugin, authenticator, http_middleware,
        mapped::{Code, Kind},
    },
    usage::CallRole,
};

// === impl Plugin ===

impl Plugin {
    /// How it takes part as a middleware of the gateway, if it does.
    pub fn middleware(&self) -> Option<MiddlewareKind> {
        MiddlewareKind::of(&self.description)
    }

    /// Shows the guest a request before it is routed. A body that streams, or is too large to be held, is none.
    ///
    /// # Errors
    /// When it is no middleware of this kind, is too busy, too slow, or fails, as it does by handing on what is no
    /// request; see [`GuestError`].
    pub async fn on_request(
        &self,
        context: CallContext,
        head: &request::Parts,
        body: Option<&Bytes>,
    ) -> Result<RequestDecision, GuestError> {
        self.needs(Role::HttpMiddleware)?;
        let body_max = context.body_max;
        let said = self.run(CallRole::HttpMiddleware, context, http_middleware::LookAtRequest { head, body }).await?;
        http_middleware::request_decision(head, body_max, said).map_err(|reason| self.failed(reason))
    }

    /// Shows the guest the response to a request, whose head is as this middleware passed it on.
    ///
    /// # Errors
    /// As [`on_request`](Self::on_request).
    pub async fn on_response(
        &self,
        context: CallContext,
        request: &request::Parts,
        head: &response::Parts,
        body: Option<&Bytes>,
    ) -> Result<ResponseDecision, GuestError> {
        self.needs(Role::HttpMiddleware)?;
        let said = self
            .run(CallRole::HttpMiddleware, context, http_middleware::LookAtResponse { request, head, body })
            .await?;
        http_middleware::response_decision(head, said).map_err(|reason| self.failed(reason))
    }

    /// Sends a request through the guest, which answers it or hands it on to what comes `next`. The deadlines are those
    /// of [`call`](Self::call), and what comes next is within them.
    ///
    /// # Errors
    /// When it is no middleware of this kind, is too busy, too slow, or fails; see [`GuestError`].
    pub async fn chain(
        &self,
        context: CallContext,
        request: Request<Body>,
        next: Next,
    ) -> Result<Response<Body>, GuestError> {
        self.needs(Role::HttpChain)?;
        let answer = |code: Arc<Code>, context, admission| async move {
            match &code.kind {
                Kind::P3(concurrent) => concurrent.call(&self.shared, context, request, admission, Some(next)).await,
                Kind::Linked(_) => Err(self.unloadable("it is not linked as a middleware".to_owned())),
            }
        };
        self.admit(CallRole::HttpMiddleware, context, answer).await
    }

    /// Asks the guest whose a token is. The inner error is its answer, the outer one means that there is none.
    ///
    /// # Errors
    /// When it is no authenticator, is too busy, too slow, or fails; see [`GuestError`].
    pub async fn validate_token(
        &self,
        context: CallContext,
        token: &str,
    ) -> Result<Result<Claims, AuthError>, GuestError> {
        self.needs(Role::Authenticator)?;
        let said = self.run(CallRole::Authenticator, context, authenticator::Validate { token }).await?;
        authenticator::verdict(said).map_err(|reason| self.failed(reason))
    }
}
