//! Calls of services other than HTTP: events, messages, commands, and events on their way into the log.

use std::sync::Arc;

use bytes::Bytes;
use switchyard_core::{
    breaker::Outcome,
    describe::Role,
    event::{self, Event, Verdict},
    handled::Failure,
    message::Leased,
    saga::Told,
};
use switchyard_runtime::{CallContext, GuestError};

use crate::{
    breaker,
    dispatcher::{Dispatcher, bound_hops, failure},
    error::CallError,
    instance::Instance,
    service::Service,
    trace::Active,
};

// === impl Dispatcher ===

impl Dispatcher {
    /// Gives an event to a service's handler. The outer error means that the handler did not come to answer.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn handle_event(
        &self,
        service: &Arc<Service>,
        mut context: CallContext,
        event: &Event,
        delivery: &event::Delivery,
    ) -> Result<Result<(), Failure>, CallError> {
        let (instance, plugin) = service.local_for("events")?;
        let span = self.tracer.guest(service, instance, |plugin| plugin.description().event_role(), &mut context);
        let call = plugin.handle_event(context.clone(), event, delivery);
        guarded(service, instance, &context, span, call).await
    }

    /// Gives a message to a service's handler; as [`handle_event`](Self::handle_event).
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn handle_message(
        &self,
        service: &Arc<Service>,
        mut context: CallContext,
        message: &Leased,
    ) -> Result<Result<(), Failure>, CallError> {
        let (instance, plugin) = service.local_for("messages")?;
        let span = self.tracer.guest(service, instance, |_| Some(Role::QueueHandler), &mut context);
        let call = plugin.handle_message(context.clone(), message);
        guarded(service, instance, &context, span, call).await
    }

    /// Gives a command of a saga to a service's handler; as [`handle_event`](Self::handle_event). The result is as the
    /// guest wrote it: JSON, or nothing, which means null.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn handle_command(
        &self,
        service: &Arc<Service>,
        mut context: CallContext,
        command: &Told,
    ) -> Result<Result<Bytes, Failure>, CallError> {
        let (instance, plugin) = service.local_for("commands")?;
        let span = self.tracer.guest(service, instance, |_| Some(Role::CommandHandler), &mut context);
        let call = plugin.handle_command(context.clone(), command);
        guarded(service, instance, &context, span, call).await
    }

    /// Shows an event to a service's event middleware. Its breaker has no part in this: what happens without it is for
    /// the operator to say, by `on-error`.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn process_event(
        &self,
        service: &Arc<Service>,
        mut context: CallContext,
        event: &Event,
    ) -> Result<Verdict, CallError> {
        bound_hops(&context)?;
        let show_backtrace = context.show_backtrace;
        let (instance, plugin) = service.local_for("events")?;
        let span = self.tracer.guest(service, instance, |_| Some(Role::EventMiddleware), &mut context);
        let _in_flight = instance.enter();
        let called = plugin.process_event(context, event).await;
        Active::called(span, &called);
        called.map_err(|error| failure(service, error.into(), show_backtrace))
    }
}

/// Makes a call through the breaker, counts it as long as it is under way, and logs a failure. Whatever a handler
/// answers, it did answer.
async fn guarded<T>(
    service: &Service,
    instance: &Arc<Instance>,
    context: &CallContext,
    span: Option<Active>,
    call: impl Future<Output = Result<T, GuestError>>,
) -> Result<T, CallError> {
    let admitted = match bound_hops(context).and_then(|()| instance.breaker.admit(context.deadline)) {
        Ok(admitted) => admitted,
        Err(error) => {
            if let Some(mut span) = span {
                span.failed(&error);
            }
            return Err(error);
        }
    };
    let _in_flight = instance.enter();
    let called = call.await;
    Active::called(span, &called);
    admitted.settle(called.as_ref().map_or_else(breaker::of_error, |_| Outcome::Success));
    called.map_err(|error| failure(service, error.into(), context.show_backtrace))
}
