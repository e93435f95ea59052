//! Recording what became of a delivery: done, again later, or a dead letter; each in one commit.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use serde_json::json;
use switchyard_core::{
    event::{Event, codec},
    window::{Ended, Go},
};
use switchyard_store::{Batch, CursorOp, DeadLetter, DeadOp, DeadOrigin, Expect, Op, Settled, StoreError};

use super::{BUCKET, Declared, Subscription};
use crate::{
    clock,
    delivery::{Delivery, STORE_RETRY},
    publish::{append, shared},
    random,
};

/// The event that tells of a dead letter; it never becomes one itself.
const DEAD_LETTER_TOPIC: &str = "event.deadletter";

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It succeeded.
    Done,
    /// It failed, and may be tried again; after this time, when the handler's side says so.
    Retry { reason: String, after: Option<Duration> },
    /// It failed for good.
    Reject(String),
    /// It did not take place, or is not to take place now.
    Later(Duration),
    /// It failed, and whoever is called wants no further events.
    Unsubscribed(String),
    /// The event is not kept any more.
    Gone,
    /// The event cannot be read.
    Unreadable(String),
}

/// What is to be recorded.
struct Verdict {
    ended: Ended,
    settled: Settled,
    /// Why the event is a dead letter, when it is.
    dead: Option<String>,
    /// Whether the subscription is over.
    is_last: bool,
}

// === impl Subscription ===

impl Subscription {
    /// Records an outcome, however long the store takes; the delivery counts as under way until then.
    pub(super) async fn record(
        &self,
        delivery: &Arc<Delivery>,
        epoch: u64,
        go: Go,
        event: Option<Arc<Event>>,
        outcome: Outcome,
    ) {
        let declared = self.declared();
        self.count(delivery, event.as_deref(), go, &outcome);
        if let Outcome::Later(pause) = outcome {
            self.at_epoch(epoch, |progress| progress.window.deferred(go.sequence, clock::now().plus(pause)));
            return;
        }
        let verdict = decide(&declared, go, outcome, event.as_deref());
        let Some(floor) = self.at_epoch(epoch, |progress| progress.window.finished(go.sequence, verdict.ended)) else {
            return;
        };
        let event = match (event, &verdict.dead) {
            (None, Some(_)) => self.fetch(delivery, go.sequence).await.ok().flatten(),
            (event, _) => event,
        };
        let settle = CursorOp::Settle {
            name: Arc::clone(&self.name),
            epoch,
            sequence: go.sequence,
            floor,
            settled: verdict.settled.clone(),
        };
        let mut batch = Batch::new().with(settle);
        if let Some(error) = &verdict.dead {
            self.bury(delivery, &mut batch, go, event.as_deref(), error);
        }
        if verdict.is_last {
            push_ended(&mut batch, &self.name);
        }
        if self.commit(delivery, batch).await {
            if verdict.is_last {
                self.ended.store(true, Relaxed);
            }
            self.at_epoch(epoch, |progress| {
                progress.window.confirmed(go.sequence);
                progress.floor = progress.floor.max(floor);
            });
        }
    }

    /// Commits until it is done or makes no sense any more: an outcome that is known is not made again by delivering
    /// again.
    async fn commit(&self, delivery: &Delivery, mut batch: Batch) -> bool {
        loop {
            match delivery.store.commit(batch.clone()).await {
                Ok(_) => return true,
                Err(error @ (StoreError::Busy | StoreError::Full)) => {
                    self.note_trouble(Some(error.to_string()));
                    tokio::time::sleep(STORE_RETRY).await;
                }
                // There is no room for the topic that tells of dead letters: the dead letter itself is what counts.
                Err(error @ StoreError::TooMany { .. }) => {
                    tracing::error!(subscription = &*self.name, %error, "a dead letter cannot be told of");
                    let others = batch.ops().iter().filter(|op| !matches!(op, Op::Log(_))).cloned();
                    batch = others.fold(Batch::new(), Batch::with);
                }
                // The cursor was moved or removed: what is not settled there is delivered again from there.
                Err(StoreError::Conflict { .. }) => return false,
                Err(error) => {
                    self.note_trouble(Some(error.to_string()));
                    return false;
                }
            }
        }
    }

    /// Adds the dead letter, and the event that tells of it.
    fn bury(&self, delivery: &Delivery, batch: &mut Batch, go: Go, event: Option<&Event>, error: &str) {
        let topic = event.map(|event| event.topic.as_str()).unwrap_or_default();
        tracing::warn!(subscription = &*self.name, sequence = go.sequence, topic, error, "an event is a dead letter");
        if topic == DEAD_LETTER_TOPIC {
            return;
        }
        let letter = DeadLetter {
            id: random::id().into(),
            origin: DeadOrigin::Event {
                subscription: Arc::clone(&self.name),
                topic: shared(topic),
                sequence: go.sequence,
            },
            attempts: go.attempt,
            error: shared(error),
            failed_at: clock::now(),
            record: event.map(codec::encode).unwrap_or_default(),
        };
        let told = json!({
            "deadLetterId": letter.id.as_ref(),
            "originalEvent": event.map(Event::to_json),
            "error": error,
            "subscription": self.name.as_ref(),
            "attempts": go.attempt,
        });
        let subject = Some(letter.id.as_ref().to_owned());
        // One that is too large to be told in full is told without its data; the dead letter has it.
        let told = delivery.own_event(DEAD_LETTER_TOPIC, subject.clone(), &told).or_else(|_| {
            let mut told = told.clone();
            if let Some(original) = told["originalEvent"].as_object_mut() {
                original.retain(|name, _| !matches!(name.as_str(), "data" | "data_base64"));
            }
            delivery.own_event(DEAD_LETTER_TOPIC, subject, &told)
        });
        batch.push(Op::Dead(DeadOp::Put(letter)));
        match told {
            Ok(told) => {
                let append = append(&delivery.config(), &told, clock::now());
                batch.push(switchyard_store::LogOp::Append(append).into());
            }
            Err(error) => tracing::error!(%error, "a dead letter cannot be told of"),
        }
    }

    fn count(&self, delivery: &Delivery, event: Option<&Event>, go: Go, outcome: &Outcome) {
        let of_topic = event.and_then(|event| delivery.topics.of(&event.topic));
        for counters in [Some(&self.counters), of_topic.as_deref()].into_iter().flatten() {
            match outcome {
                Outcome::Done => counters.succeeded(clock::now()),
                Outcome::Later(_) | Outcome::Gone => {}
                Outcome::Retry { .. } | Outcome::Reject(_) | Outcome::Unsubscribed(_) | Outcome::Unreadable(_) => {
                    counters.failed();
                }
            }
        }
        if *outcome == Outcome::Gone {
            tracing::warn!(subscription = &*self.name, sequence = go.sequence, "an event is not kept any more");
        }
    }

    /// Does something to the progress, unless the cursor was moved since.
    fn at_epoch<T>(&self, epoch: u64, act: impl FnOnce(&mut super::Progress) -> T) -> Option<T> {
        self.progress().as_mut().filter(|progress| progress.epoch == epoch).map(act)
    }
}

fn decide(declared: &Declared, go: Go, outcome: Outcome, event: Option<&Event>) -> Verdict {
    let done = |is_last| Verdict { ended: Ended::Done, settled: Settled::Done, dead: None, is_last };
    match outcome {
        Outcome::Done => done(declared.spec.once),
        Outcome::Gone | Outcome::Later(_) => done(false),
        Outcome::Reject(reason) | Outcome::Unreadable(reason) => Verdict { dead: Some(reason), ..done(false) },
        // It asked for nothing further, so what it did not take is no dead letter.
        Outcome::Unsubscribed(_) => done(true),
        Outcome::Retry { reason, .. } if go.attempt >= declared.max_attempts() => {
            Verdict { dead: Some(reason), ..done(false) }
        }
        Outcome::Retry { reason, after } => {
            let backoff = declared.spec.backoff.unwrap_or_default();
            let delay = after.unwrap_or_else(|| backoff.delay(go.attempt, random::fraction()));
            let due = clock::now().plus(delay);
            let topic = event.map(|event| event.topic.as_str());
            tracing::debug!(
                topic,
                sequence = go.sequence,
                attempt = go.attempt,
                reason,
                ?delay,
                "delivered again later"
            );
            let settled = Settled::Retry { attempts: go.attempt, due, reason: reason.into() };
            Verdict { ended: Ended::Retry(due), settled, dead: None, is_last: false }
        }
    }
}

/// Adds the mark that a subscription is over.
pub(super) fn push_ended(batch: &mut Batch, name: &str) {
    let marked = std::mem::take(batch).put(BUCKET, format!("ended/{name}"), Bytes::new(), Expect::Any);
    *batch = marked;
}
