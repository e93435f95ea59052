//! One attempt of a call, at one instance.

use std::sync::Arc;

use http::{Request, Response, StatusCode};
use switchyard_core::breaker::Outcome;
use switchyard_runtime::{Body, CallContext, GuestError, Plugin};
use tokio::time::Instant;

use crate::{
    breaker::{self, Admitted},
    clock,
    dispatcher::{introduce, told},
    error::CallError,
    instance::{Instance, Target},
    service::Service,
    streamed::Streamed,
    upload::Upload,
    upstream::{Failed, Failure, Upgraded, UpstreamClient},
};

/// How it ended.
pub(super) enum Attempt {
    /// With an answer that is the caller's.
    Answered(Response<Body>),
    /// With an answer that says that somebody else, or another moment, may have a better one.
    Turned(Response<Body>),
    /// Without one, and nothing was sent: this is the request.
    Unsent(CallError, Request<Body>),
    /// Without one, and the instance may have had the request.
    Lost(CallError),
    /// Without one, and another attempt would not be another one.
    Final(CallError),
}

/// Calls the instance, and tells its breaker.
pub(super) async fn attempt(
    service: &Service,
    instance: &Arc<Instance>,
    admitted: Admitted<'_>,
    context: &CallContext,
    mut request: Request<Body>,
    is_timed: bool,
) -> Attempt {
    introduce(service, context, &mut request);
    let began = is_timed.then(Instant::now);
    let (attempt, has_failed) = match instance.target() {
        Target::Plugin(plugin) => {
            // In a box: a guest's call is many times as large as that of an upstream.
            Box::pin(of_plugin(service, instance, plugin, admitted, context.clone(), request)).await
        }
        Target::Upstream(client) => of_upstream(instance, client, admitted, context.deadline, request).await,
    };
    if let Some(began) = began {
        instance.record_latency(clock::now(), began.elapsed(), has_failed);
    }
    attempt
}

async fn of_plugin(
    service: &Service,
    instance: &Arc<Instance>,
    plugin: &Plugin,
    admitted: Admitted<'_>,
    context: CallContext,
    mut request: Request<Body>,
) -> (Attempt, bool) {
    let show_backtrace = context.show_backtrace;
    let upload = Upload::watch_for(plugin, &mut request);
    let in_flight = instance.enter();
    let called = plugin.call(context, request).await;
    let outcome = breaker::of_call(&called, upload.as_ref());
    let receipt = admitted.settle(outcome);
    let attempt = match called {
        Ok(response) => Attempt::Answered(Streamed::wrap(response, in_flight, receipt, upload)),
        Err(error) => {
            let is_shared = matches!(error, GuestError::Shared { .. });
            match told(service, error, upload.as_ref(), show_backtrace) {
                error @ CallError::Failed { .. } if is_shared => Attempt::Lost(error),
                error => Attempt::Final(error),
            }
        }
    };
    (attempt, is_failure(outcome))
}

async fn of_upstream(
    instance: &Arc<Instance>,
    client: &UpstreamClient,
    admitted: Admitted<'_>,
    deadline: Instant,
    mut request: Request<Body>,
) -> (Attempt, bool) {
    let upload = Upload::watch(&mut request);
    let in_flight = instance.enter();
    let sent = client.send(request, upload.as_ref(), deadline).await;
    let outcome = match &sent {
        Ok(_) if upload.as_ref().is_some_and(Upload::has_failed) => Outcome::Uncounted,
        Ok(response) => Outcome::of_status(response.status().as_u16()),
        Err(failed) => failed.why.outcome(),
    };
    let receipt = admitted.settle(outcome);
    let attempt = match sent {
        Ok(mut response) => {
            let status = response.status();
            if let Some(upgraded) = response.extensions_mut().remove::<Upgraded>() {
                response.extensions_mut().insert(upgraded.with(in_flight));
                return (Attempt::Answered(response), false);
            }
            let response = Streamed::wrap(response, in_flight, receipt, upload);
            if is_turned(status) { Attempt::Turned(response) } else { Attempt::Answered(response) }
        }
        Err(failed) => unanswered(instance, *failed),
    };
    (attempt, is_failure(outcome))
}

fn unanswered(instance: &Instance, failed: Failed) -> Attempt {
    let Failed { why, unsent } = failed;
    let is_final = matches!(why, Failure::TimedOut | Failure::Upload(_));
    let error = why.into_error(instance.id());
    tracing::debug!(instance = instance.id(), %error, "an upstream gave no answer");
    match unsent {
        _ if is_final => Attempt::Final(error),
        Some(request) => Attempt::Unsent(error, request),
        None => Attempt::Lost(error),
    }
}

/// Whether a status is said by those who stand in front of who would have answered, or who cannot answer now.
fn is_turned(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

fn is_failure(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Failure | Outcome::TimedOut | Outcome::Throttled)
}
