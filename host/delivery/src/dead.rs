//! Dead letters: listed, looked at, delivered again, discarded.

use std::{sync::Arc, time::Duration};

use switchyard_core::event::codec;
use switchyard_store::{
    Batch, CursorOp, DeadLetter, DeadOp, DeadOrigin, Enqueue, ListDead, QueueOp, Retry, StoreError,
};

use crate::{
    clock,
    delivery::Delivery,
    envelope,
    error::Error,
    queue::{json_data, original_message},
    view::DeadLetterView,
};

/// How many redrives of many dead letters may run at once.
const REDRIVES_MAX: usize = 4;

// === impl Delivery ===

impl Delivery {
    /// Dead letters, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn dead_letters(&self, list: ListDead) -> Result<Vec<DeadLetterView>, Error> {
        Ok(self.store.dead_letters(list).await?.into_iter().map(view).collect())
    }

    /// One dead letter.
    ///
    /// # Errors
    /// [`NotFound`](Error::NotFound); when the store cannot be read.
    pub async fn dead_letter(&self, id: &str) -> Result<DeadLetterView, Error> {
        Ok(view(self.letter(id).await?))
    }

    /// Forgets a dead letter.
    ///
    /// # Errors
    /// [`NotFound`](Error::NotFound); when the store cannot take it.
    pub async fn discard(&self, id: &str) -> Result<(), Error> {
        let remove = Batch::new().with(DeadOp::Remove { id: id.into() });
        self.store.commit(remove).await.map(drop).map_err(|error| missing(id, error))
    }

    /// Delivers a dead letter again: to the subscription or queue that it came from, with all its attempts.
    ///
    /// # Errors
    /// [`NotFound`](Error::NotFound) when there is none, [`Conflict`](Error::Conflict) when its subscription is gone,
    /// [`QueueFull`](Error::QueueFull).
    pub async fn redrive(&self, id: &str) -> Result<(), Error> {
        let letter = self.letter(id).await?;
        let remove = Batch::new().with(DeadOp::Remove { id: id.into() });
        match &letter.origin {
            DeadOrigin::Message { queue, id: message, priority, .. } => {
                let now = clock::now();
                let enqueue = Enqueue {
                    queue: Arc::clone(queue),
                    id: Arc::clone(message),
                    data: letter.record.clone(),
                    priority: *priority,
                    enqueued_at: now,
                    ready_at: now,
                    dedup: None,
                    size_max: self.config().queue(queue).max_size,
                };
                let batch = remove.with(QueueOp::Enqueue(enqueue));
                self.store.commit(batch).await.map(drop).map_err(|error| missing(id, error))
            }
            DeadOrigin::Event { subscription, sequence, .. } => {
                let event = Arc::new(codec::decode(&letter.record)?);
                let again = Retry {
                    sequence: *sequence,
                    attempts: 0,
                    due: clock::now(),
                    reason: Arc::clone(&letter.error),
                    record: Some(letter.record.clone()),
                };
                let redeliver = CursorOp::Redeliver { name: Arc::clone(subscription), retry: again };
                self.store.commit(remove.with(redeliver)).await.map_err(|error| match error {
                    StoreError::Conflict { op: 1, .. } => Error::Conflict(format!(
                        "the subscription {subscription} is gone; bring it back, or discard the dead letter"
                    )),
                    error => missing(id, error),
                })?;
                if let Some(running) = self.subscriptions.named(subscription) {
                    running.redeliver(*sequence, event, letter.record.len());
                }
                Ok(())
            }
        }
    }

    /// Delivers many dead letters again, so many a second, on a task of its own; answers how many it will be.
    ///
    /// # Errors
    /// [`Conflict`](Error::Conflict) when several such tasks run already; when the store cannot be read.
    pub async fn redrive_all(&self, list: ListDead, per_second: u32) -> Result<u64, Error> {
        let place = Arc::clone(&self.redrives).try_acquire_owned().map_err(|_| {
            Error::Conflict(format!("{REDRIVES_MAX} redrives run already; wait until one of them is done"))
        })?;
        let letters = self.store.dead_letters(list).await?;
        let count = letters.len() as u64;
        let Some(me) = self.me() else { return Ok(0) };
        let period = Duration::from_secs(1) / per_second.max(1);
        self.tasks.spawn(async move {
            let mut tick = tokio::time::interval(period);
            for letter in letters {
                tokio::select! {
                    _ = tick.tick() => {}
                    () = me.stop.cancelled() => break,
                }
                if let Err(error) = me.redrive(&letter.id).await {
                    tracing::warn!(letter = &*letter.id, %error, "a dead letter was not redriven");
                }
            }
            drop(place);
        });
        Ok(count)
    }

    async fn letter(&self, id: &str) -> Result<DeadLetter, Error> {
        let letter = self.store.dead_letter(id).await?;
        letter.ok_or_else(|| Error::NotFound(format!("there is no dead letter {id}")))
    }

    /// The places of tasks that redrive many.
    pub(crate) fn redrive_places() -> Arc<tokio::sync::Semaphore> {
        Arc::new(tokio::sync::Semaphore::new(REDRIVES_MAX))
    }
}

/// Somebody else had it first.
fn missing(id: &str, error: StoreError) -> Error {
    match error {
        StoreError::Conflict { op: 0, .. } => Error::NotFound(format!("there is no dead letter {id}")),
        error => error.into(),
    }
}

fn view(letter: DeadLetter) -> DeadLetterView {
    let empty = DeadLetterView {
        id: letter.id.as_ref().to_owned(),
        kind: "event",
        subscription: None,
        topic: None,
        queue: None,
        original_event: None,
        original_message: None,
        attempts: letter.attempts,
        error: letter.error.as_ref().to_owned(),
        failed_at: letter.failed_at,
    };
    match letter.origin {
        DeadOrigin::Event { subscription, topic, .. } => DeadLetterView {
            subscription: Some(subscription.as_ref().to_owned()),
            topic: Some(topic.as_ref().to_owned()),
            original_event: codec::decode(&letter.record).ok().map(|event| event.to_json()),
            ..empty
        },
        DeadOrigin::Message { queue, id, priority, enqueued_at } => {
            let (_, data) = envelope::decode(&letter.record);
            DeadLetterView {
                kind: "message",
                queue: Some(queue.as_ref().to_owned()),
                original_message: Some(original_message(&id, &json_data(&data), priority, enqueued_at)),
                ..empty
            }
        }
    }
}
