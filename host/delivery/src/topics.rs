//! What is counted for each topic, and topics as they are shown.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use switchyard_core::units::HumanDuration;

use crate::{
    config::TopicDurability,
    delivery::Delivery,
    error::Error,
    stats::Counters,
    view::{Handled, TopicView},
};

/// Topics that are counted apart; what is delivered of further ones is counted with their subscriptions only.
const COUNTED_MAX: usize = 10_000;

/// Counters by topic.
#[derive(Default)]
pub(crate) struct TopicStats(RwLock<HashMap<Arc<str>, Arc<Counters>>>);

// === impl TopicStats ===

impl TopicStats {
    /// The counters of a topic.
    pub(crate) fn of(&self, topic: &str) -> Option<Arc<Counters>> {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(topic) {
            return Some(Arc::clone(known));
        }
        let mut topics = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if topics.len() >= COUNTED_MAX && !topics.contains_key(topic) {
            return None;
        }
        Some(Arc::clone(topics.entry(topic.into()).or_default()))
    }
}

// === impl Delivery ===

impl Delivery {
    /// All topics, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn topics(&self) -> Result<Vec<TopicView>, Error> {
        let config = self.config();
        let mut dead = self.store.dead_counts().await?.topics;
        let views = self.store.topics().await?.into_iter().map(|usage| {
            let declared = config.topics.get(usage.topic.as_ref()).copied().unwrap_or_default();
            let counters = self.topics.of(&usage.topic).unwrap_or_default();
            let (subscribers, slowest) = self.subscriptions.matching(&usage.topic);
            // Whoever has come to the newest event owes none; else no more than are kept, nor than came after it.
            let behind = usage.last_sequence.saturating_sub(slowest.unwrap_or(usage.last_sequence));
            TopicView {
                durability: match declared.durability {
                    TopicDurability::Durable => "durable",
                    TopicDurability::Relaxed => "relaxed",
                    TopicDurability::Memory => "memory",
                },
                retention: HumanDuration(declared.retention),
                events: usage.records,
                bytes: usage.bytes,
                published: usage.appended,
                last_sequence: usage.last_sequence,
                last_published: (usage.last_sequence > 0).then_some(usage.last_published_at),
                subscribers,
                lag: behind.min(usage.records),
                in_flight: counters.in_flight(),
                handled: Handled { dead_letters: dead.remove(&usage.topic).unwrap_or_default(), ..counters.handled() },
                name: usage.topic.as_ref().to_owned(),
            }
        });
        Ok(views.collect())
    }
}
