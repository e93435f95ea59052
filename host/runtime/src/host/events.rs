//! `switchyard:plugin/events`: publishing.

use std::collections::BTreeMap;

use switchyard_core::event::{ATTRIBUTES_MAX, Attribute, DATA_MAX, Draft, Receipt, binding::BATCH_MAX};

use super::{
    DATASCHEMA,
    platform::{
        event_types as wit,
        events::{Error, Host},
        origin, within,
    },
};
use crate::{ports::EventsError, settings::BATCH_BYTES_MAX, state::GuestState};

impl wit::Host for GuestState {}

impl Host for GuestState {
    async fn publish(&mut self, event: wit::Draft) -> Result<wit::Receipt, Error> {
        let receipts = publish(self, vec![event]).await?;
        receipts.into_iter().next().ok_or_else(|| Error::Unavailable("the event has no receipt".to_owned()))
    }

    async fn publish_many(&mut self, events: Vec<wit::Draft>) -> Result<Vec<wit::Receipt>, Error> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        publish(self, events).await
    }
}

async fn publish(state: &mut GuestState, events: Vec<wit::Draft>) -> Result<Vec<wit::Receipt>, Error> {
    let origin = origin(state).map_err(Error::Unavailable)?;
    if events.len() > BATCH_MAX {
        let text = format!("{} events are over the limit of {BATCH_MAX}; publish them in parts", events.len());
        return Err(Error::Invalid(text));
    }
    let drafts: Vec<_> = events.into_iter().map(draft).collect::<Result<_, _>>().map_err(Error::Invalid)?;
    let bytes = drafts.iter().map(|draft| draft.data.as_ref().map_or(0, bytes::Bytes::len)).sum();
    within("data of all events", bytes, BATCH_BYTES_MAX).map_err(Error::Invalid)?;
    let receipts = state.shared.ports.events.clone().publish(origin, drafts).await?;
    Ok(receipts.into_iter().map(receipt).collect())
}

/// A guest's draft, within the limits of an event's size.
pub(super) fn draft(said: wit::Draft) -> Result<Draft, String> {
    within("data", said.data.len(), DATA_MAX)?;
    within("envelope", envelope_bytes(&said), ATTRIBUTES_MAX)?;
    let mut extensions = BTreeMap::new();
    for (name, value) in said.extensions {
        if extensions.contains_key(&name) {
            return Err(format!("the extension '{name}' is there twice"));
        }
        extensions.insert(name, value);
    }
    Ok(Draft {
        topic: said.topic,
        id: said.id,
        source: said.source,
        time: said.time,
        subject: said.subject,
        datacontenttype: said.datacontenttype,
        dataschema: extensions.remove(DATASCHEMA),
        correlationid: said.correlationid,
        causationid: said.causationid,
        traceparent: None,
        partitionkey: said.partitionkey,
        extensions: extensions.into_iter().map(|(name, value)| (name, Attribute::String(value))).collect(),
        data: Some(said.data.into()).filter(|data: &bytes::Bytes| !data.is_empty()),
    })
}

/// The bytes of all attributes; a pair counts one more, so that their number is bounded too.
fn envelope_bytes(said: &wit::Draft) -> usize {
    let optional = [
        &said.id,
        &said.source,
        &said.time,
        &said.subject,
        &said.datacontenttype,
        &said.correlationid,
        &said.causationid,
        &said.partitionkey,
    ];
    let attributes: usize = optional.into_iter().flatten().map(String::len).sum();
    let extensions: usize = said.extensions.iter().map(|(name, value)| name.len() + value.len() + 1).sum();
    said.topic.len() + attributes + extensions
}

pub(super) fn receipt(receipt: Receipt) -> wit::Receipt {
    wit::Receipt { id: receipt.id, sequence: receipt.sequence, duplicate: receipt.duplicate }
}

impl From<EventsError> for Error {
    fn from(error: EventsError) -> Self {
        match error {
            EventsError::Invalid(text) => Self::Invalid(text),
            EventsError::Rejected(text) => Self::Rejected(text),
            EventsError::Denied(text) => Self::Denied(text),
            EventsError::Unavailable(text) => Self::Unavailable(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{context, guest};

    fn said() -> wit::Draft {
        wit::Draft {
            topic: "order.created".to_owned(),
            data: b"{}".to_vec(),
            id: None,
            source: None,
            time: None,
            subject: None,
            datacontenttype: None,
            correlationid: None,
            causationid: None,
            partitionkey: Some("17".to_owned()),
            extensions: Vec::new(),
        }
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn a_draft_keeps_all_that_was_said() {
        let extensions = vec![pair("tenant", "a"), pair("dataschema", "https://example.com/order")];
        let made = draft(wit::Draft { extensions, ..said() }).unwrap();
        assert_eq!((made.topic.as_str(), made.partitionkey.as_deref()), ("order.created", Some("17")));
        assert_eq!(made.dataschema.as_deref(), Some("https://example.com/order"));
        assert_eq!(made.extensions, [("tenant".to_owned(), Attribute::String("a".to_owned()))].into());
        assert_eq!(made.data.as_deref(), Some(&b"{}"[..]));
        assert_eq!(draft(wit::Draft { data: Vec::new(), ..said() }).unwrap().data, None);
    }

    #[tokio::test]
    async fn events_of_one_call_are_published_together_or_not_at_all() {
        let recorder = Arc::default();
        let mut store = guest(&recorder);
        let state = store.data_mut();
        assert!(matches!(state.publish(said()).await, Err(Error::Unavailable(_))), "it is in no call");
        state.begin(context(&[]));
        let other = wit::Draft { topic: "other".to_owned(), ..said() };
        let receipts = state.publish_many(vec![said(), other]).await.unwrap();
        assert_eq!(receipts.iter().map(|receipt| receipt.sequence).collect::<Vec<_>>(), [1, 2]);
        assert!(state.publish_many(Vec::new()).await.unwrap().is_empty());
        for refused in [vec![said(); BATCH_MAX + 1], vec![wit::Draft { data: vec![0; DATA_MAX], ..said() }; 17]] {
            assert!(matches!(state.publish_many(refused).await, Err(Error::Invalid(_))));
        }
        assert_eq!(recorder.published.lock().unwrap().len(), 1);
    }

    #[track_caller]
    fn refused(said: wit::Draft, expected: &str) {
        let error = draft(said).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_draft_is_bounded_before_it_goes_on() {
        refused(wit::Draft { data: vec![0; DATA_MAX + 1], ..said() }, "the data has");
        refused(wit::Draft { subject: Some("a".repeat(ATTRIBUTES_MAX)), ..said() }, "the envelope has");
        refused(wit::Draft { extensions: vec![pair("", ""); ATTRIBUTES_MAX], ..said() }, "the envelope has");
        refused(wit::Draft { extensions: vec![pair("a", "1"), pair("a", "2")], ..said() }, "'a' is there twice");
    }
}
