//! Calls of services other than HTTP: events, messages, and events on their way into the log.

use std::sync::Arc;

use switchyard_core::{
    event::{self, Event, Verdict},
    handled::Failure,
    message::Leased,
};
use switchyard_runtime::{CallContext, GuestError, context::HOPS_MAX};

use crate::{
    dispatcher::{Dispatcher, failure},
    error::CallError,
    service::Service,
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
        context: CallContext,
        event: &Event,
        delivery: &event::Delivery,
    ) -> Result<Result<(), Failure>, CallError> {
        let call = service.instance.plugin().handle_event(context.clone(), event, delivery);
        within(service, &context, call).await
    }

    /// Gives a message to a service's handler; as [`handle_event`](Self::handle_event).
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn handle_message(
        &self,
        service: &Arc<Service>,
        context: CallContext,
        message: &Leased,
    ) -> Result<Result<(), Failure>, CallError> {
        let call = service.instance.plugin().handle_message(context.clone(), message);
        within(service, &context, call).await
    }

    /// Shows an event to a service's event middleware.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn process_event(
        &self,
        service: &Arc<Service>,
        context: CallContext,
        event: &Event,
    ) -> Result<Verdict, CallError> {
        let call = service.instance.plugin().process_event(context.clone(), event);
        within(service, &context, call).await
    }
}

/// Bounds hops, counts the call as long as it is under way, and logs a failure.
async fn within<T>(
    service: &Arc<Service>,
    context: &CallContext,
    call: impl Future<Output = Result<T, GuestError>>,
) -> Result<T, CallError> {
    if context.hops() > HOPS_MAX {
        return Err(CallError::TooManyHops);
    }
    let _in_flight = service.instance.enter();
    call.await.map_err(|error| failure(service, error.into(), context.show_backtrace))
}
