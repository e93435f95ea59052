//! Sagas as they are shown.

use serde::Serialize;
use serde_json::{Value, json};
use switchyard_core::{
    name::{Digest, ServiceName},
    saga::{Definition, Saga, Status},
};

use super::{record, slot::Known};
use crate::{delivery::Delivery, error::Error};

/// A definition that a live service declares.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DefinitionView {
    /// The service that declares it.
    pub service: Option<ServiceName>,
    /// The SHA-256 of its JSON: sagas that are at work keep the one that they began with.
    pub digest: Digest,
    /// The definition.
    #[serde(flatten)]
    pub definition: Definition,
}

/// How many sagas stand where.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SagaStats {
    /// Sagas at work, on whatever host.
    pub open: u64,
    /// Of them, those that this host owns.
    pub owned: usize,
    /// Of them, those that have a step under way.
    pub running: usize,
    /// Of them, those that wait for an event, a signal or a timer.
    pub waiting: usize,
    /// Of them, those that are being undone.
    pub compensating: usize,
    /// Sagas that wait for an operator.
    pub stuck: u64,
    /// Sagas that are done, of those that are kept.
    pub completed: u64,
    /// Sagas that are undone, of those that are kept.
    pub failed: u64,
    /// Commands on their way to a participant, also those that wait for a place.
    pub commands_in_flight: usize,
}

// === impl Delivery ===

impl Delivery {
    /// The definitions that live services declare, by name.
    #[must_use]
    pub fn definitions(&self) -> Vec<DefinitionView> {
        let directory = self.sagas.directories.current(&self.dispatcher);
        let declared = directory.definitions.values().map(|declared| DefinitionView {
            service: declared.service.clone(),
            digest: declared.definition.digest(),
            definition: declared.definition.as_ref().clone(),
        });
        declared.collect()
    }

    /// How many sagas stand where.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn saga_stats(&self) -> Result<SagaStats, Error> {
        let mut stats = SagaStats {
            open: self.listed(record::OPEN).await?,
            stuck: self.listed(record::STUCK).await?,
            completed: self.listed(record::COMPLETED).await?,
            failed: self.listed(record::FAILED).await?,
            commands_in_flight: self.sagas.sending.load(std::sync::atomic::Ordering::Relaxed),
            ..SagaStats::default()
        };
        let slots = self.sagas.slots();
        let count = |status| slots.values().filter(|slot| slot.is(status)).count();
        stats.owned = slots.len();
        stats.running = count(Status::Running);
        stats.waiting = count(Status::Waiting);
        stats.compensating = count(Status::Compensating);
        Ok(stats)
    }

    async fn listed(&self, bucket: &str) -> Result<u64, Error> {
        Ok(self.store.kv_usage(bucket).await?.map_or(0, |usage| usage.entries))
    }
}

/// A saga in full.
pub(super) fn shown(saga: &Saga) -> Value {
    // Texts, numbers and JSON always serialise.
    serde_json::to_value(saga.view()).unwrap_or_default()
}

/// A saga in full, as the store has it.
pub(super) fn shown_with_story(known: &Known) -> Value {
    let mut shown = shown(&known.saga);
    if let Some(members) = shown.as_object_mut() {
        members.insert("correlationId".to_owned(), known.story.correlationid.as_str().into());
        members.insert("definition".to_owned(), known.saga.definition().digest().to_string().into());
    }
    shown
}

/// A saga in a list.
pub(super) fn summary(saga: &Saga) -> Value {
    let view = saga.view();
    json!({
        "sagaId": view.saga_id,
        "sagaName": view.saga_name,
        "status": view.status,
        "currentStep": view.current_step,
        "startedAt": view.started_at,
        "endedAt": view.ended_at,
        "error": view.error,
    })
}
