//! The loop that waits for the first timer of the store, and does what it is for.

use std::sync::Arc;

use switchyard_core::timestamp::Timestamp;
use switchyard_store::{StoreError, Timer};
use tokio::time::Instant;

use crate::{
    clock,
    delivery::{Delivery, STORE_RETRY},
    retention, schedule,
};

/// Timers that are looked at in one round.
const ROUND: usize = 1_000;

// === impl Delivery ===

impl Delivery {
    /// Fires timers until the host stops.
    pub(crate) async fn fire_timers(self: Arc<Self>) {
        while !self.stop.is_cancelled() {
            let next = match self.fire_due().await {
                Ok(next) => next.map(clock::until),
                Err(error) => {
                    tracing::warn!(%error, "timers wait for the store");
                    Some(Instant::now() + STORE_RETRY)
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.timers.notified() => {}
                () = clock::sleep_until(next) => {}
            }
        }
    }

    /// Fires what is due; answers when the next one is.
    async fn fire_due(&self) -> Result<Option<Timestamp>, StoreError> {
        loop {
            let timers = self.store.timers(ROUND).await?;
            let now = clock::now();
            let Some(first) = timers.first() else { return Ok(None) };
            if first.due > now {
                return Ok(Some(first.due));
            }
            for timer in timers.into_iter().take_while(|timer| timer.due <= now) {
                match self.fire(&timer, now).await {
                    // Somebody else had it first, or it was set anew.
                    Ok(()) | Err(StoreError::Conflict { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Does what a timer is for, and takes it away or sets it anew in the same commit.
    async fn fire(&self, timer: &Timer, now: Timestamp) -> Result<(), StoreError> {
        if let Some(name) = timer.key.strip_prefix(retention::CURSOR) {
            return self.forget_cursor(timer, name).await;
        }
        if timer.key.starts_with(schedule::PREFIX) {
            return self.fire_schedule(timer, now).await;
        }
        tracing::warn!(timer = &*timer.key, "a timer of an unknown kind is removed");
        self.store.commit(crate::timers::taken(timer)).await.map(drop)
    }
}

/// A batch that takes a timer away, if nobody else has yet.
pub(crate) fn taken(timer: &Timer) -> switchyard_store::Batch {
    let clear = switchyard_store::TimerOp::Clear { key: Arc::clone(&timer.key), due: Some(timer.due) };
    switchyard_store::Batch::new().with(clear)
}
