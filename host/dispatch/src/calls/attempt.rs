//! One attempt of a call, at one instance.

use std::{sync::Arc, time::Duration};

use http::{Method, Request, Response, StatusCode};
use switchyard_core::{breaker::Outcome, upstream::Scheme};
use switchyard_runtime::{Body, CallContext, GuestError, Plugin};
use tokio::time::Instant;

use crate::{
    breaker::{self, Admitted},
    clock,
    dispatcher::{introduce, told},
    error::CallError,
    instance::{Instance, Target},
    meter,
    service::Service,
    streamed::Streamed,
    trace::{Active, Tracer},
    upload::Upload,
    upstream::{Failed, Failure, Upgraded, UpstreamClient},
};

/// What all attempts of a call have in common, and which of them this is.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) tracer: &'a Tracer,
    pub(super) service: &'a Service,
    pub(super) context: &'a CallContext,
    /// From 1.
    pub(super) number: u32,
    /// Whether it matters how quick the instance is.
    pub(super) is_timed: bool,
}

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
    call: Call<'_>,
    instance: &Arc<Instance>,
    admitted: Admitted<'_>,
    request: Request<Body>,
) -> Attempt {
    let began = call.is_timed.then(Instant::now);
    let (attempt, has_failed) = match instance.target() {
        Target::Plugin(plugin) => {
            // In a box: a guest's call is many times as large as that of an upstream.
            Box::pin(of_plugin(call, instance, plugin, admitted, request)).await
        }
        Target::Upstream(client) => of_upstream(call, instance, client, admitted, request).await,
    };
    if let Some(began) = began {
        instance.record_latency(clock::now(), began.elapsed(), has_failed);
    }
    attempt
}

async fn of_plugin(
    call: Call<'_>,
    instance: &Arc<Instance>,
    plugin: &Plugin,
    admitted: Admitted<'_>,
    mut request: Request<Body>,
) -> (Attempt, bool) {
    let (service, mut context) = (call.service, call.context.clone());
    let mut span = call.tracer.guest_request(service, instance, &mut context, &request);
    introduce(service, &context, &mut request);
    let show_backtrace = context.show_backtrace;
    let upload = Upload::watch_for(plugin, &mut request);
    let in_flight = instance.enter();
    let called = plugin.call(context, request).await;
    Active::guest_called(span.as_mut(), &called);
    let outcome = breaker::of_call(&called, upload.as_ref());
    let receipt = admitted.settle(outcome);
    let attempt = match called {
        Ok(response) => Attempt::Answered(Streamed::wrap(response, in_flight, receipt, upload, span)),
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
    call: Call<'_>,
    instance: &Arc<Instance>,
    client: &UpstreamClient,
    admitted: Admitted<'_>,
    mut request: Request<Body>,
) -> (Attempt, bool) {
    introduce(call.service, call.context, &mut request);
    let mut span = call.tracer.upstream(call.service, instance, call.context, &mut request, call.number);
    let upload = Upload::watch(&mut request);
    let in_flight = instance.enter();
    let (method, began) = (request.method().clone(), Instant::now());
    let sent = client.send(request, upload.as_ref(), call.context.deadline).await;
    count(instance, client, &method, &sent, began.elapsed());
    let outcome = match &sent {
        Ok(_) if upload.as_ref().is_some_and(Upload::has_failed) => Outcome::Uncounted,
        Ok(response) => Outcome::of_status(response.status().as_u16()),
        Err(failed) => failed.why.outcome(),
    };
    let receipt = admitted.settle(outcome);
    let attempt = match sent {
        Ok(mut response) => {
            let status = response.status();
            if let Some(span) = &mut span {
                span.answered(&response);
            }
            if let Some(upgraded) = response.extensions_mut().remove::<Upgraded>() {
                response.extensions_mut().insert(upgraded.with(in_flight));
                if let Some(span) = span {
                    span.end();
                }
                return (Attempt::Answered(response), false);
            }
            let response = Streamed::wrap(response, in_flight, receipt, upload, span);
            if is_turned(status) { Attempt::Turned(response) } else { Attempt::Answered(response) }
        }
        Err(failed) => unanswered(instance, *failed, span),
    };
    (attempt, is_failure(outcome))
}

fn unanswered(instance: &Instance, failed: Failed, span: Option<Active>) -> Attempt {
    let Failed { why, unsent } = failed;
    let is_final = matches!(why, Failure::TimedOut | Failure::Upload(_));
    let error = why.into_error(instance.id());
    tracing::debug!(instance = instance.id(), %error, "an upstream gave no answer");
    if let Some(mut span) = span {
        span.failed(&error);
    }
    match unsent {
        _ if is_final => Attempt::Final(error),
        Some(request) => Attempt::Unsent(error, request),
        None => Attempt::Lost(error),
    }
}

/// Counts a request to an upstream, to the head of its answer.
fn count(
    instance: &Instance,
    client: &UpstreamClient,
    method: &Method,
    sent: &Result<Response<Body>, Box<Failed>>,
    took: Duration,
) {
    let scheme = match client.upstream().origin.scheme {
        Scheme::Http | Scheme::H2c => "http",
        Scheme::Https => "https",
    };
    let kind = match sent {
        Ok(response) => meter::Kind::answered(method, scheme, response.status()),
        Err(failed) => meter::Kind::failed(method, scheme, failed.why.name()),
    };
    instance.meter.record(kind, took);
}

/// Whether a status is said by those who stand in front of who would have answered, or who cannot answer now.
fn is_turned(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

fn is_failure(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Failure | Outcome::TimedOut | Outcome::Throttled)
}
