//! What is kept of an event.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use switchyard_sdk::{Error, Event, Result, clock};

/// The largest payload that is kept, in bytes: the record tells what happened, and is no copy of the log.
const DATA_MAX: usize = 4 * 1024;

/// One event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record<'a> {
    sequence: u64,
    id: &'a str,
    source: &'a str,
    topic: &'a str,
    time: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    correlation_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    causation_id: Option<&'a str>,
    extensions: BTreeMap<&'a str, &'a str>,
    /// Null when it is no JSON, or too large to be kept.
    data: Value,
    data_bytes: usize,
    recorded_at: String,
}

#[derive(Deserialize)]
struct Place {
    sequence: u64,
}

// === impl Record ===

impl<'a> Record<'a> {
    /// The record of the event at this place in the log.
    pub fn new(event: &'a Event, sequence: u64) -> Self {
        let data = Some(event.data()).filter(|data| data.len() <= DATA_MAX);
        Self {
            sequence,
            id: event.id(),
            source: event.source(),
            topic: event.topic(),
            time: event.time(),
            subject: event.subject(),
            correlation_id: event.correlation_id(),
            causation_id: event.causation_id(),
            extensions: event.extensions().collect(),
            data: data.and_then(|data| serde_json::from_slice(data).ok()).unwrap_or_default(),
            data_bytes: event.data().len(),
            recorded_at: clock::now().to_string(),
        }
    }

    pub fn to_json(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(Error::internal)
    }
}

impl Record<'_> {
    /// The place in the log of what was recorded so. What cannot be read is older than anything.
    pub fn sequence_of(json: &[u8]) -> u64 {
        serde_json::from_slice(json).map_or(0, |place: Place| place.sequence)
    }
}
