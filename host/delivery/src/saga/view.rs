//! Sagas as they are shown.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use switchyard_core::{
    name::{Digest, ServiceName},
    saga::{Definition, Saga, SagaId, Status, view::View},
    timestamp::Timestamp,
};

use super::{record, slot::Known};
use crate::{delivery::Delivery, error::Error};

/// A definition that a live service declares.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "DeclaredSaga")]
pub struct DefinitionView {
    /// The service that declares it.
    pub service: Option<ServiceName>,
    /// The SHA-256 of its JSON: sagas that are at work keep the one that they began with.
    pub digest: Digest,
    /// The definition.
    #[serde(flatten)]
    pub definition: Definition,
}

/// A saga in full.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SagaDetail")]
pub struct SagaView<'a> {
    /// What it did and does.
    #[serde(flatten)]
    pub saga: View<'a>,
    /// What joins it to the events that it causes.
    pub correlation_id: &'a str,
    /// The digest of the definition that it began with.
    pub definition: Digest,
}

/// A saga in a list.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SagaSummary<'a> {
    /// Its id.
    pub saga_id: &'a SagaId,
    /// The name of its definition.
    pub saga_name: &'a str,
    /// Where it stands.
    pub status: Status,
    /// The step it is at, from 0; the number of steps when all are done.
    pub current_step: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was completed or had failed.
    pub ended_at: Option<Timestamp>,
    /// What turned it back or stopped it.
    pub error: Option<&'a str>,
}

/// How many sagas stand where.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
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
    let view = SagaView {
        saga: known.saga.view(),
        correlation_id: known.story.correlationid.as_str(),
        definition: known.saga.definition().digest(),
    };
    serde_json::to_value(view).unwrap_or_default()
}

/// A saga in a list.
pub(super) fn summary(saga: &Saga) -> Value {
    let view = saga.view();
    let summary = SagaSummary {
        saga_id: view.saga_id,
        saga_name: view.saga_name,
        status: view.status,
        current_step: view.current_step,
        started_at: view.started_at,
        ended_at: view.ended_at,
        error: view.error,
    };
    serde_json::to_value(summary).unwrap_or_default()
}
