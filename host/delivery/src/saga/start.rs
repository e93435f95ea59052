//! Starting a saga: by itself, or in one commit with what a guest writes.

use std::sync::Arc;

use serde_json::Value;
use switchyard_core::saga::{Refused, Saga, SagaId, StartDraft, Started};
use switchyard_dispatch::Active;
use switchyard_store::{Batch, Committed, Op, StoreError};
use tokio::sync::OwnedMutexGuard;

use super::{
    OPEN_MAX,
    record::{STATES, Story},
    slot::{Held, Slot},
    turn::Turned,
};
use crate::{clock, delivery::Delivery, error::Error, publish::Publisher, random};

/// Ids that nobody could ask for, since `/api/v1/sagas/ID` is something else.
const RESERVED: [&str; 2] = ["definitions", "stats"];

/// A saga whose start is about to be committed, with others; see [`Delivery::prepare_starts`].
pub(crate) enum Starting {
    /// It was there already.
    Existing(SagaId),
    /// It is new. The slot's lock is held, so that nobody else begins with it.
    New(Box<New>),
}

/// A new saga.
pub(crate) struct New {
    slot: Arc<Slot>,
    held: OwnedMutexGuard<Held>,
    turned: Turned,
    span: Option<Active>,
}

// === impl Delivery ===

impl Delivery {
    /// Starts a saga, durably; one of this id that is there already stays as it is, whatever it does.
    ///
    /// # Errors
    /// When there is no such definition, the data is no object or too large, too many sagas are open, it is not granted,
    /// or the store cannot take it.
    pub async fn start_saga(&self, publisher: Publisher, draft: StartDraft) -> Result<Started, Error> {
        // It runs to its end even when whoever asked does not: what is committed has to be acted upon.
        self.to_the_end(|me| async move {
            loop {
                let mut starts = me.prepare_starts(&publisher, std::slice::from_ref(&draft)).await?;
                let Some(start) = starts.pop() else { continue };
                let batch = start.ops().iter().cloned().fold(Batch::new(), Batch::with);
                match start {
                    Starting::Existing(id) => return Ok(Started { id, existing: true }),
                    Starting::New(_) => match me.commit_saga(batch).await {
                        Ok(committed) => return Ok(me.started(start, &committed, 0)),
                        // Somebody else has started it since.
                        Err(StoreError::Conflict { .. }) => me.not_started(start),
                        Err(error) => {
                            me.not_started(start);
                            return Err(error.into());
                        }
                    },
                }
            }
        })
        .await
    }

    /// Works out how these are started, in their order. Each has then to be [`started`](Self::started) or
    /// [`not_started`](Self::not_started).
    pub(crate) async fn prepare_starts(
        &self,
        publisher: &Publisher,
        drafts: &[StartDraft],
    ) -> Result<Vec<Starting>, Error> {
        let mut wishes = Vec::with_capacity(drafts.len());
        for draft in drafts {
            wishes.push(self.wish(publisher, draft)?);
        }
        // Locks are taken in the order of ids, so that two batches never wait for each other.
        let mut order: Vec<usize> = (0..wishes.len()).collect();
        order.sort_by(|a, b| wishes[*a].0.cmp(&wishes[*b].0));
        let mut starts: Vec<Option<Starting>> = wishes.iter().map(|_| None).collect();
        let mut last: Option<&SagaId> = None;
        let mut failed = None;
        for place in order {
            let (id, definition, data) = &wishes[place];
            // A second one of the same id finds the first.
            let start = if last == Some(id) {
                Ok(Starting::Existing(id.clone()))
            } else {
                last = Some(id);
                self.prepare_start(publisher, id, definition, data, drafts[place].id.is_some()).await
            };
            match start {
                Ok(start) => starts[place] = Some(start),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        let starts = starts.into_iter().flatten();
        match failed {
            None => Ok(starts.collect()),
            Some(error) => {
                starts.for_each(|start| self.not_started(start));
                Err(error)
            }
        }
    }

    /// A start is durable; `place` is where its operations begin in the commit.
    pub(crate) fn started(self: &Arc<Self>, start: Starting, committed: &Committed, place: usize) -> Started {
        match start {
            Starting::Existing(id) => Started { id, existing: true },
            Starting::New(new) => {
                let New { slot, mut held, turned, span } = *new;
                if let Some(span) = span {
                    span.end();
                }
                self.sagas.counts.add(&turned);
                held.take(turned, committed, place);
                self.act(&slot, &mut held);
                Started { id: slot.id.clone(), existing: false }
            }
        }
    }

    /// A start was not committed.
    pub(crate) fn not_started(&self, start: Starting) {
        if let Starting::New(mut new) = start {
            new.held.known = None;
            self.leave(&new.slot, &mut new.held);
        }
    }

    /// What is wished for, checked.
    fn wish(&self, publisher: &Publisher, draft: &StartDraft) -> Result<Wish, Error> {
        if let Some(origin) = publisher.origin() {
            self.config().may_use_saga(&origin.service, &draft.name)?;
        }
        let directory = self.sagas.directories.current(&self.dispatcher);
        let declared = directory.definitions.get(&draft.name).ok_or_else(|| {
            Error::NotFound(format!(
                "there is no saga definition '{}'; a live service has to declare it in its manifest",
                draft.name
            ))
        })?;
        let id = match &draft.id {
            Some(id) if RESERVED.contains(&id.as_str()) => {
                return Err(Error::Invalid(format!("'{id}' cannot be a saga's id: a path of the admin API has it")));
            }
            Some(id) => id.parse::<SagaId>().map_err(|error| Error::Invalid(error.to_string()))?,
            None => random::id().parse::<SagaId>().map_err(|error| Error::Invalid(error.to_string()))?,
        };
        let data = match draft.data.trim_ascii() {
            b"" => Value::Object(serde_json::Map::new()),
            json => serde_json::from_slice(json)
                .map_err(|error| Error::Invalid(format!("the saga's data is no JSON: {error}")))?,
        };
        Ok((id, Arc::clone(&declared.definition), data))
    }

    async fn prepare_start(
        &self,
        publisher: &Publisher,
        id: &SagaId,
        definition: &Arc<switchyard_core::saga::Definition>,
        data: &Value,
        may_exist: bool,
    ) -> Result<Starting, Error> {
        if self.sagas.slots().len() >= OPEN_MAX {
            return Err(Error::Busy(format!("{OPEN_MAX} sagas are open, which is the limit; try again later")));
        }
        let (slot, held) = loop {
            let slot = self.sagas.slot(id);
            let held = Arc::clone(&slot.held).lock_owned().await;
            if !held.retired {
                break (slot, held);
            }
        };
        let mut new = (slot, held);
        let made = async {
            // One with an id of the host's own cannot be there.
            if may_exist && (new.1.open || self.store.kv_exists(STATES, id.as_str()).await?) {
                return Ok(None);
            }
            let (saga, first) = Saga::start(id.clone(), Arc::clone(definition), data.clone(), clock::now())?;
            let circumstances = publisher.circumstances(clock::now());
            let correlationid = circumstances.cause.map_or_else(|| id.to_string(), |cause| cause.correlationid);
            let (own, may_begin) = (circumstances.traceparent, publisher.may_begin_trace());
            let mut span = self.starting(own.as_deref(), may_begin, definition.name(), id);
            let traceparent = span.as_mut().map(|span| span.traceparent().as_ref().to_owned()).or(own);
            let owner = self.sagas.owner.as_ref().to_owned();
            let story = Story { owner, events: 0, correlationid, traceparent };
            self.first_turn(saga, first, story).map(|turned| Some((turned, span)))
        };
        match made.await {
            Ok(Some((turned, span))) => Ok(Starting::New(Box::new(New { slot: new.0, held: new.1, turned, span }))),
            Ok(None) => {
                self.leave(&new.0, &mut new.1);
                Ok(Starting::Existing(id.clone()))
            }
            Err(error) => {
                self.leave(&new.0, &mut new.1);
                Err(error)
            }
        }
    }
}

type Wish = (SagaId, Arc<switchyard_core::saga::Definition>, Value);

// === impl Starting ===

impl Starting {
    /// What has to be committed; the first of these is refused with a conflict if the saga is there already.
    pub(crate) fn ops(&self) -> &[Op] {
        match self {
            Self::Existing(_) => &[],
            Self::New(new) => &new.turned.ops,
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let text = refused.to_string();
        match refused {
            Refused::Data(_) => Self::Invalid(text),
            Refused::Conflict { .. } | Refused::Signal { .. } => Self::Conflict(text),
        }
    }
}
