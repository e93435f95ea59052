//! Sagas that were at work at several crashes in a row, one by one: the next crash then is that one's, and innocent
//! ones get their answers.
//!
//! A crash counts for a saga only when it has been taken over since the last one. So of a hundred that wait here, the one
//! whose command takes the host down is parked after [`CRASHES_MAX`](switchyard_core::saga::CRASHES_MAX) crashes, and
//! none of the others.

use std::{sync::Arc, time::Duration};

use switchyard_core::saga::SagaId;
use tokio::time::Instant;

use super::turn::Claim;
use crate::{
    delivery::{Delivery, STORE_RETRY},
    error::Error,
};

/// The time that one has until the next comes: 5 s.
const WATCHED: Duration = Duration::from_secs(5);

/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(2);

// === impl Delivery ===

impl Delivery {
    /// Takes these over, each when the one before has no command under way any more, or had its time.
    pub(super) async fn take_suspects_over(self: &Arc<Self>, suspects: Vec<SagaId>) {
        for id in suspects {
            loop {
                if self.stop.is_cancelled() {
                    return;
                }
                match self.turn(&id, Claim::Take, |_, _| Ok(None), |_| ()).await {
                    Ok(()) => break self.watch(&id).await,
                    Err(Error::Unavailable(error)) => {
                        tracing::warn!(saga = %id, error, "a saga waits for the store");
                        tokio::time::sleep(STORE_RETRY).await;
                    }
                    Err(error) => {
                        tracing::error!(saga = %id, %error, "a saga cannot be taken over");
                        break;
                    }
                }
            }
        }
    }

    /// Waits until what was sent for it has been answered.
    async fn watch(&self, id: &SagaId) {
        let until = Instant::now() + WATCHED;
        while Instant::now() < until && !self.stop.is_cancelled() {
            let slot = self.sagas.slots().get(id).cloned();
            let Some(slot) = slot else { return };
            // What was under way at the crash has its answer once the count is back at none.
            let is_cleared = {
                let held = slot.held.lock().await;
                held.carrying == 0 || held.known.as_ref().is_some_and(|known| known.saga.crashes() == 0)
            };
            if is_cleared {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
