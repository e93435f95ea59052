//! How a plugin is called, by role: who is let in, for how long, and in what kind of code.

mod gateway;

use std::sync::{Arc, atomic::Ordering::Relaxed};

use bytes::Bytes;
use http::{Request, Response};
use switchyard_core::{
    describe::{self, Role},
    event::{Delivery, Event, Verdict},
    handled::Failure,
    message::Leased,
    saga::Told,
};
use tokio::time::timeout_at;

use super::{
    Plugin, command_handler, event_handler, event_middleware, fast,
    gate::Admission,
    linked::Call,
    mapped::{Code, Kind},
    messaging, p2, queue_handler,
};
use crate::{
    body::{Body, BodyError},
    context::CallContext,
    error::GuestError,
    usage::{CallRole, Counting},
};

// === impl Plugin ===

impl Plugin {
    /// Calls the guest with a request. The response's head is there, or the call has failed, by the context's deadline
    /// and the service's own, whichever is first.
    ///
    /// # Errors
    /// When it serves no HTTP, is too busy, too slow, or fails; see [`GuestError`].
    pub async fn call(&self, context: CallContext, request: Request<Body>) -> Result<Response<Body>, GuestError> {
        let role = self.description.http_role().ok_or_else(|| self.not_exported(&Role::HTTP))?;
        if role == Role::HttpHandler {
            return self.call_fast(context, request).await;
        }
        let (inner, shared) = (&self.inner, &self.shared);
        let answer = |code: Arc<Code>, context, admission| async move {
            match &code.kind {
                Kind::Linked(linked) => p2::call(linked, inner, shared, context, request, admission).await,
                Kind::P3(concurrent) => concurrent.call(shared, context, request, admission, None).await,
            }
        };
        self.admit(CallRole::Http, context, answer).await
    }

    /// Calls the guest with an event of a subscription. What it may acknowledge itself is the context's
    /// [`handled`](CallContext::handled). An `Err` of the standard messaging handler is [`Failure::Retry`].
    ///
    /// # Errors
    /// When it handles no events, is too busy, too slow, or fails; see [`GuestError`].
    pub async fn handle_event(
        &self,
        context: CallContext,
        event: &Event,
        delivery: &Delivery,
    ) -> Result<Result<(), Failure>, GuestError> {
        match self.description.event_role() {
            Some(Role::Messaging) => self.run(CallRole::Event, context, messaging::Handle { event }).await,
            Some(_) => self.run(CallRole::Event, context, event_handler::Handle { event, delivery }).await,
            None => Err(self.not_exported(&Role::EVENTS)),
        }
    }

    /// Calls the guest with a leased message. What it may acknowledge itself is the context's
    /// [`handled`](CallContext::handled).
    ///
    /// # Errors
    /// When it handles no messages, is too busy, too slow, or fails; see [`GuestError`].
    pub async fn handle_message(
        &self,
        context: CallContext,
        message: &Leased,
    ) -> Result<Result<(), Failure>, GuestError> {
        self.needs(Role::QueueHandler)?;
        self.run(CallRole::Message, context, queue_handler::Handle { message }).await
    }

    /// Calls the guest with a command of a saga, and answers the result as the guest wrote it: JSON, or nothing, which
    /// means null.
    ///
    /// # Errors
    /// When it carries out no commands, is too busy, too slow, or fails; see [`GuestError`].
    pub async fn handle_command(
        &self,
        context: CallContext,
        command: &Told,
    ) -> Result<Result<Bytes, Failure>, GuestError> {
        self.needs(Role::CommandHandler)?;
        self.run(CallRole::Command, context, command_handler::Handle { command }).await
    }

    /// Shows the guest an event that is not stored yet. A changed event keeps its id, source and topic; apart from that
    /// it is what the guest said, to be [checked](Event::check) like any other.
    ///
    /// # Errors
    /// When it is no event middleware, is too busy, too slow, or fails; see [`GuestError`].
    pub async fn process_event(&self, context: CallContext, event: &Event) -> Result<Verdict, GuestError> {
        self.needs(Role::EventMiddleware)?;
        self.run(CallRole::EventMiddleware, context, event_middleware::Process { event }).await
    }

    /// Calls the fast lane, once the request's body is there.
    async fn call_fast(&self, context: CallContext, request: Request<Body>) -> Result<Response<Body>, GuestError> {
        let (parts, body) = request.into_parts();
        let read = self.uploads.read(&self.gate, body, context.body_max);
        // Whoever was waited for, it was not the guest.
        let held = timeout_at(context.deadline, read).await.map_err(|_| BodyError::TimedOut)??;
        let request = fast::Handle { parts, body: held.body.clone() };
        let (inner, shared) = (&self.inner, &self.shared);
        let answer = |code: Arc<Code>, context, admission| async move {
            match &code.kind {
                Kind::Linked(linked) => fast::call(linked, inner, shared, context, request, admission).await,
                Kind::P3(_) => Err(self.unloadable("a 0.3 component has HTTP roles only".to_owned())),
            }
        };
        self.admit(CallRole::Http, context, answer).await
    }

    /// Makes one call of a role of the 0.2 track.
    async fn run<C: Call>(&self, role: CallRole, context: CallContext, call: C) -> Result<C::Answer, GuestError> {
        let answer = |code: Arc<Code>, context, admission| async move {
            match &code.kind {
                Kind::Linked(linked) => linked.run(&self.inner, &self.shared, context, admission, call).await,
                Kind::P3(_) => Err(self.unloadable("a 0.3 component has HTTP roles only".to_owned())),
            }
        };
        self.admit(role, context, answer).await
    }

    /// Lets a call in, with code mapped, bounds its time, and counts it.
    async fn admit<T, F: Future<Output = Result<T, GuestError>>>(
        &self,
        role: CallRole,
        mut context: CallContext,
        call: impl FnOnce(Arc<Code>, CallContext, Admission) -> F,
    ) -> Result<T, GuestError> {
        let began = tokio::time::Instant::now();
        let counting = Counting::begin(&self.shared.usage, role, began);
        self.last_call_s.store(self.born.elapsed().as_secs(), Relaxed);
        context.deadline = context.deadline.min(began + self.shared.settings.limits.deadline);
        let deadline = context.deadline;
        let begun = Arc::default();
        let answer = async {
            let admission = self.gate.enter(&context, &begun).await?;
            let code = self.code().await?;
            call(code, context, admission).await
        };
        let answer = match timeout_at(deadline, answer).await {
            Ok(answer) => answer,
            // It has not reached the guest, so trying again repeats nothing.
            Err(_) if !begun.load(Relaxed) => Err(self.gate.busy("no place became free in time")),
            Err(_) => {
                let after = began.elapsed();
                Err(GuestError::TimedOut { service: self.shared.service.clone(), after })
            }
        };
        counting.end(&answer);
        answer
    }

    fn needs(&self, role: Role) -> Result<(), GuestError> {
        if self.description.has(role) { Ok(()) } else { Err(self.not_exported(&[role])) }
    }

    fn failed(&self, reason: String) -> GuestError {
        GuestError::Failed { service: self.shared.service.clone(), reason, backtrace: None }
    }

    fn not_exported(&self, needed: &[Role]) -> GuestError {
        GuestError::NotExported { service: self.shared.service.clone(), export: describe::one_of(needed) }
    }
}
