//! A call of a service that more than a plugin may answer: one instance after another, within what may be repeated.

use std::sync::Arc;

use http::{Request, Response};
use switchyard_runtime::{Body, CallContext};
use tokio::time::{Instant, sleep};

use super::{
    CallOptions,
    attempt::{Attempt, Call, attempt},
    choose::Chooser,
    held::Held,
};
use crate::{breaker::fraction, error::CallError, service::Service, trace::Tracer};

/// Calls.
pub(crate) async fn call(
    tracer: &Tracer,
    service: &Arc<Service>,
    context: CallContext,
    mut request: Request<Body>,
    options: CallOptions<'_>,
) -> Result<Response<Body>, CallError> {
    let settings = service.calls.settings();
    let policy = options.retry.unwrap_or(&settings.retry);
    let mut chooser = Chooser::new(service, &settings, &request, options);
    let held = Held::of(&mut request, policy, context.deadline).await?;
    let is_timed = chooser.has_choice();
    let (mut number, mut last) = (1, None);
    service.calls.begin();
    loop {
        let (instance, admitted) = match chooser.next(context.deadline) {
            Ok(chosen) => chosen,
            // What became of the attempt before says more.
            Err(error) => return last.unwrap_or(Err(error)),
        };
        let call = Call { tracer, service, context: &context, number, is_timed };
        let (again, result) = match attempt(call, instance, admitted, request).await {
            Attempt::Answered(response) => return Ok(response),
            Attempt::Final(error) => return Err(error),
            Attempt::Unsent(error, request) => (Some(request), Err(error)),
            Attempt::Lost(error) => (held.as_ref().map(Held::request), Err(error)),
            Attempt::Turned(response) => (held.as_ref().map(Held::request), Ok(response)),
        };
        let Some(again) = again else { return result };
        let pause = policy.pause(number, fraction());
        let is_late = Instant::now() + pause >= context.deadline;
        if !policy.allows_another(number) || is_late || !service.calls.may_repeat(&settings) {
            return result;
        }
        tracing::debug!(service = %service.name(), instance = instance.id(), number, ?pause, "a call is repeated");
        last = Some(result);
        sleep(pause).await;
        (request, number) = (again, number + 1);
    }
}
