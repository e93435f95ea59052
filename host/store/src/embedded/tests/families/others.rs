//! Dead letters, timers and owners as maps.

use std::{collections::BTreeMap, sync::Arc};

use switchyard_core::timestamp::Timestamp;

use crate::{
    Backend, DeadCounts, DeadLetter, DeadOp, DeadOrigin, Embedded, ListDead, Outcome, OwnerOp, OwnerOutcome, Ownership,
    Timer, TimerOp,
};

#[derive(Debug, Clone, Default)]
pub(super) struct Others {
    dead: BTreeMap<Arc<str>, DeadLetter>,
    timers: BTreeMap<Arc<str>, Timer>,
    owners: BTreeMap<Arc<str>, Ownership>,
    last_token: u64,
}

// === impl Others ===

impl Others {
    /// The token of an owner, or another one.
    pub(super) fn token(&self, resource: &str, right: bool) -> u64 {
        let token = self.owners.get(resource).map_or(0, |owner| owner.token);
        if right { token } else { token + 1 }
    }

    pub(super) fn apply_dead(&mut self, op: &DeadOp) -> Option<Outcome> {
        match op {
            DeadOp::Put(letter) if self.dead.contains_key(&letter.id) => return None,
            DeadOp::Put(letter) => drop(self.dead.insert(letter.id.clone(), letter.clone())),
            DeadOp::Remove { id } => drop(self.dead.remove(id)?),
        }
        Some(Outcome::Done)
    }

    pub(super) fn apply_timer(&mut self, op: &TimerOp) -> Option<Outcome> {
        match op {
            TimerOp::Set(timer) => drop(self.timers.insert(timer.key.clone(), timer.clone())),
            TimerOp::Clear { key, due: Some(due) } if self.timers.get(key)?.due != *due => return None,
            TimerOp::Clear { key, .. } => drop(self.timers.remove(key)),
        }
        Some(Outcome::Done)
    }

    pub(super) fn apply_owner(&mut self, op: &OwnerOp, outcome: Option<&Outcome>) -> Option<OwnerOutcome> {
        let found = self.owners.get(op.resource());
        match op {
            OwnerOp::Claim { resource, owner, now, until } => {
                let token = match found {
                    Some(found) if found.owner == *owner => found.token,
                    Some(found) if found.until > *now => return None,
                    _ => self.next_token(outcome),
                };
                let (resource, owner) = (resource.clone(), owner.clone());
                self.owners.insert(resource.clone(), Ownership { resource, owner, token, until: *until });
                Some(OwnerOutcome::Owns(token))
            }
            OwnerOp::Assert { token, .. } => found.filter(|found| found.token == *token).map(|_| OwnerOutcome::Done),
            OwnerOp::Release { resource, token } => {
                if found.is_some_and(|found| found.token == *token) {
                    self.owners.remove(resource);
                }
                Some(OwnerOutcome::Done)
            }
        }
    }

    fn next_token(&mut self, outcome: Option<&Outcome>) -> u64 {
        let token = if let Some(Outcome::Owner(OwnerOutcome::Owns(token))) = outcome {
            *token
        } else {
            self.last_token + (1 << 40)
        };
        assert!(token > self.last_token, "token {token} after {}", self.last_token);
        self.last_token = token;
        token
    }

    pub(super) async fn compare(&self, store: &Embedded) {
        let letters = store.dead_letters(ListDead { limit: 100, ..ListDead::default() }).await.unwrap();
        assert_eq!(letters, self.dead.values().cloned().collect::<Vec<_>>());
        let mut counts = DeadCounts::default();
        for letter in self.dead.values() {
            match &letter.origin {
                DeadOrigin::Event { subscription, topic, .. } => {
                    *counts.subscriptions.entry(subscription.clone()).or_default() += 1;
                    *counts.topics.entry(topic.clone()).or_default() += 1;
                }
                DeadOrigin::Message { queue, .. } => *counts.queues.entry(queue.clone()).or_default() += 1,
            }
        }
        assert_eq!(store.dead_counts().await.unwrap(), counts);
        let mut timers: Vec<_> = self.timers.values().cloned().collect();
        timers.sort_by_key(|timer| (timer.due, timer.key.clone()));
        assert_eq!(store.timers(100).await.unwrap(), timers);
        for resource in ["r0", "r1"] {
            assert_eq!(store.owner(resource).await.unwrap(), self.owners.get(resource).cloned());
        }
        assert_eq!(store.timer("none").await.unwrap().map(|timer| timer.due), None::<Timestamp>);
    }
}
