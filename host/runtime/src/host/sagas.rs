//! `switchyard:plugin/sagas`: starting sagas, looking at them, and having a say.

use switchyard_core::saga::{DATA_MAX, Snapshot, StartDraft, Started, Status, id::NAME_MAX};

use super::platform::{
    origin, saga_types as wit,
    sagas::{self, Error, Host},
    within,
};
use crate::{ports::SagasError, state::GuestState};

impl wit::Host for GuestState {}

impl Host for GuestState {
    async fn start(&mut self, saga: wit::Draft) -> Result<wit::Started, Error> {
        let origin = origin(self).map_err(Error::Unavailable)?;
        let draft = draft(saga).map_err(Error::Invalid)?;
        Ok(started(self.shared.ports.sagas.clone().start(origin, draft).await?))
    }

    async fn get(&mut self, id: String) -> Result<sagas::Snapshot, Error> {
        let origin = origin(self).map_err(Error::Unavailable)?;
        check_id(&id)?;
        Ok(snapshot(self.shared.ports.sagas.clone().get(origin, &id).await?))
    }

    async fn signal(&mut self, id: String, name: String, data: Vec<u8>) -> Result<(), Error> {
        let origin = origin(self).map_err(Error::Unavailable)?;
        check_id(&id)?;
        within("signal's name", name.len(), NAME_MAX).map_err(Error::Invalid)?;
        within("data", data.len(), DATA_MAX).map_err(Error::Invalid)?;
        Ok(self.shared.ports.sagas.clone().signal(origin, &id, &name, data.into()).await?)
    }

    async fn cancel(&mut self, id: String) -> Result<(), Error> {
        let origin = origin(self).map_err(Error::Unavailable)?;
        check_id(&id)?;
        Ok(self.shared.ports.sagas.clone().cancel(origin, &id).await?)
    }
}

/// What is so long is no saga's, so it need not be looked for.
fn check_id(id: &str) -> Result<(), Error> {
    within("saga's id", id.len(), NAME_MAX).map_err(Error::NotFound)
}

/// A guest's draft, within the limits of a saga's size.
pub(super) fn draft(said: wit::Draft) -> Result<StartDraft, String> {
    within("data", said.data.len(), DATA_MAX)?;
    within("saga's name", said.name.len(), NAME_MAX)?;
    within("saga's id", said.id.as_deref().unwrap_or_default().len(), NAME_MAX)?;
    Ok(StartDraft { name: said.name, id: said.id, data: said.data.into() })
}

pub(super) fn started(started: Started) -> wit::Started {
    wit::Started { id: started.id.into(), existing: started.existing }
}

fn snapshot(found: Snapshot) -> sagas::Snapshot {
    sagas::Snapshot {
        id: found.id.into(),
        name: found.name,
        status: match found.status {
            Status::Running => sagas::Status::Running,
            Status::Waiting => sagas::Status::Waiting,
            Status::Compensating => sagas::Status::Compensating,
            Status::Completed => sagas::Status::Completed,
            Status::Failed => sagas::Status::Failed,
            Status::Stuck => sagas::Status::Stuck,
        },
        current_step: found.current_step,
        data: found.data.into(),
        error: found.error,
    }
}

impl From<SagasError> for Error {
    fn from(error: SagasError) -> Self {
        match error {
            SagasError::NotFound(text) => Self::NotFound(text),
            SagasError::Invalid(text) => Self::Invalid(text),
            SagasError::Conflict(text) => Self::Conflict(text),
            SagasError::Denied(text) => Self::Denied(text),
            SagasError::Unavailable(text) => Self::Unavailable(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{Recorder, context, guest};

    fn said() -> wit::Draft {
        wit::Draft { name: "order".to_owned(), id: Some("o1".to_owned()), data: b"{}".to_vec() }
    }

    #[test]
    fn a_draft_is_bounded_before_it_goes_on() {
        let expected =
            StartDraft { name: "order".to_owned(), id: Some("o1".to_owned()), data: bytes::Bytes::from_static(b"{}") };
        assert_eq!(draft(said()), Ok(expected));
        let long = "a".repeat(NAME_MAX + 1);
        assert!(draft(wit::Draft { data: vec![0; DATA_MAX + 1], ..said() }).is_err());
        assert!(draft(wit::Draft { id: Some(long.clone()), ..said() }).is_err());
        assert!(draft(wit::Draft { name: long, ..said() }).is_err());
        assert!(draft(wit::Draft { data: vec![0; DATA_MAX], id: None, name: "a".repeat(NAME_MAX) }).is_ok());
    }

    #[tokio::test]
    async fn what_a_guest_wants_of_sagas_reaches_the_port_within_limits() {
        let recorder: Arc<Recorder> = Arc::default();
        let mut store = guest(&recorder);
        let state = store.data_mut();
        let (id, name, long) = (|| "s1".to_owned(), || "approved".to_owned(), || "a".repeat(NAME_MAX + 1));
        assert!(matches!(state.start(said()).await, Err(Error::Unavailable(_))), "it is in no call");
        state.begin(context(&[]));
        let started = state.start(said()).await.unwrap();
        assert_eq!((started.id.as_str(), started.existing), ("s1", false));
        let found = state.get(id()).await.unwrap();
        assert_eq!((found.id.as_str(), found.name.as_str(), found.current_step), ("s1", "order", 2));
        assert_eq!((found.data.as_slice(), found.error.as_deref()), (&b"{}"[..], Some("no stock")));
        assert!(matches!(found.status, sagas::Status::Stuck));
        state.signal(id(), name(), b"1".to_vec()).await.unwrap();
        assert!(matches!(state.cancel(id()).await, Err(Error::Conflict(text)) if text.contains("completed")));
        assert!(matches!(state.get(long()).await, Err(Error::NotFound(_))));
        assert!(matches!(state.cancel(long()).await, Err(Error::NotFound(_))));
        assert!(matches!(state.signal(long(), name(), Vec::new()).await, Err(Error::NotFound(_))));
        assert!(matches!(state.signal(id(), long(), Vec::new()).await, Err(Error::Invalid(_))));
        assert!(matches!(state.signal(id(), name(), vec![0; DATA_MAX + 1]).await, Err(Error::Invalid(_))));
        let expected =
            ["start order as Some(\"o1\") with b\"{}\"", "get s1", "signal approved to s1 with b\"1\"", "cancel s1"];
        assert_eq!(*recorder.asked.lock().unwrap(), expected);
    }
}
