//! Sagas in the store.
//!
//! | bucket | key | value |
//! | --- | --- | --- |
//! | `$sagas` | ID | the owner and the story, then the state |
//! | `$saga-journal` | ID/SEQUENCE | events of the journal that came in one commit, the first of them having that number |
//! | `$saga-journal` | ID/definition | the definition that it keeps |
//! | `$saga-open` | ID | nothing |
//! | `$saga-stuck`, `$saga-completed`, `$saga-failed` | MOMENT/ID | nothing; when it began, or ended |
//! | `$saga-owners` | OWNER | nothing; one that stopped in good order |

use bytes::{BufMut, Bytes};
use serde::{Deserialize, Serialize};
use switchyard_core::{
    saga::{Definition, Event, Saga, SagaId, Status, codec},
    timestamp::Timestamp,
};

use crate::error::Error;

pub(super) const STATES: &str = "$sagas";
pub(super) const JOURNAL: &str = "$saga-journal";
pub(super) const OPEN: &str = "$saga-open";
pub(super) const STUCK: &str = "$saga-stuck";
pub(super) const COMPLETED: &str = "$saga-completed";
pub(super) const FAILED: &str = "$saga-failed";
pub(super) const OWNERS: &str = "$saga-owners";

/// What a saga carries besides its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Story {
    /// Whose turn the last one was.
    pub(super) owner: String,
    /// How many events its journal has.
    pub(super) events: u64,
    /// Shared by all that its start led to.
    pub(super) correlationid: String,
    /// The trace in which it was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) traceparent: Option<String>,
}

/// In which list of sagas one stands, and under which key.
pub(super) fn listed(saga: &Saga) -> (&'static str, String) {
    let at = |moment: Timestamp| format!("{moment}/{}", saga.id());
    match saga.status() {
        Status::Running | Status::Waiting | Status::Compensating => (OPEN, saga.id().to_string()),
        Status::Stuck => (STUCK, at(saga.started_at())),
        Status::Completed => (COMPLETED, at(saga.ended_at().unwrap_or_else(|| saga.started_at()))),
        Status::Failed => (FAILED, at(saga.ended_at().unwrap_or_else(|| saga.started_at()))),
    }
}

/// The id in a key of a list.
pub(super) fn id_of(key: &str) -> Option<SagaId> {
    key.rsplit('/').next()?.parse().ok()
}

/// The key of the events of a journal from this number on.
pub(super) fn journal_key(id: &SagaId, first: u64) -> String {
    format!("{id}/{first:010}")
}

pub(super) fn definition_key(id: &SagaId) -> String {
    format!("{id}/definition")
}

/// A saga as it is stored: the length of the story, the story, the state.
pub(super) fn encode(story: &Story, saga: &Saga) -> Bytes {
    // Texts and numbers always serialise.
    let story = serde_json::to_vec(story).unwrap_or_default();
    let state = codec::encode_saga(saga);
    let mut bytes = Vec::with_capacity(size_of::<u32>() + story.len() + state.len());
    put(&mut bytes, &story);
    bytes.extend_from_slice(&state);
    bytes.into()
}

/// The story and the state of a stored saga.
///
/// # Errors
/// When it is damaged.
pub(super) fn split<'a>(id: &str, bytes: &'a [u8]) -> Result<(Story, &'a [u8]), Error> {
    let parts = take(bytes).and_then(|(story, state)| Some((serde_json::from_slice(story).ok()?, state)));
    parts.ok_or_else(|| Error::Unavailable(format!("the saga {id} cannot be read; restore it from a backup")))
}

/// Events that came in one commit.
pub(super) fn encode_events(events: &[Event]) -> Bytes {
    let mut bytes = Vec::new();
    events.iter().for_each(|event| put(&mut bytes, &codec::encode_event(event)));
    bytes.into()
}

/// The events of one entry of a journal.
///
/// # Errors
/// When it is damaged.
pub(super) fn decode_events(key: &str, mut bytes: &[u8]) -> Result<Vec<Event>, Error> {
    let mut events = Vec::new();
    while !bytes.is_empty() {
        let (event, rest) = take(bytes).ok_or_else(|| damaged(key, &"it ends too early"))?;
        events.push(codec::decode_event(event).map_err(|error| damaged(key, &error))?);
        bytes = rest;
    }
    Ok(events)
}

pub(super) fn encode_definition(definition: &Definition) -> Bytes {
    // What was read from JSON can be written.
    serde_json::to_vec(definition).unwrap_or_default().into()
}

/// A definition that a saga keeps.
///
/// # Errors
/// When it is damaged.
pub(super) fn decode_definition(id: &SagaId, bytes: &[u8]) -> Result<Definition, Error> {
    serde_json::from_slice(bytes).map_err(|error| damaged(&definition_key(id), &error))
}

pub(super) fn damaged(key: &str, why: &dyn std::fmt::Display) -> Error {
    Error::Unavailable(format!("the journal entry {key} cannot be read: {why}; restore it from a backup"))
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    // Limited far below that.
    bytes.put_u32(u32::try_from(part.len()).unwrap_or(u32::MAX));
    bytes.extend_from_slice(part);
}

fn take(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn saga() -> (Saga, Event) {
        let definition = r#"{"name":"d","steps":[{"command":"a","irreversible":true}]}"#;
        let definition = Arc::new(serde_json::from_str::<Definition>(definition).unwrap());
        Saga::start("s-1".parse().unwrap(), definition, json!({"n": 1}), crate::clock::now()).unwrap()
    }

    #[test]
    fn what_is_stored_is_what_was_and_damage_is_told() {
        let (saga, started) = saga();
        let story = Story { owner: "me".to_owned(), events: 3, correlationid: "c".to_owned(), traceparent: None };
        let bytes = encode(&story, &saga);
        let (read, state) = split("s-1", &bytes).unwrap();
        let decoded = codec::decode_saga(Arc::clone(saga.definition()), state).unwrap();
        assert_eq!((read, decoded), (story, saga));
        assert!(split("s-1", &bytes[..3]).unwrap_err().to_string().contains("the saga s-1"));
        let events = encode_events(&[started.clone(), started.clone()]);
        assert_eq!(decode_events("k", &events).unwrap(), [started.clone(), started]);
        assert!(decode_events("k", &events[..events.len() - 1]).is_err());
    }

    #[test]
    fn lists_are_in_the_order_of_time_and_name_their_sagas() {
        let (saga, _) = saga();
        assert_eq!(listed(&saga), (OPEN, "s-1".to_owned()));
        assert_eq!(id_of("2026-01-01T00:00:00Z/s-1"), Some(saga.id().clone()));
        assert_eq!(id_of("s-1"), Some(saga.id().clone()));
        assert!(journal_key(saga.id(), 9) < journal_key(saga.id(), 10));
        assert!(journal_key(saga.id(), u64::from(u32::MAX)) < definition_key(saga.id()));
    }
}
