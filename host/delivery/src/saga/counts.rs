//! What happened to the sagas that this host owned, by definition.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use super::turn::Turned;
use crate::delivery::Delivery;

/// Definitions that are counted apart; what happens to sagas of further ones is counted under no name.
const COUNTED_MAX: usize = 1_000;

/// The counters: for each definition, what happened, as the topics of sagas call it, and how often.
#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<BTreeMap<String, BTreeMap<&'static str, u64>>>);

/// What happened to sagas of one definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SagaCount {
    /// The definition's name; empty for all those beyond the first thousand.
    pub name: String,
    /// The topic that tells of it: `saga.started`, `saga.step.completed`, `saga.failed`.
    pub topic: &'static str,
    /// How often it happened since the host started.
    pub count: u64,
}

// === impl Counts ===

impl Counts {
    /// Counts what happened in a turn that is durable.
    pub(super) fn add(&self, turned: &Turned) {
        if turned.topics.is_empty() {
            return;
        }
        let name = turned.definition();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = if all.len() < COUNTED_MAX || all.contains_key(name) { name } else { "" };
        let of_name = match all.get_mut(name) {
            Some(there) => there,
            None => all.entry(name.to_owned()).or_default(),
        };
        for topic in &turned.topics {
            *of_name.entry(topic).or_default() += 1;
        }
    }
}

// === impl Delivery ===

impl Delivery {
    /// What happened to sagas that this host owned, by definition.
    #[must_use]
    pub fn saga_counts(&self) -> Vec<SagaCount> {
        let all = self.sagas.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = all.iter().flat_map(|(name, topics)| {
            topics.iter().map(|(topic, count)| SagaCount { name: name.clone(), topic, count: *count })
        });
        counts.collect()
    }
}
