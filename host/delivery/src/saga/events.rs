//! Events that are for sagas: starts, and answers of participants that commands reach as events.
//!
//! They come by subscriptions of the host's own, which have cursors, attempts and dead letters like all others. Each is
//! there only while a live service declares a definition that needs it, or a saga at work keeps one.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use serde::Deserialize;
use serde_json::Value;
use switchyard_core::{
    event::Event,
    handled::Failure,
    manifest::{Manifest, Start, SubscriptionSpec},
    saga::{CommandId, Direction, Outcome, SagaId, StartDraft},
};

use super::{carry, directory::has_event_steps, operate::known_id};
use crate::{
    announce,
    delivery::{Delivery, STORE_RETRY},
    error::Error,
    publish::Publisher,
    subscription::Outcome as Delivered,
};

/// The topic whose events start sagas.
pub(crate) const STARTS: &str = "saga.start";

/// The topics on which participants answer.
pub(crate) const ANSWERS: &str = "saga.step.*";

/// The answer of a participant that failed; every other one has done it.
const STEP_FAILED: &str = "saga.step.failed";

/// The data of an event that starts a saga.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartData {
    saga_name: String,
    saga_id: Option<String>,
    #[serde(default)]
    data: Value,
}

/// The data of an answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerData {
    saga_id: String,
    step_index: Option<u32>,
    original_step_index: Option<u32>,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    error: Value,
    #[serde(default)]
    retry: bool,
}

// === impl Delivery ===

impl Delivery {
    /// The subscriptions that sagas need now.
    pub(crate) fn wanted_for_sagas(&self) -> Vec<SubscriptionSpec> {
        let directory = self.sagas.directories.current(&self.dispatcher);
        let has_by_event = self.sagas.by_event.load(Relaxed) > 0;
        needed(!directory.definitions.is_empty(), directory.has_event_steps || has_by_event)
    }

    /// Takes in an event that came by one of them.
    pub(crate) async fn take_saga_event(&self, event: &Event) -> Delivered {
        let taken = match event.topic.as_str() {
            STARTS => self.start_by(event).await,
            _ if event.source == announce::SOURCE => Ok(()),
            _ => self.answer_by(event).await,
        };
        match taken {
            Ok(()) => Delivered::Done,
            Err(Error::Busy(_) | Error::Unavailable(_)) => Delivered::Later(STORE_RETRY),
            // The service that declares it may be on its way.
            Err(Error::NotFound(reason)) => Delivered::Retry { reason, after: None },
            Err(error) => Delivered::Reject(error.to_string()),
        }
    }

    async fn start_by(&self, event: &Event) -> Result<(), Error> {
        let said: StartData = read(event)?;
        let fallback = || event.id.parse::<SagaId>().ok().map(|id| id.to_string());
        let draft = StartDraft {
            name: said.saga_name,
            id: Some(said.saga_id.or_else(fallback).ok_or_else(|| {
                Error::Invalid("the event names no sagaId, and its own id is not one; give it a sagaId".to_owned())
            })?),
            data: if said.data.is_null() { bytes::Bytes::new() } else { said.data.to_string().into() },
        };
        self.start_saga(Publisher::started_by(event), draft).await.map(drop)
    }

    async fn answer_by(&self, event: &Event) -> Result<(), Error> {
        let said: AnswerData = read(event)?;
        let id = known_id(&said.saga_id)?;
        let Some(me) = self.me() else { return Err(Error::Unavailable("the host is stopping".to_owned())) };
        let Some(command) = me.command_of(&id, &said, event).await? else {
            tracing::debug!(saga = %id, event = event.id, "an answer to nothing that was asked");
            return Ok(());
        };
        let outcome = match event.topic.as_str() {
            STEP_FAILED => {
                let error = said.error.as_str().map_or_else(|| said.error.to_string(), str::to_owned);
                Outcome::Failed(if said.retry { Failure::Retry(error) } else { Failure::Reject(error) })
            }
            _ => Outcome::Done(said.result),
        };
        self.to_the_end(move |me: Arc<Self>| async move {
            me.answered(&id, command, outcome).await;
            Ok(())
        })
        .await
    }

    /// The attempt that an answer is about: the one that caused it, else the one of its step that is open.
    async fn command_of(
        self: &Arc<Self>,
        id: &SagaId,
        said: &AnswerData,
        event: &Event,
    ) -> Result<Option<CommandId>, Error> {
        let named = said.step_index.map(|step| (step, Direction::Forward));
        let named = named.or_else(|| said.original_step_index.map(|step| (step, Direction::Compensation)));
        let caused = event.causationid.as_deref().and_then(|cause| carry::attempt(id, cause));
        if let Some(command) = caused
            && named.is_none_or(|(step, direction)| (step, direction) == (command.step, command.direction))
        {
            return Ok(Some(command));
        }
        let Some((step, direction)) = named else {
            return Err(Error::Invalid("an answer has to name a stepIndex or an originalStepIndex".to_owned()));
        };
        let known = self.read_saga(id).await?;
        Ok(known.saga.open_command(step).filter(|command| command.direction == direction))
    }
}

/// The subscriptions that the sagas of a manifest need.
pub(crate) fn needed_by(manifest: &Manifest) -> Vec<SubscriptionSpec> {
    needed(!manifest.sagas.is_empty(), manifest.sagas.iter().any(has_event_steps))
}

fn needed(starts: bool, answers: bool) -> Vec<SubscriptionSpec> {
    let wanted = [(STARTS, starts), (ANSWERS, answers)];
    wanted.into_iter().filter(|(_, is_wanted)| *is_wanted).map(|(topic, _)| spec(topic)).collect()
}

/// What was asked for before anybody could take it is not lost.
fn spec(topic: &str) -> SubscriptionSpec {
    SubscriptionSpec { start: Start::First, ..SubscriptionSpec::of_topic(topic) }
}

fn read<T: serde::de::DeserializeOwned>(event: &Event) -> Result<T, Error> {
    serde_json::from_slice(event.data.as_deref().unwrap_or_default())
        .map_err(|error| Error::Invalid(format!("the data of the event '{}' does not fit: {error}", event.topic)))
}
