//! After a start: every saga that was at work is owned again, and what was under way is sent again.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use switchyard_core::saga::SagaId;
use switchyard_store::{Backend, Batch, Expect, ListKeys, StoreError};
use tokio::{sync::OwnedMutexGuard, time::Instant};

use super::{
    record::{OPEN, OWNERS},
    slot::{Held, Slot},
    turn::{Claim, Turned},
};
use crate::{
    delivery::{Delivery, STORE_RETRY},
    error::Error,
};

/// Sagas that are taken over in one commit.
const TOGETHER_MAX: usize = 100;

/// Crashes after which a saga is taken over alone, so that it is known which one is to blame for the next.
const SUSPECT_CRASHES: u32 = 2;

/// Earlier owners that stopped in good order: nothing of theirs counts as a crash.
#[derive(Default)]
pub(super) struct Owners(Mutex<HashSet<Arc<str>>>);

// === impl Owners ===

impl Owners {
    pub(super) fn stopped_in_order(&self, owner: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(owner)
    }

    async fn load(&self, store: &dyn Backend) -> Result<(), StoreError> {
        let page = store.kv_list(OWNERS, ListKeys::default()).await?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(page.keys);
        Ok(())
    }

    fn all(&self) -> Vec<Arc<str>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// A saga that is about to be taken over.
struct Taking {
    slot: Arc<Slot>,
    held: OwnedMutexGuard<Held>,
    turned: Option<Turned>,
}

// === impl Delivery ===

impl Delivery {
    /// Takes over all sagas that are at work. It ends when each has its owner.
    pub(crate) async fn take_sagas_over(self: Arc<Self>) {
        let began = Instant::now();
        let taken = loop {
            match self.try_to_take_over().await {
                Ok(taken) => break taken,
                Err(error) => {
                    tracing::warn!(%error, "sagas wait for the store");
                    tokio::select! {
                        () = self.stop.cancelled() => return,
                        () = tokio::time::sleep(STORE_RETRY) => {}
                    }
                }
            }
        };
        let Taken { sagas, suspects } = taken;
        if sagas > 0 || !suspects.is_empty() {
            tracing::info!(sagas, suspects = suspects.len(), took = ?began.elapsed(), "sagas are owned again");
        }
        self.take_suspects_over(suspects).await;
        // Nothing has them as its owner any more.
        let owners = self.sagas.owners.all();
        let forget =
            owners.iter().fold(Batch::new(), |batch, owner| batch.delete(OWNERS, Arc::clone(owner), Expect::Any));
        if !owners.is_empty() && !self.stop.is_cancelled() && self.store.commit(forget).await.is_err() {
            tracing::debug!("earlier owners are forgotten at the next start");
        }
    }

    /// Leaves the mark that this owner stopped in good order.
    pub(crate) async fn leave_sagas(&self) {
        if self.sagas.slots().is_empty() {
            return;
        }
        let mark = self.store.kv_put(OWNERS, &self.sagas.owner, Bytes::new(), Expect::Any).await;
        if let Err(error) = mark {
            tracing::warn!(%error, "sagas at work will be taken for ones that were left by a crash");
        }
    }

    async fn try_to_take_over(self: &Arc<Self>) -> Result<Taken, Error> {
        self.sagas.owners.load(&*self.store).await?;
        let (mut taken, mut after) = (Taken::default(), None);
        loop {
            let list = ListKeys { after, limit: TOGETHER_MAX, ..ListKeys::default() };
            let page = self.store.kv_list(OPEN, list).await?;
            self.take_page_over(&page.keys, &mut taken).await?;
            match page.next {
                Some(next) if !self.stop.is_cancelled() => after = Some(next),
                _ => return Ok(taken),
            }
        }
    }

    async fn take_page_over(self: &Arc<Self>, keys: &[Arc<str>], taken: &mut Taken) -> Result<(), Error> {
        let mut takings = Vec::with_capacity(keys.len());
        for key in keys {
            match self.begin_to_take(key).await {
                Ok(Some(Begun::Suspect(suspect))) => taken.suspects.push(suspect),
                Ok(Some(Begun::Taking(taking))) => takings.push(*taking),
                Ok(None) => {}
                Err(error) => tracing::error!(saga = &**key, %error, "a saga cannot be taken over"),
            }
        }
        let (mut batch, mut places) = (Batch::new(), Vec::with_capacity(takings.len()));
        for taking in &takings {
            places.push(batch.ops().len());
            let ops = taking.turned.iter().flat_map(|turned| turned.ops.iter().cloned());
            batch = ops.fold(batch, Batch::with);
        }
        match self.commit_saga(batch).await {
            Ok(committed) => {
                taken.sagas += takings.len();
                for (Taking { slot, mut held, turned }, place) in takings.into_iter().zip(places) {
                    if let Some(turned) = turned {
                        self.sagas.counts.add(&turned);
                        held.take(turned, &committed, place);
                    }
                    self.act(&slot, &mut held);
                }
                Ok(())
            }
            // One of them was written by somebody else, or all are too much at once.
            Err(StoreError::Conflict { .. } | StoreError::TooLarge { .. }) => {
                let ids: Vec<_> = takings.iter().map(|taking| taking.slot.id.clone()).collect();
                takings.into_iter().for_each(|mut taking| self.give_up(&mut taking));
                for id in ids {
                    match self.turn(&id, Claim::Take, |_, _| Ok(None), |_| ()).await {
                        Ok(()) => taken.sagas += 1,
                        Err(error @ Error::Unavailable(_)) => return Err(error),
                        Err(error) => tracing::error!(saga = %id, %error, "a saga cannot be taken over"),
                    }
                }
                Ok(())
            }
            Err(error) => {
                takings.into_iter().for_each(|mut taking| self.give_up(&mut taking));
                Err(error.into())
            }
        }
    }

    /// Works out how a saga is taken over; none when it is here already, or has ended.
    async fn begin_to_take(&self, key: &str) -> Result<Option<Begun>, Error> {
        let Ok(id) = key.parse::<SagaId>() else { return Ok(None) };
        let slot = self.sagas.slot(&id);
        let held = Arc::clone(&slot.held).lock_owned().await;
        if held.retired || held.open {
            return Ok(None);
        }
        let mut taking = Taking { slot, held, turned: None };
        let begun = self.work_out(&id, &mut taking.held, &taking.slot).await;
        match begun {
            Ok(Some(turned)) => Ok(Some(Begun::Taking(Box::new(Taking { turned, ..taking })))),
            Ok(None) => {
                self.give_up(&mut taking);
                Ok(Some(Begun::Suspect(id)))
            }
            Err(error) => {
                self.give_up(&mut taking);
                Err(error)
            }
        }
    }

    /// The turn that takes a saga over; none for a suspect.
    async fn work_out(&self, id: &SagaId, held: &mut Held, slot: &Slot) -> Result<Option<Option<Turned>>, Error> {
        let known = self.read_saga(id).await?;
        let by_crash =
            known.story.owner != *self.sagas.owner && !self.sagas.owners.stopped_in_order(&known.story.owner);
        if by_crash && known.saga.crashes() >= SUSPECT_CRASHES {
            return Ok(None);
        }
        held.known = Some(known);
        Ok(Some(self.prepare_turn(slot, held, Claim::Take, |_, _| Ok(None)).await?))
    }

    fn give_up(&self, taking: &mut Taking) {
        taking.held.known = None;
        self.leave(&taking.slot, &mut taking.held);
    }
}

/// What became of a saga that is to be taken over.
enum Begun {
    Taking(Box<Taking>),
    Suspect(SagaId),
}

/// What taking over has come to.
#[derive(Default)]
struct Taken {
    sagas: usize,
    /// Taken over one by one.
    suspects: Vec<SagaId>,
}
