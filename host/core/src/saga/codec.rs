//! How events and sagas are laid out in the store: a version, then JSON.

use std::sync::Arc;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Definition, Event, Saga, SagaId, state::State};
use crate::name::Digest;

/// The first byte: this layout.
const LAYOUT: u8 = 1;

/// Why stored bytes cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} cannot be read: {1}; restore it from a backup")]
pub struct Unreadable(&'static str, String);

/// A saga without its definition, which many share.
#[derive(Serialize, Deserialize)]
struct Snapshot<I, S> {
    id: I,
    definition: Digest,
    state: S,
}

/// The event as bytes.
#[must_use]
pub fn encode_event(event: &Event) -> Vec<u8> {
    encode(event)
}

/// The event that these bytes are.
///
/// # Errors
/// When they are no event of a layout that this host knows.
pub fn decode_event(bytes: &[u8]) -> Result<Event, Unreadable> {
    decode("a saga's event", bytes)
}

/// The saga as bytes, so that its journal need not be replayed; the definition is not among them.
#[must_use]
pub fn encode_saga(saga: &Saga) -> Vec<u8> {
    encode(&Snapshot { id: &saga.id, definition: saga.definition.digest(), state: &saga.state })
}

/// The definition that is needed to read the saga that these bytes are.
///
/// # Errors
/// When they are no saga of a layout that this host knows.
pub fn definition_of(bytes: &[u8]) -> Result<Digest, Unreadable> {
    let snapshot: Snapshot<SagaId, serde::de::IgnoredAny> = decode(SAGA, bytes)?;
    Ok(snapshot.definition)
}

/// The saga that these bytes are.
///
/// # Errors
/// When they are no saga of a layout that this host knows, or have another definition.
pub fn decode_saga(definition: Arc<Definition>, bytes: &[u8]) -> Result<Saga, Unreadable> {
    let snapshot: Snapshot<SagaId, State> = decode(SAGA, bytes)?;
    let state = snapshot.state;
    if snapshot.definition != definition.digest() || state.steps.len() != definition.steps().len() {
        return Err(Unreadable(SAGA, "its definition is another".to_owned()));
    }
    Ok(Saga { id: snapshot.id, definition, state })
}

const SAGA: &str = "a stored saga";

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = vec![LAYOUT];
    // Strings, numbers and maps with string keys always serialise.
    let written = serde_json::to_writer(&mut bytes, value);
    debug_assert!(written.is_ok(), "{written:?}");
    bytes
}

fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, Unreadable> {
    match bytes.split_first() {
        Some((&LAYOUT, json)) => serde_json::from_slice(json).map_err(|error| Unreadable(what, error.to_string())),
        Some(_) => Err(Unreadable(what, "its layout is unknown".to_owned())),
        None => Err(Unreadable(what, "it is empty".to_owned())),
    }
}
