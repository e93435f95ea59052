//! JSON payloads: what events, messages and batches share.

use serde::{Serialize, de::DeserializeOwned};

/// A payload that is not the JSON that was expected, or a value that cannot be JSON.
///
/// In a handler of events or messages `?` makes a rejection of it: the same payload fails in the same way the next
/// time.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct JsonError {
    what: String,
    source: serde_json::Error,
}

/// Reads a payload; `owner` names what it belongs to.
pub(crate) fn read<T: DeserializeOwned>(data: &[u8], owner: impl FnOnce() -> String) -> Result<T, JsonError> {
    serde_json::from_slice(data)
        .map_err(|source| JsonError { what: format!("the data of {} is not as expected", owner()), source })
}

/// Writes a payload; `owner` names what it belongs to.
pub(crate) fn write(value: &(impl Serialize + ?Sized), owner: impl FnOnce() -> String) -> Result<Vec<u8>, JsonError> {
    serde_json::to_vec(value)
        .map_err(|source| JsonError { what: format!("the data of {} cannot be JSON", owner()), source })
}
