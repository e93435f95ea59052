//! One turn of a saga: what happened and all that follows from it, in one commit; then what is to be sent.

use std::sync::Arc;

use switchyard_core::{
    saga::{Event, Notice, Saga, SagaId, Status, codec},
    timestamp::Timestamp,
};
use switchyard_store::{Batch, Committed, Expect, KvOp, KvOutcome, LogOp, Op, Outcome, StoreError};

use super::{
    record::{self, JOURNAL, STATES, Story},
    slot::{Held, Known, Slot},
};
use crate::{
    clock,
    delivery::Delivery,
    error::Error,
    publish::{Publisher, append},
    random,
};

/// How often a turn is tried that loses its commit to another one. Each time somebody else has got on.
const CONFLICTS_MAX: usize = 16;

/// What a turn does about a saga that another owner has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// It takes the saga over.
    Take,
    /// It lets go of it: whoever took it over has sent again what was under way.
    Keep,
}

/// What a turn comes to before it is committed.
pub(super) struct Turned {
    /// What is to be committed; the state comes first.
    pub(super) ops: Vec<Op>,
    /// What happens in it, by the topics that tell of it.
    pub(super) topics: Vec<&'static str>,
    known: Known,
}

// === impl Delivery ===

impl Delivery {
    /// Takes a turn: `change` says what happens to the saga, and `look` at it once that is durable.
    ///
    /// # Errors
    /// What `change` answers; when there is no such saga, or the store cannot take it. Then nothing has happened.
    pub(super) async fn turn<T>(
        self: &Arc<Self>,
        id: &SagaId,
        claim: Claim,
        change: impl Fn(&Saga, Timestamp) -> Result<Option<Event>, Error>,
        look: impl FnOnce(&Saga) -> T,
    ) -> Result<T, Error> {
        for _ in 0..CONFLICTS_MAX {
            let slot = self.sagas.slot(id);
            let mut held = slot.held.lock().await;
            if held.retired {
                continue;
            }
            let turned = match self.prepare_turn(&slot, &mut held, claim, &change).await {
                Ok(turned) => turned,
                Err(error) => {
                    self.leave(&slot, &mut held);
                    return Err(error);
                }
            };
            if let Some(turned) = turned {
                match self.commit_saga(turned.ops.iter().cloned().fold(Batch::new(), Batch::with)).await {
                    Ok(committed) => {
                        self.sagas.counts.add(&turned);
                        held.take(turned, &committed, 0);
                    }
                    Err(error) => {
                        // It is ahead of its journal, or was written by somebody else.
                        held.known = None;
                        self.leave(&slot, &mut held);
                        match error {
                            StoreError::Conflict { .. } => continue,
                            error => return Err(error.into()),
                        }
                    }
                }
            }
            let Some(known) = &held.known else { continue };
            let looked = look(&known.saga);
            self.act(&slot, &mut held);
            return Ok(looked);
        }
        Err(Error::Unavailable(format!("the saga {id} is written by somebody else again and again; try again later")))
    }

    /// Works out a turn; none when nothing happens in it.
    pub(super) async fn prepare_turn(
        &self,
        slot: &Slot,
        held: &mut Held,
        claim: Claim,
        change: impl Fn(&Saga, Timestamp) -> Result<Option<Event>, Error>,
    ) -> Result<Option<Turned>, Error> {
        if held.known.is_none() {
            held.known = Some(self.read_saga(&slot.id).await?);
        }
        let Some(known) = &held.known else { return Ok(None) };
        let now = clock::now();
        let (mut saga, mut story) = (known.saga.clone(), known.story.clone());
        let mut turn = Turn { now, events: Vec::new(), notices: Vec::new() };
        if story.owner != *self.sagas.owner {
            if self.is_open(&saga) {
                if claim == Claim::Keep {
                    (held.known, held.open) = (None, false);
                    return Err(Error::Conflict(format!("the saga {} has another owner now", slot.id)));
                }
                let crash = !self.sagas.owners.stopped_in_order(&story.owner);
                turn.advance(&mut saga, known.saga.resume(now, crash))?;
            }
            story.owner = self.sagas.owner.as_ref().to_owned();
        }
        let event = change(&saga, now)?;
        turn.advance(&mut saga, event)?;
        if turn.events.is_empty() && story.owner == known.story.owner {
            return Ok(None);
        }
        let topics = turn.topics();
        let ops = self.ops(turn, &known.saga, &saga, &mut story, Expect::Revision(known.revision));
        let known = Known { saga, story, revision: known.revision, bytes: 0 };
        Ok(Some(Turned { ops, topics, known }))
    }

    /// The operations of the first turn of a new saga.
    pub(super) fn first_turn(&self, mut saga: Saga, first: Event, mut story: Story) -> Result<Turned, Error> {
        let now = first.at;
        let notices = saga.notice(&first).into_iter().collect();
        let before = saga.clone();
        let mut turn = Turn { now, events: vec![first], notices };
        turn.advance(&mut saga, None)?;
        let topics = turn.topics();
        let mut ops = self.ops(turn, &before, &saga, &mut story, Expect::Absent);
        let definition = record::encode_definition(saga.definition());
        ops.push(put(JOURNAL, record::definition_key(saga.id()), definition, Expect::Any));
        if record::listed(&saga) == record::listed(&before) {
            ops.push(listing(&saga));
        }
        Ok(Turned { ops, topics, known: Known { saga, story, revision: 0, bytes: 0 } })
    }

    /// What is written in a turn that led from one state to the next.
    fn ops(&self, turn: Turn, before: &Saga, saga: &Saga, story: &mut Story, expect: Expect) -> Vec<Op> {
        let first = story.events;
        story.events += turn.events.len() as u64;
        let mut ops = vec![put(STATES, saga.id().to_string(), record::encode(story, saga), expect)];
        if !turn.events.is_empty() {
            let entries = record::encode_events(&turn.events);
            ops.push(put(JOURNAL, record::journal_key(saga.id(), first), entries, Expect::Any));
        }
        let (was, is) = (record::listed(before), record::listed(saga));
        if was != is {
            ops.push(Op::Kv(KvOp::Delete { bucket: was.0.into(), key: was.1.into(), expect: Expect::Any }));
            ops.push(listing(saga));
        }
        let told = turn.notices.into_iter().filter_map(|notice| self.told(saga.id(), story, notice, turn.now));
        ops.extend(told);
        ops
    }

    /// The event that tells of something; what is too large is told without the data, which the saga has.
    fn told(&self, id: &SagaId, story: &Story, notice: Notice, now: Timestamp) -> Option<Op> {
        let Notice { topic, mut data } = notice;
        let mut draft = switchyard_core::event::Draft {
            topic: topic.to_owned(),
            subject: Some(id.to_string()),
            correlationid: Some(story.correlationid.clone()),
            traceparent: story.traceparent.clone(),
            data: serde_json::to_vec(&data).ok().map(Into::into),
            ..switchyard_core::event::Draft::default()
        };
        let event = draft.clone().complete(Publisher::host().circumstances(now)).or_else(|_| {
            data.remove("data");
            data.remove("result");
            draft.data = serde_json::to_vec(&data).ok().map(Into::into);
            draft.complete(Publisher::host().circumstances(now))
        });
        match event {
            Ok(event) => Some(Op::Log(LogOp::Append(append(&self.config(), &event, now)))),
            Err(error) => {
                tracing::error!(saga = %id, topic, %error, "what happened to a saga cannot be told");
                None
            }
        }
    }

    /// Commits a turn. That there is no room for the topics that tell of sagas must not stop them.
    pub(super) async fn commit_saga(&self, batch: Batch) -> Result<Committed, StoreError> {
        match self.store.commit(batch.clone()).await {
            Err(error @ StoreError::TooMany { .. }) => {
                tracing::error!(%error, "what happened to a saga cannot be told");
                let others = batch.ops().iter().filter(|op| !matches!(op, Op::Log(_))).cloned();
                self.store.commit(others.fold(Batch::new(), Batch::with)).await
            }
            committed => committed,
        }
    }

    /// Reads a saga.
    pub(super) async fn read_saga(&self, id: &SagaId) -> Result<Known, Error> {
        let entry = self.store.kv_get(STATES, id.as_str()).await?;
        let entry = entry.ok_or_else(|| Error::NotFound(format!("there is no saga '{id}'")))?;
        self.decode_saga(id, &entry).await
    }

    pub(super) async fn decode_saga(&self, id: &SagaId, entry: &switchyard_store::Entry) -> Result<Known, Error> {
        let (story, state) = record::split(id.as_str(), &entry.value)?;
        let unreadable = |error: codec::Unreadable| Error::Unavailable(format!("the saga {id}: {error}"));
        let digest = codec::definition_of(state).map_err(unreadable)?;
        let definition = match self.sagas.directories.kept(&digest) {
            Some(definition) => definition,
            None => {
                let key = record::definition_key(id);
                let kept = self.store.kv_get(JOURNAL, &key).await?;
                let kept = kept.ok_or_else(|| record::damaged(&key, &"it is not there"))?;
                self.sagas.directories.keep(record::decode_definition(id, &kept.value)?)
            }
        };
        let saga = codec::decode_saga(definition, state).map_err(unreadable)?;
        Ok(Known { saga, story, revision: entry.revision, bytes: entry.value.len() })
    }

    pub(super) fn is_open(&self, saga: &Saga) -> bool {
        !saga.status().is_terminal() && saga.status() != Status::Stuck
    }
}

// === impl Turned ===

impl Turned {
    /// The name of the saga's definition.
    pub(super) fn definition(&self) -> &str {
        self.known.saga.definition().name()
    }
}

// === impl Held ===

impl Held {
    /// A turn is durable. `place` is where its operations begin in the commit.
    pub(super) fn take(&mut self, turned: Turned, committed: &Committed, place: usize) {
        let revision = match committed.outcomes.get(place) {
            Some(Outcome::Kv(KvOutcome::Put { revision })) => *revision,
            // Never so; reading again finds the right one.
            _ => return self.known = None,
        };
        let bytes = match turned.ops.first() {
            Some(Op::Kv(KvOp::Put { value, .. })) => value.len(),
            _ => 0,
        };
        self.known = Some(Known { revision, bytes, ..turned.known });
    }
}

/// What happens in a turn.
struct Turn {
    now: Timestamp,
    events: Vec<Event>,
    notices: Vec<Notice>,
}

// === impl Turn ===

impl Turn {
    fn topics(&self) -> Vec<&'static str> {
        self.notices.iter().map(|notice| notice.topic).collect()
    }

    fn advance(&mut self, saga: &mut Saga, event: Option<Event>) -> Result<(), Error> {
        let progress = saga.advance(event, self.now, random::fraction());
        let progress = progress.map_err(|error| Error::Conflict(error.to_string()))?;
        self.events.extend(progress.events);
        self.notices.extend(progress.notices);
        Ok(())
    }
}

fn listing(saga: &Saga) -> Op {
    let (bucket, key) = record::listed(saga);
    put(bucket, key, bytes::Bytes::new(), Expect::Any)
}

fn put(bucket: &'static str, key: String, value: bytes::Bytes, expect: Expect) -> Op {
    Op::Kv(KvOp::Put { bucket: bucket.into(), key: key.into(), value, expect })
}
