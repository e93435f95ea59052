//! The newest events of a pattern: the log is read forward, so its end is looked for first.

use serde_json::Value;

use crate::console::{ask::Api, failure::Failure};

/// How many events of the log are looked through at first, and how much more each further time.
const WINDOW: u64 = 64;
const WIDER: u64 = 4;

/// The most events of the log that are looked through.
pub(super) const WINDOW_MAX: u64 = WINDOW * WIDER * WIDER * WIDER;

/// The most events that one question answers.
const PAGE: &str = "1000";

/// The newest events of a pattern, the newest first, and whether there may be older ones that were not looked for.
pub(super) struct Newest {
    pub(super) events: Vec<Value>,
    pub(super) may_be_more: bool,
}

/// Reads the newest `wanted` events of the topics that match `pattern`.
///
/// # Errors
/// With what the API says.
pub(super) async fn newest(api: &Api<'_>, pattern: &str, wanted: usize) -> Result<Newest, Failure> {
    let topics = api.items(&["topics"]).await;
    let last = |topic: &Value| topic["lastSequence"].as_u64().unwrap_or_default();
    let head = match topics.iter().find(|topic| topic["name"] == pattern) {
        Some(topic) => last(topic),
        None => topics.iter().map(last).max().unwrap_or_default(),
    };
    let mut window = WINDOW;
    loop {
        let from = head.saturating_sub(window - 1).max(1);
        let events = since(api, pattern, from).await?;
        let is_enough = events.len() >= wanted || from == 1 || window >= WINDOW_MAX;
        if is_enough {
            let may_be_more = from > 1 || events.len() > wanted;
            let events = events.into_iter().rev().take(wanted).collect();
            return Ok(Newest { events, may_be_more });
        }
        window *= WIDER;
    }
}

/// Events from this sequence on, oldest first: all of a window, and what came meanwhile.
async fn since(api: &Api<'_>, pattern: &str, from: u64) -> Result<Vec<Value>, Failure> {
    let (mut events, from) = (Vec::new(), from.to_string());
    let mut cursor: Option<String> = None;
    // A log that grows faster than it is read is left at what a window holds.
    for _ in 0..=(WINDOW_MAX / 1_000) {
        let mut query = vec![("topic", pattern), ("from", from.as_str()), ("limit", PAGE)];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = match api.get(&["events"], &query).await {
            Ok(page) => page,
            // A topic that has no event yet.
            Err(failure) if failure.status == http::StatusCode::NOT_FOUND => break,
            Err(failure) => return Err(failure),
        };
        events.extend(page["items"].as_array().cloned().unwrap_or_default());
        cursor = page["next"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    Ok(events)
}
