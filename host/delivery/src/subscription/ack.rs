//! Acknowledgement by the guest itself, in one commit with what it writes.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use switchyard_store::{Batch, CursorOp, Settled};

use super::{Subscription, settle};
use crate::{clock, delivery::Delivery};

/// An acknowledgement that is being committed. Its end must be told, however the commit ends.
pub(crate) struct Acking {
    subscription: Arc<Subscription>,
    sequence: u64,
    ticket: u64,
    epoch: u64,
    floor: u64,
}

// === impl Delivery ===

impl Delivery {
    /// Begins to acknowledge the event that is being handled; none when that delivery is over.
    pub(crate) fn begin_ack(&self, subscription: &str, sequence: u64) -> Option<Acking> {
        let subscription = self.subscriptions.named(subscription)?;
        let (epoch, (ticket, floor)) = {
            let mut progress = subscription.progress();
            let progress = progress.as_mut()?;
            (progress.epoch, progress.begin_ack(sequence)?)
        };
        Some(Acking { subscription, sequence, ticket, epoch, floor })
    }
}

// === impl Acking ===

impl Acking {
    /// Adds what records the success.
    pub(crate) fn push(&self, batch: &mut Batch) {
        let settle = CursorOp::Settle {
            name: Arc::clone(&self.subscription.name),
            epoch: self.epoch,
            sequence: self.sequence,
            floor: self.floor,
            settled: Settled::Done,
        };
        batch.push(settle.into());
        if self.subscription.declared().spec.once {
            settle::push_ended(batch, &self.subscription.name);
        }
    }

    /// The commit is done, or was refused.
    pub(crate) fn end(self, delivery: &Arc<Delivery>, committed: bool) {
        let ended = {
            let mut progress = self.subscription.progress();
            let current = progress.as_mut().filter(|progress| progress.epoch == self.epoch);
            current.and_then(|progress| progress.end_ack(self.sequence, self.ticket, committed))
        };
        let subscription = self.subscription;
        if committed {
            subscription.counters.succeeded(clock::now());
            if subscription.declared().spec.once {
                subscription.ended.store(true, Relaxed);
            }
        }
        if let Some((go, outcome)) = ended {
            let (subscription, delivery, epoch) = (Arc::clone(&subscription), Arc::clone(delivery), self.epoch);
            let tasks = delivery.tasks.clone();
            tasks.spawn(async move { subscription.record(&delivery, epoch, go, None, outcome).await });
        }
        subscription.wake.notify_one();
    }
}
