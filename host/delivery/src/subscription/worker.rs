//! The worker of one subscription: opens its cursor, reads on, begins deliveries, and sleeps until something changes.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use switchyard_core::{event::codec, manifest::Start};
use switchyard_store::{Batch, Cursor, CursorOp, CursorStart, StoreError, TimerOp};
use tokio::time::Instant;

use super::{BUCKET, Subscription, progress::Progress};
use crate::{
    clock,
    delivery::{Delivery, STORE_RETRY},
    places::{self, Ask},
    retention::cursor_timer,
};

/// How often the floor is made durable over events that are of no concern.
const ADVANCE_PERIOD: Duration = Duration::from_secs(1);

// === impl Subscription ===

impl Subscription {
    /// Works until it is stopped. Deliveries under way then go on by themselves.
    pub(super) async fn work(self: Arc<Self>, delivery: Arc<Delivery>) {
        while let Err(error) = self.open(&delivery).await {
            self.note_trouble(Some(error.to_string()));
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = delivery.stop.cancelled() => return,
                () = tokio::time::sleep(STORE_RETRY) => {}
            }
        }
        self.note_trouble(None);
        let mut head = delivery.store.log_head();
        let (mut ask, mut advanced) = (None, Instant::now());
        while !self.is_stopped() && !delivery.stop.is_cancelled() {
            head.mark_unchanged();
            let read = self.read(&delivery).await;
            self.note_trouble(read.as_ref().err().map(ToString::to_string));
            let looked = clock::now();
            self.start(&delivery, &mut ask);
            if matches!(read, Ok(true)) {
                continue;
            }
            let next_advance = self.advance(&delivery, &mut advanced).await;
            // What was due when it was looked at and did not begin waits for something else to change.
            let due = self.progress().as_ref().and_then(|progress| progress.window.deadline());
            let due = due.filter(|due| *due > looked).map(clock::until);
            let retry = read.is_err().then(|| Instant::now() + STORE_RETRY);
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = delivery.stop.cancelled() => {}
                () = self.wake.notified() => {}
                changed = head.changed(), if read.is_ok() => if changed.is_err() { return },
                () = clock::sleep_until([due, retry, next_advance].into_iter().flatten().min()) => {}
                place = places::granted(&mut ask) => {
                    ask = None;
                    if let Some(place) = place {
                        self.begin(&delivery, place);
                    }
                }
            }
        }
    }

    /// Makes the cursor, or finds it, and takes up what it owes.
    pub(super) async fn open(&self, delivery: &Arc<Delivery>) -> Result<(), StoreError> {
        let store = &delivery.store;
        let marks = ["paused", "ended"].map(|mark| format!("{mark}/{}", self.name).into());
        let marks = store.kv_get_many(BUCKET, &marks).await?;
        self.paused.store(marks[0].is_some(), Relaxed);
        if marks[1].is_some() {
            self.ended.store(true, Relaxed);
            return Ok(());
        }
        store.commit(open_batch(&self.name, self.declared().spec.start)).await?;
        let cursor = store.cursor(&self.name).await?;
        let Some(Cursor { epoch, floor, settled, retries, .. }) = cursor else {
            // It was removed at this very moment; whoever did so ends this worker too.
            return Ok(());
        };
        let mut progress = Progress::new(epoch, floor, settled);
        for retry in retries {
            let record = match retry.record {
                Some(record) => Some(record),
                None => store.log_get(retry.sequence).await?.map(|record| record.record),
            };
            // One that cannot be read has no key; its delivery finds out.
            let event = record.and_then(|record| codec::decode(&record).ok());
            let key = event.and_then(|event| event.partitionkey).map(Into::into);
            progress.window.retry(retry.sequence, key, retry.attempts, retry.due);
        }
        *self.progress() = Some(progress);
        Ok(())
    }

    /// Begins what may begin.
    fn start(self: &Arc<Self>, delivery: &Arc<Delivery>, ask: &mut Option<Ask>) {
        while self.may_begin(delivery) {
            if ask.is_some() {
                return;
            }
            let declared = self.declared();
            let Some(place) = delivery.places.take(&declared.share) else {
                *ask = Some(delivery.places.ask(&declared.share, declared.spec.priority));
                return;
            };
            self.begin(delivery, place);
        }
        *ask = None;
    }

    /// Whether there is something to deliver, and somebody to deliver it to.
    pub(super) fn may_begin(&self, delivery: &Delivery) -> bool {
        if self.is_stopped() || self.paused.load(Relaxed) || delivery.stop.is_cancelled() {
            return false;
        }
        let declared = self.declared();
        let has_next = self.progress().as_ref().is_some_and(|progress| {
            // The first success ends it, so there is one at a time.
            progress.window.has_next(clock::now()) && !(declared.spec.once && progress.window.in_flight() > 0)
        });
        has_next && self.callee(&declared, &delivery.dispatcher.snapshot()).is_some()
    }

    /// Moves the durable floor on over events that are of no concern, now and then; answers when to do so next.
    async fn advance(&self, delivery: &Delivery, advanced: &mut Instant) -> Option<Instant> {
        let (epoch, floor) = {
            let progress = self.progress();
            let progress = progress.as_ref()?;
            (progress.window.floor() > progress.floor).then(|| (progress.epoch, progress.window.floor()))?
        };
        let next = *advanced + ADVANCE_PERIOD;
        if Instant::now() < next {
            return Some(next);
        }
        *advanced = Instant::now();
        let advance = CursorOp::Advance { name: Arc::clone(&self.name), epoch, floor };
        // Losing it costs reading the same again, and nothing is delivered again for it.
        if delivery.store.commit(Batch::new().with(advance).relaxed()).await.is_ok() {
            self.note_floor(epoch, floor);
            return None;
        }
        Some(*advanced + ADVANCE_PERIOD)
    }

    /// A floor is durable.
    pub(super) fn note_floor(&self, epoch: u64, floor: u64) {
        if let Some(progress) = self.progress().as_mut().filter(|progress| progress.epoch == epoch) {
            progress.floor = progress.floor.max(floor);
        }
    }
}

/// What opens a cursor, and keeps it from being forgotten.
pub(super) fn open_batch(name: &Arc<str>, start: Start) -> Batch {
    let start = match start {
        Start::Latest => CursorStart::Latest,
        Start::First => CursorStart::First,
    };
    Batch::new()
        .with(CursorOp::Open { name: Arc::clone(name), start })
        .with(TimerOp::Clear { key: cursor_timer(name), due: None })
}
