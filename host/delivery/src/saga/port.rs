//! What guests reach: `switchyard:plugin/sagas`, each call checked against the grants of its service.

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;
use switchyard_core::saga::{Snapshot, StartDraft, Started};
use switchyard_runtime::ports::{Origin, Sagas, SagasError};

use super::operate::known_id;
use crate::{delivery::Delivery, error::Error, publish::Publisher};

#[async_trait]
impl Sagas for Delivery {
    async fn start(&self, origin: Origin, draft: StartDraft) -> Result<Started, SagasError> {
        self.start_saga(Publisher::service(origin), draft).await.map_err(sagas_error)
    }

    async fn get(&self, origin: Origin, id: &str) -> Result<Snapshot, SagasError> {
        self.granted(&origin, id).await.map_err(sagas_error)
    }

    async fn signal(&self, origin: Origin, id: &str, name: &str, data: Bytes) -> Result<(), SagasError> {
        self.granted(&origin, id).await.map_err(sagas_error)?;
        let data = match data.trim_ascii() {
            b"" => Value::Null,
            json => serde_json::from_slice(json)
                .map_err(|error| SagasError::Invalid(format!("the data of the signal is no JSON: {error}")))?,
        };
        self.signal_saga(id, name, data).await.map(drop).map_err(sagas_error)
    }

    async fn cancel(&self, origin: Origin, id: &str) -> Result<(), SagasError> {
        self.granted(&origin, id).await.map_err(sagas_error)?;
        self.cancel_saga(id).await.map(drop).map_err(sagas_error)
    }
}

// === impl Delivery ===

impl Delivery {
    /// A saga that a service may use.
    async fn granted(&self, origin: &Origin, id: &str) -> Result<Snapshot, Error> {
        let saga = self.read_saga(&known_id(id)?).await?.saga;
        self.config().may_use_saga(&origin.service, saga.definition().name())?;
        Ok(Snapshot {
            id: saga.id().clone(),
            name: saga.definition().name().to_owned(),
            status: saga.status(),
            current_step: saga.current_step(),
            // Maps with string keys always serialise.
            data: serde_json::to_vec(saga.data()).unwrap_or_default().into(),
            error: saga.error().map(str::to_owned),
        })
    }
}

fn sagas_error(error: Error) -> SagasError {
    let text = error.to_string();
    match error {
        Error::NotFound(_) => SagasError::NotFound(text),
        Error::Conflict(_) => SagasError::Conflict(text),
        Error::Denied(_) => SagasError::Denied(text),
        Error::Invalid(_) | Error::InvalidEvent(_) | Error::TooLarge(_) | Error::Rejected(_) | Error::NotLeased(_) => {
            SagasError::Invalid(text)
        }
        Error::QueueFull(_) | Error::Busy(_) | Error::Unavailable(_) => SagasError::Unavailable(text),
    }
}
