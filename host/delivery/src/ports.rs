//! What guests reach: the runtime's ports, each call checked against the grants of its service.

use std::time::Duration;

use async_trait::async_trait;
use switchyard_core::{event, message};
use switchyard_runtime::ports::{
    BatchCommitted, BatchError, BatchOp, Batches, Events, EventsError, Origin, Queues, QueuesError, Settlement,
};

use crate::{delivery::Delivery, error::Error, publish::Publisher};

#[async_trait]
impl Events for Delivery {
    async fn publish(&self, origin: Origin, drafts: Vec<event::Draft>) -> Result<Vec<event::Receipt>, EventsError> {
        self.publish(Publisher::service(origin), drafts).await.map_err(|error| {
            let text = error.to_string();
            match error {
                Error::Rejected(_) => EventsError::Rejected(text),
                Error::Denied(_) => EventsError::Denied(text),
                Error::InvalidEvent(_) | Error::Invalid(_) | Error::TooLarge(_) | Error::Conflict(_) => {
                    EventsError::Invalid(text)
                }
                _ => EventsError::Unavailable(text),
            }
        })
    }
}

#[async_trait]
impl Queues for Delivery {
    async fn enqueue(&self, origin: Origin, draft: message::Draft) -> Result<String, QueuesError> {
        Ok(self.enqueue(Publisher::service(origin), draft).await.map_err(queues_error)?.0)
    }

    async fn lease(
        &self,
        origin: Origin,
        queue: &str,
        max: u32,
        visibility_timeout: Option<Duration>,
    ) -> Result<Vec<message::Leased>, QueuesError> {
        self.config().may_use_queue(&origin.service, queue).map_err(queues_error)?;
        self.lease(queue, max, visibility_timeout).await.map_err(queues_error)
    }

    async fn settle(
        &self,
        origin: Origin,
        queue: &str,
        id: &str,
        token: &str,
        how: Settlement,
    ) -> Result<(), QueuesError> {
        self.config().may_use_queue(&origin.service, queue).map_err(queues_error)?;
        self.settle(queue, id, token, how).await.map_err(queues_error)
    }
}

#[async_trait]
impl Batches for Delivery {
    async fn commit(&self, origin: Origin, ops: Vec<BatchOp>) -> Result<BatchCommitted, BatchError> {
        self.commit_batch(origin, ops).await
    }
}

fn queues_error(error: Error) -> QueuesError {
    let text = error.to_string();
    match error {
        Error::QueueFull(_) => QueuesError::Full(text),
        Error::NotFound(_) => QueuesError::NotFound(text),
        Error::NotLeased(_) => QueuesError::NotLeased(text),
        Error::Denied(_) => QueuesError::Denied(text),
        Error::InvalidEvent(_) | Error::Invalid(_) | Error::TooLarge(_) | Error::Rejected(_) | Error::Conflict(_) => {
            QueuesError::Invalid(text)
        }
        Error::Busy(_) | Error::Unavailable(_) => QueuesError::Unavailable(text),
    }
}
