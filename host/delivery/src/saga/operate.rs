//! What operators, guests and events do to sagas that are there.

use std::sync::Arc;

use serde_json::Value;
use switchyard_core::{
    saga::{Event, Refused, Saga, SagaId},
    timestamp::Timestamp,
};

use super::{turn::Claim, view};
use crate::{delivery::Delivery, error::Error};

// === impl Delivery ===

impl Delivery {
    /// Has a saga undone; it ends failed, `cancelled`. Answers it as it stands then.
    ///
    /// # Errors
    /// [`Conflict`](Error::Conflict) when it turns back already, has ended, or is at its pivot or past it; when there is
    /// none, or the store cannot take it.
    pub async fn cancel_saga(&self, id: &str) -> Result<Value, Error> {
        self.operate(id, |saga, now| saga.cancel(now)).await
    }

    /// Has a saga that is stuck tried again, with other data if some is given.
    ///
    /// # Errors
    /// [`Conflict`](Error::Conflict) when it is not stuck; when the data does not hold, or as
    /// [`cancel_saga`](Self::cancel_saga).
    pub async fn retry_saga(&self, id: &str, data: Option<Value>) -> Result<Value, Error> {
        self.operate(id, move |saga, now| saga.retry(data.clone(), now)).await
    }

    /// Has a saga undone because an operator says so, also one that is stuck.
    ///
    /// # Errors
    /// [`Conflict`](Error::Conflict) when it turns back by itself, has ended, or is past its pivot; as
    /// [`cancel_saga`](Self::cancel_saga).
    pub async fn compensate_saga(&self, id: &str) -> Result<Value, Error> {
        self.operate(id, |saga, now| saga.force_compensation(now)).await
    }

    /// Hands a saga a signal that a step of it waits for, or will.
    ///
    /// # Errors
    /// [`Conflict`](Error::Conflict) when there is no such step; when there is no room for the data, or as
    /// [`cancel_saga`](Self::cancel_saga).
    pub async fn signal_saga(&self, id: &str, name: &str, data: Value) -> Result<Value, Error> {
        let name = name.to_owned();
        self.operate(id, move |saga, now| saga.signal(&name, data.clone(), now)).await
    }

    async fn operate(
        &self,
        id: &str,
        wish: impl Fn(&Saga, Timestamp) -> Result<Event, Refused> + Send + Sync + 'static,
    ) -> Result<Value, Error> {
        let id = known_id(id)?;
        self.to_the_end(move |me| async move {
            me.turn(&id, Claim::Take, |saga, now| Ok(Some(wish(saga, now)?)), view::shown).await
        })
        .await
    }

    /// Does something to its end, even when whoever asked for it does not wait.
    pub(super) async fn to_the_end<T, F>(&self, act: impl FnOnce(Arc<Self>) -> F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let stopping = || Error::Unavailable("the host is stopping".to_owned());
        let me = self.me().ok_or_else(stopping)?;
        self.tasks.spawn(act(me)).await.unwrap_or_else(|_| Err(stopping()))
    }
}

/// The id of a saga that is asked for: one that cannot be is one that is not there.
pub(super) fn known_id(id: &str) -> Result<SagaId, Error> {
    id.parse().map_err(|_| Error::NotFound(format!("there is no saga '{id}'")))
}
