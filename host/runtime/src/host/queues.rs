//! `switchyard:plugin/queues`: enqueueing, and consuming by hand.

use std::time::Duration;

use switchyard_core::{
    event::DATA_MAX,
    message::{Draft, Leased, QUEUE_NAME_MAX},
};

use super::{
    cut,
    platform::{
        check_name, origin, queue_types as wit,
        queues::{Error, Host},
        within,
    },
};
use crate::{
    ports::{QueuesError, Settlement},
    settings::LEASE_MAX,
    state::GuestState,
};

impl wit::Host for GuestState {}

impl Host for GuestState {
    async fn enqueue(&mut self, message: wit::Draft) -> Result<String, Error> {
        let origin = origin(self).map_err(Error::Unavailable)?;
        let draft = draft(message).map_err(Error::Invalid)?;
        Ok(self.shared.ports.queues.clone().enqueue(origin, draft).await?)
    }

    async fn lease(
        &mut self,
        queue: String,
        max: u32,
        visibility_timeout: Option<u64>,
    ) -> Result<Vec<wit::Message>, Error> {
        let origin = origin(self).map_err(Error::Unavailable)?;
        check_queue(&queue)?;
        if max == 0 {
            return Ok(Vec::new());
        }
        let timeout = visibility_timeout.map(Duration::from_millis);
        let leased = self.shared.ports.queues.clone().lease(origin, &queue, max.min(LEASE_MAX), timeout).await?;
        Ok(leased.into_iter().map(message).collect())
    }

    async fn ack(&mut self, queue: String, id: String, token: String) -> Result<(), Error> {
        settle(self, queue, id, token, Settlement::Ack).await
    }

    async fn nack(
        &mut self,
        queue: String,
        id: String,
        token: String,
        reason: String,
        delay: Option<u64>,
    ) -> Result<(), Error> {
        let how = Settlement::Nack { reason: cut(reason), delay: delay.map(Duration::from_millis) };
        settle(self, queue, id, token, how).await
    }

    async fn reject(&mut self, queue: String, id: String, token: String, reason: String) -> Result<(), Error> {
        settle(self, queue, id, token, Settlement::Reject { reason: cut(reason) }).await
    }

    async fn extend(&mut self, queue: String, id: String, token: String, visibility_timeout: u64) -> Result<(), Error> {
        settle(self, queue, id, token, Settlement::Extend(Duration::from_millis(visibility_timeout))).await
    }
}

async fn settle(
    state: &mut GuestState,
    queue: String,
    id: String,
    token: String,
    how: Settlement,
) -> Result<(), Error> {
    let origin = origin(state).map_err(Error::Unavailable)?;
    check_queue(&queue)?;
    // What is so long was never given out.
    if check_name("id", &id).is_err() || check_name("token", &token).is_err() {
        return Err(Error::NotLeased);
    }
    Ok(state.shared.ports.queues.clone().settle(origin, &queue, &id, &token, how).await?)
}

fn check_queue(name: &str) -> Result<(), Error> {
    within("queue's name", name.len(), QUEUE_NAME_MAX).map_err(Error::Invalid)
}

/// A guest's draft, within the limits of a message's size.
pub(super) fn draft(said: wit::Draft) -> Result<Draft, String> {
    within("data", said.data.len(), DATA_MAX)?;
    within("queue's name", said.queue.len(), QUEUE_NAME_MAX)?;
    check_name("dedup id", said.dedup_id.as_deref().unwrap_or_default())?;
    Ok(Draft {
        queue: said.queue,
        data: said.data.into(),
        priority: said.priority,
        delay: said.delay.map(Duration::from_millis),
        dedup_id: said.dedup_id,
    })
}

fn message(leased: Leased) -> wit::Message {
    wit::Message {
        id: (*leased.id).to_owned(),
        queue: (*leased.queue).to_owned(),
        token: (*leased.token).to_owned(),
        data: leased.data.into(),
        priority: leased.priority,
        attempt: leased.attempt,
        enqueued_at: leased.enqueued_at.to_string(),
    }
}

impl From<QueuesError> for Error {
    fn from(error: QueuesError) -> Self {
        match error {
            QueuesError::Full(text) => Self::Full(text),
            QueuesError::NotFound(text) => Self::NotFound(text),
            QueuesError::NotLeased(_) => Self::NotLeased,
            QueuesError::Invalid(text) => Self::Invalid(text),
            QueuesError::Denied(text) => Self::Denied(text),
            QueuesError::Unavailable(text) => Self::Unavailable(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        settings::NAME_BYTES_MAX,
        testing::{Recorder, context, guest},
    };

    fn said() -> wit::Draft {
        wit::Draft {
            queue: "emails".to_owned(),
            data: b"hello".to_vec(),
            priority: 9,
            delay: Some(1_500),
            dedup_id: Some("e1".to_owned()),
        }
    }

    #[test]
    fn a_draft_keeps_all_that_was_said() {
        let expected = Draft {
            queue: "emails".to_owned(),
            data: bytes::Bytes::from_static(b"hello"),
            priority: 9,
            delay: Some(Duration::from_millis(1_500)),
            dedup_id: Some("e1".to_owned()),
        };
        assert_eq!(draft(said()), Ok(expected));
    }

    #[test]
    fn a_draft_is_bounded_before_it_goes_on() {
        assert!(draft(wit::Draft { data: vec![0; DATA_MAX + 1], ..said() }).is_err());
        assert!(draft(wit::Draft { queue: "a".repeat(QUEUE_NAME_MAX + 1), ..said() }).is_err());
        assert!(draft(wit::Draft { dedup_id: Some("a".repeat(NAME_BYTES_MAX + 1)), ..said() }).is_err());
    }

    #[tokio::test]
    async fn what_a_consumer_asks_reaches_the_port_within_limits() {
        let recorder: Arc<Recorder> = Arc::default();
        let mut store = guest(&recorder);
        let state = store.data_mut();
        let name = |name: &str| name.to_owned();
        assert!(matches!(state.enqueue(said()).await, Err(Error::Unavailable(_))), "it is in no call");
        state.begin(context(&[]));
        assert_eq!(state.enqueue(said()).await.unwrap(), "m1");
        state.lease(name("emails"), u32::MAX, Some(2_000)).await.unwrap();
        state.lease(name("emails"), 0, None).await.unwrap();
        state.nack(name("emails"), name("m1"), name("t1"), name("no"), None).await.unwrap();
        state.extend(name("emails"), name("m1"), name("t1"), 5_000).await.unwrap();
        let long = "a".repeat(NAME_BYTES_MAX + 1);
        assert!(matches!(state.ack(name("emails"), name("m1"), long.clone()).await, Err(Error::NotLeased)));
        assert!(matches!(state.ack(long, name("m1"), name("t1")).await, Err(Error::Invalid(_))));
        let expected = [
            "enqueue emails",
            "lease 100 of emails for Some(2s)",
            "Nack { reason: \"no\", delay: None } emails/m1 by t1",
            "Extend(5s) emails/m1 by t1",
        ];
        assert_eq!(*recorder.asked.lock().unwrap(), expected);
    }
}
