//! The spans of what is sent and taken up later, by OpenTelemetry's conventions for messaging; and those of sagas.
//!
//! Whatever is sent carries the traceparent of its own span along, so that whoever takes it up, however much later, is
//! below it in the same trace.

use switchyard_core::{
    handled::Failure,
    saga::{self, SagaId},
    trace::Kind,
};
use switchyard_dispatch::Active;

use crate::{
    delivery::Delivery,
    error::Error,
    saga::{Sent, To},
    subscription::Outcome,
};

/// How this host is called among systems that carry messages.
const SYSTEM: &str = "switchyard";

/// The spans of what is about to be committed together. One that is dropped before they [ended](Self::end) was not.
#[derive(Default)]
pub(crate) struct Sending(Vec<Active>);

// === impl Sending ===

impl Sending {
    /// Adds those of something else in the same commit.
    pub(crate) fn extend(&mut self, spans: impl IntoIterator<Item = Active>) {
        self.0.extend(spans);
    }

    /// It is committed.
    pub(crate) fn end(self) {
        self.0.into_iter().for_each(Active::end);
    }

    /// It is not.
    pub(crate) fn fail(self, error: &Error) {
        for mut span in self.0 {
            span.fail("rejected", error.to_string());
        }
    }
}

// === impl Delivery ===

impl Delivery {
    /// The span of something that is sent to a topic or queue. A trace may begin with it when `may_begin`.
    pub(crate) fn sending(
        &self,
        traceparent: Option<&str>,
        may_begin: bool,
        destination: &str,
        id: &str,
    ) -> Option<Active> {
        let (tracer, name) = (self.dispatcher.tracer(), || format!("send {destination}").into());
        let mut span = match may_begin {
            true => tracer.begin_or_root(traceparent, Kind::Producer, name),
            false => tracer.begin(traceparent, Kind::Producer, name),
        }?;
        message(&mut span, "send", destination, id);
        Some(span)
    }

    /// The span of something that is taken up: an event for a subscription, a message for a consumer.
    pub(crate) fn processing(
        &self,
        traceparent: Option<&str>,
        destination: &str,
        id: &str,
        group: &str,
        attempt: u32,
    ) -> Option<Active> {
        let name = || format!("process {destination}").into();
        let mut span = self.dispatcher.tracer().begin(traceparent, Kind::Consumer, name)?;
        message(&mut span, "process", destination, id);
        span.set("messaging.consumer.group.name", group.to_owned());
        span.set("switchyard.attempt", attempt);
        Some(span)
    }

    /// The span of the start of a saga, which all that it does is below.
    pub(crate) fn starting(
        &self,
        traceparent: Option<&str>,
        may_begin: bool,
        definition: &str,
        id: &SagaId,
    ) -> Option<Active> {
        let (tracer, name) = (self.dispatcher.tracer(), || format!("saga start {definition}").into());
        let mut span = match may_begin {
            true => tracer.begin_or_root(traceparent, Kind::Internal, name),
            false => tracer.begin(traceparent, Kind::Internal, name),
        }?;
        span.set("switchyard.saga.name", definition.to_owned());
        span.set("switchyard.saga.id", id.to_string());
        Some(span)
    }

    /// The span of an attempt of a saga's command.
    pub(crate) fn carrying(&self, sent: &Sent) -> Option<Active> {
        let kind = match sent.to {
            To::Component(_) | To::Http(..) => Kind::Internal,
            To::Event(_) => Kind::Producer,
        };
        let name = || format!("saga {}/{}", sent.saga_name, sent.name).into();
        let mut span = self.dispatcher.tracer().begin(sent.traceparent.as_deref(), kind, name)?;
        span.set("switchyard.saga.name", sent.saga_name.clone());
        span.set("switchyard.saga.id", sent.saga_id.to_string());
        span.set("switchyard.saga.step", sent.command.step);
        span.set("switchyard.saga.command", sent.name.clone());
        span.set("switchyard.saga.direction", sent.command.direction.as_str());
        span.set("switchyard.saga.round", sent.command.round);
        span.set("switchyard.attempt", sent.attempt);
        Some(span)
    }
}

fn message(span: &mut Active, operation: &'static str, destination: &str, id: &str) {
    span.set("messaging.system", SYSTEM);
    span.set("messaging.operation.name", operation);
    span.set("messaging.operation.type", operation);
    span.set("messaging.destination.name", destination.to_owned());
    span.set("messaging.message.id", id.to_owned());
}

/// Ends the span of a delivery. That it is to take place later is no failure.
pub(crate) fn delivered(span: Option<Active>, outcome: &Outcome) {
    let Some(mut span) = span else { return };
    match outcome {
        Outcome::Done | Outcome::Gone => {}
        Outcome::Later(_) => span.set("switchyard.outcome", "later"),
        Outcome::Retry { reason, .. } => span.fail("retry", reason.clone()),
        Outcome::Reject(reason) => span.fail("reject", reason.clone()),
        Outcome::Unsubscribed(reason) => span.fail("unsubscribed", reason.clone()),
        Outcome::Unreadable(reason) => span.fail("unreadable", reason.clone()),
    }
    span.end();
}

/// Ends the span of a command; none means that its answer comes as an event.
pub(crate) fn carried(span: Option<Active>, outcome: Option<&saga::Outcome>) {
    let Some(mut span) = span else { return };
    match outcome {
        None | Some(saga::Outcome::Done(_)) => {}
        Some(saga::Outcome::Failed(Failure::Defer(_)) | saga::Outcome::Unsent(_)) => {
            span.set("switchyard.outcome", "later");
        }
        Some(saga::Outcome::Failed(Failure::Retry(reason))) => span.fail("retry", reason.clone()),
        Some(saga::Outcome::Failed(Failure::Reject(reason))) => span.fail("reject", reason.clone()),
        Some(saga::Outcome::Lost(reason)) => span.fail("lost", reason.clone()),
    }
    span.end();
}
