//! `GET /api/v1/activity`: the latest that happened on this host, as those who watch it were told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use switchyard_core::timestamp::Timestamp;

use super::{
    Sources,
    api::{Answer, Asked},
    reply::{List, Problem, json},
};
use crate::feed::{Entry, Feed};

/// How many there are when a request does not say.
const PAGE: usize = 100;

/// The most items in one answer.
const PAGE_MAX: usize = 1_000;

/// Something that happened.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Activity {
    /// As in the stream of `watch`, which goes on after it.
    id: String,
    #[serde(flatten)]
    told: Told,
}

/// What was told of it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Told {
    /// The topic of its event.
    #[serde(rename = "type")]
    kind: String,
    subject: String,
    time: Timestamp,
    /// As of the event.
    data: Value,
}

/// `/api/v1/activity`.
pub(super) fn answer(asked: &Asked<'_>, sources: &Sources) -> Answer {
    if !asked.is_read() {
        return Err(Problem::method_not_allowed("GET, HEAD"));
    }
    let limit = asked.query.number("limit", PAGE, PAGE_MAX)?;
    let entries = sources.feed.newest(asked.query.first("cursor").as_deref(), limit + 1);
    let next = (entries.len() > limit).then(|| entries.get(limit - 1).map(|last| sources.feed.id(last))).flatten();
    let items = entries.iter().take(limit).filter_map(|entry| Activity::of(&sources.feed, entry)).collect();
    Ok(json(&List { items, next }))
}

// === impl Activity ===

impl Activity {
    /// The feed makes its own JSON, so this reads it.
    fn of(feed: &Feed, entry: &Entry) -> Option<Self> {
        Some(Self { id: feed.id(entry), told: serde_json::from_str(&entry.data).ok()? })
    }
}
