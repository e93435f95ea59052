//! What participants answer becomes part of the saga, however long the store takes.

use std::sync::Arc;

use switchyard_core::saga::{CommandId, Outcome, SagaId};

use super::turn::Claim;
use crate::{
    delivery::{Delivery, STORE_RETRY},
    error::Error,
    random,
};

// === impl Delivery ===

impl Delivery {
    /// Records how an attempt ended. A second answer, or a late one, is counted and changes nothing.
    pub async fn answered(self: &Arc<Self>, id: &SagaId, command: CommandId, outcome: Outcome) {
        loop {
            let jitter = random::fraction();
            let recorded = self
                .turn(id, Claim::Keep, |saga, now| Ok(saga.record(command, outcome.clone(), now, jitter)), |_| ())
                .await;
            match recorded {
                Ok(()) => return,
                // The answer is known, so that asking again would be worse than waiting. Its deadline passes meanwhile,
                // if it comes to that, which needs the store as well.
                Err(Error::Unavailable(error)) => {
                    tracing::warn!(saga = %id, step = command.step, error, "an answer waits for the store");
                    tokio::time::sleep(STORE_RETRY).await;
                }
                Err(Error::Conflict(reason)) => {
                    tracing::warn!(saga = %id, step = command.step, reason, "an answer is of no concern any more");
                    return;
                }
                Err(error) => {
                    tracing::error!(saga = %id, step = command.step, %error, "an answer cannot be recorded");
                    return;
                }
            }
        }
    }
}
