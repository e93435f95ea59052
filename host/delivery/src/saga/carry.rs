//! From an intent to an answer: a command on its way to its participant.
//!
//! What is known of an answer decides what the saga may do. Nothing was done if nobody took the command, or somebody
//! answered so. It was done if somebody said so. Of everything else (a trap, a time-out, a reply that got lost) nobody
//! knows, and the saga has to reckon with both.

mod component;
mod event;
mod http;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::{Map, Value};
use switchyard_core::{
    event::Cause,
    handled::Failure,
    name::ServiceName,
    saga::{CommandId, Definition, Destination, Outcome, SagaId},
    timestamp::Timestamp,
};
use switchyard_dispatch::{CallContext, CallError, Service};
use tokio::time::Instant;

pub(super) use event::attempt;

use super::slot::Slot;
use crate::{
    clock,
    delivery::Delivery,
    middleware::context,
    places::Place,
    random,
    subscription::{DEFER, UNAVAILABLE_PAUSE},
    traces,
};

/// So long before its deadline a command is not sent any more that nobody took: 100 ms, or a tenth of its time.
const MARGIN: Duration = Duration::from_millis(100);

/// How long a command rests that waited for half of its time: 1 s to 2 s.
const CROWDED_PAUSE: Duration = Duration::from_secs(1);

/// A command that is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// The saga.
    pub saga_id: SagaId,
    /// The name of its definition.
    pub saga_name: String,
    /// Which attempt this is.
    pub command: CommandId,
    /// The attempt as participants count it.
    pub attempt: u32,
    /// The command's name.
    pub name: String,
    /// The idempotency key.
    pub key: String,
    /// What it carries.
    pub payload: Map<String, Value>,
    /// How it goes.
    pub to: To,
    /// When its outcome counts as lost.
    pub deadline: Timestamp,
    /// Shared by all that the saga's start led to.
    pub correlationid: String,
    /// The trace in which the saga was started.
    pub traceparent: Option<String>,
}

/// How a command goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// To a component: of this service, else of the one that takes the command.
    Component(Option<ServiceName>),
    /// As an event on this topic; the answer is one as well.
    Event(String),
    /// As a POST to a path of a service.
    Http(ServiceName, String),
}

/// What definitions are tried out with.
pub struct Trial {
    /// Sees every command on its way.
    pub carrier: Arc<dyn Carrier>,
    /// Definitions besides those of live services, and in the place of those of the same name.
    pub definitions: Vec<Definition>,
}

/// Something that stands between sagas and their participants: to try a definition out under faults.
#[async_trait]
pub trait Carrier: Send + Sync + 'static {
    /// Has a command carried out, by [`Delivery::carry_out`] or in its place. None means that the answer comes as an
    /// event.
    async fn carry(&self, delivery: &Arc<Delivery>, sent: Sent) -> Option<Outcome>;
}

// === impl Delivery ===

impl Delivery {
    /// Carries a command of a saga. None when there is nothing to record now.
    pub(super) async fn carry(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        command: CommandId,
        deadline: Timestamp,
    ) -> Option<Outcome> {
        let sent = self.look_up(slot, command, deadline).await?;
        tracing::debug!(saga = %sent.saga_id, command = sent.name, key = sent.key, attempt = sent.attempt, "sending");
        let mut span = self.carrying(&sent);
        let sent = match &mut span {
            Some(span) => Sent { traceparent: Some(span.traceparent().as_ref().to_owned()), ..sent },
            None => sent,
        };
        let outcome = match &self.sagas.trial {
            Some(trial) => trial.carrier.carry(self, sent).await,
            None => self.carry_out(sent).await,
        };
        traces::carried(span, outcome.as_ref());
        outcome
    }

    /// Hands a command to its participant, and answers how that ended. None means that the answer comes as an event.
    pub async fn carry_out(self: &Arc<Self>, sent: Sent) -> Option<Outcome> {
        match sent.to.clone() {
            To::Component(service) => Some(self.carry_to_component(sent, service).await),
            To::Event(topic) => self.carry_as_event(sent, topic).await,
            To::Http(service, path) => Some(self.carry_by_http(sent, service, path).await),
        }
    }

    /// The command of an attempt, if it is still under way.
    async fn look_up(&self, slot: &Slot, command: CommandId, deadline: Timestamp) -> Option<Sent> {
        let mut held = slot.held.lock().await;
        if held.known.is_none() {
            held.known = self.read_saga(&slot.id).await.ok();
        }
        // If it cannot be read, the attempt is lost at its deadline.
        let known = held.known.as_ref()?;
        let saga = &known.saga;
        let found = saga.command(&command)?;
        let to = match found.to {
            Destination::Component { service } => To::Component(service.cloned()),
            Destination::Event { topic } => To::Event(topic.to_owned()),
            Destination::Http { service, path } => To::Http(service.clone(), path.to_owned()),
        };
        Some(Sent {
            saga_id: slot.id.clone(),
            saga_name: saga.definition().name().to_owned(),
            command,
            attempt: found.attempt,
            name: found.name.to_owned(),
            key: found.key,
            payload: found.payload,
            to,
            deadline,
            correlationid: known.story.correlationid.clone(),
            traceparent: known.story.traceparent.clone(),
        })
    }

    /// Sends a command by `call` to whom `find` finds, as soon as one is there, has a place, and takes it.
    async fn send<T, F>(
        &self,
        sent: &Sent,
        find: impl Fn() -> Option<Arc<Service>>,
        call: impl Fn(Arc<Service>) -> F,
    ) -> Result<T, Outcome>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let window = Window::of(sent);
        loop {
            let (service, place) = self.somebody(sent, &window, &find).await?;
            let answer = call(service).await;
            drop(place);
            let error = match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Some(pause) = refused(&error) else { return Err(unanswered(&error)) };
            // Many wait for the same thing.
            let pause = pause.mul_f64(1.0 + random::fraction() / 4.0);
            if Instant::now() + pause > window.latest {
                return Err(Outcome::Unsent(pause.max(CROWDED_PAUSE)));
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => return Err(Outcome::Unsent(CROWDED_PAUSE)),
            }
        }
    }

    /// Waits until there is somebody to take a command, and a place for it.
    async fn somebody(
        &self,
        sent: &Sent,
        window: &Window,
        find: impl Fn() -> Option<Arc<Service>>,
    ) -> Result<(Arc<Service>, Place), Outcome> {
        let crowded = || Outcome::Unsent(CROWDED_PAUSE.mul_f64(1.0 + random::fraction()));
        let mut changes = self.dispatcher.changes();
        let service = loop {
            changes.mark_unchanged();
            if let Some(service) = find() {
                break service;
            }
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return Err(nobody(sent)) },
                () = tokio::time::sleep_until(window.last) => return Err(nobody(sent)),
                // Whoever owns the saga next knows that it was not sent.
                () = self.stop.cancelled() => return Err(crowded()),
            }
        };
        if Instant::now() > window.latest {
            return Err(crowded());
        }
        let share = service.name().as_str().into();
        if let Some(place) = self.places.take(&share) {
            return Ok((service, place));
        }
        let mut ask = self.places.ask(&share, 0);
        tokio::select! {
            place = ask.granted() => match place {
                Some(place) => Ok((find().unwrap_or(service), place)),
                None => Err(crowded()),
            },
            () = tokio::time::sleep_until(window.latest) => Err(crowded()),
            () = self.stop.cancelled() => Err(crowded()),
        }
    }
}

/// When a command may be sent.
struct Window {
    /// Whatever is sent has half of its time left: what is sent later would be taken for lost.
    latest: Instant,
    /// When nobody is waited for any more.
    last: Instant,
}

// === impl Window ===

impl Window {
    fn of(sent: &Sent) -> Self {
        let (now, left) = (Instant::now(), sent.deadline.since(clock::now()));
        Self { latest: now + left / 2, last: now + left.saturating_sub(MARGIN.min(left / 10)) }
    }
}

// === impl Sent ===

impl Sent {
    /// The circumstances of the call.
    fn context(&self) -> CallContext {
        let deadline = Instant::now() + self.deadline.since(clock::now());
        let cause = Cause { id: event::id(self), correlationid: self.correlationid.clone() };
        CallContext { cause: Some(Arc::new(cause)), ..context(deadline, self.traceparent.as_deref()) }
    }
}

/// Nobody took it in time. Nothing was done; it counts as an attempt, since it may be nobody's for ever.
fn nobody(sent: &Sent) -> Outcome {
    let text = match &sent.to {
        To::Component(None) | To::Event(_) => format!("no service takes the command '{}'", sent.name),
        To::Component(Some(service)) | To::Http(service, _) => format!("there is no service '{service}'"),
    };
    Outcome::Failed(Failure::Retry(text))
}

/// When one is asked again that did not take a command; none if it may have.
fn refused(error: &CallError) -> Option<Duration> {
    match error {
        CallError::BreakerOpen { retry_after, .. } | CallError::NoHealthyInstance { retry_after, .. } => {
            Some(*retry_after)
        }
        CallError::Unavailable { .. } | CallError::Unreachable { .. } | CallError::Busy { .. } => {
            Some(UNAVAILABLE_PAUSE)
        }
        CallError::TooManyHops | CallError::TimedOut { .. } | CallError::Failed { .. } | CallError::Body(_) => None,
    }
}

/// What it means that a participant took a command and did not come to answer.
fn unanswered(error: &CallError) -> Outcome {
    Outcome::Lost(error.to_string())
}

/// A failure that a participant answered, with the pause that it may have.
fn failed(failure: Failure) -> Outcome {
    Outcome::Failed(match failure {
        Failure::Defer(pause) => Failure::Defer(pause.clamp(*DEFER.start(), *DEFER.end())),
        failure => failure,
    })
}

/// The result in an answer: JSON, or nothing.
fn result(bytes: &[u8]) -> Result<Value, String> {
    match bytes.trim_ascii() {
        b"" => Ok(Value::Null),
        json => serde_json::from_slice(json).map_err(|error| error.to_string()),
    }
}
