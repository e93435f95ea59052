//! Messages that failed for good: to the queue that is named for them, else to the dead letters.

use std::sync::Arc;

use serde_json::{Value, json};
use switchyard_core::timestamp::Timestamp;
use switchyard_store::{Batch, DeadLetter, DeadOp, DeadOrigin, Enqueue, QueueOp, StoreError, StoredMessage};

use super::{json_data, lease_ref};
use crate::{clock, delivery::Delivery, envelope, error::Error, publish::shared, random};

// === impl Delivery ===

impl Delivery {
    /// Ends a leased message for good.
    pub(super) async fn bury_message(
        &self,
        queue: &Arc<str>,
        message: &StoredMessage,
        token: &str,
        attempts: u32,
        error: &str,
    ) -> Result<(), Error> {
        tracing::warn!(queue = &**queue, message = &*message.id, attempts, error, "a message is a dead letter");
        let now = clock::now();
        let fail = QueueOp::Fail { lease: lease_ref(queue, &message.id, token, now) };
        if let Some(other) = self.config().queue(queue).dead_letter_queue {
            let moved = self.moved(&other, message, error, now);
            match self.store.commit(Batch::new().with(fail.clone()).with(QueueOp::Enqueue(moved))).await {
                Ok(_) => return Ok(()),
                // The store of dead letters takes what the queue cannot.
                Err(
                    error @ (StoreError::QueueFull { .. } | StoreError::TooLarge { .. } | StoreError::TooMany { .. }),
                ) => {
                    tracing::warn!(queue = &**queue, to = other, %error, "the dead-letter queue refuses");
                }
                Err(error) => return Err(error.into()),
            }
        }
        let letter = DeadLetter {
            id: random::id().into(),
            origin: DeadOrigin::Message {
                queue: Arc::clone(queue),
                id: Arc::clone(&message.id),
                priority: message.priority,
                enqueued_at: message.enqueued_at,
            },
            attempts,
            error: shared(error),
            failed_at: now,
            record: message.data.clone(),
        };
        self.store.commit(Batch::new().with(fail).with(DeadOp::Put(letter))).await?;
        Ok(())
    }

    fn moved(&self, to: &str, message: &StoredMessage, error: &str, now: Timestamp) -> Enqueue {
        let (story, data) = envelope::decode(&message.data);
        let original = original_message(&message.id, &json_data(&data), message.priority, message.enqueued_at);
        let data = json!({ "originalMessage": original, "error": error, "failedAt": now });
        Enqueue {
            size_max: self.config().queue(to).max_size,
            queue: to.into(),
            id: random::id().into(),
            data: envelope::encode(&story, data.to_string().as_bytes()),
            priority: message.priority,
            enqueued_at: now,
            ready_at: now,
            dedup: None,
        }
    }
}

/// A message as its dead letter shows it.
pub(crate) fn original_message(id: &str, data: &Value, priority: u8, enqueued_at: Timestamp) -> Value {
    json!({ "id": id, "data": data, "priority": priority, "enqueuedAt": enqueued_at })
}
