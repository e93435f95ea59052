//! Drafts and operations from JSON.

use serde_json::Value;

use crate::switchyard::plugin::{
    batch::{Condition, Key, Operation},
    event_types, queue_types, saga_types,
};

/// An event from `{"topic", "data", "id", …}`; data is any JSON.
pub fn event(from: &Value) -> event_types::Draft {
    let text = |name: &str| from[name].as_str().map(str::to_owned);
    let extensions = from["extensions"].as_object().into_iter().flatten();
    event_types::Draft {
        topic: text("topic").unwrap_or_default(),
        data: bytes(&from["data"]),
        id: text("id"),
        source: text("source"),
        time: text("time"),
        subject: text("subject"),
        datacontenttype: text("datacontenttype"),
        correlationid: text("correlationid"),
        causationid: text("causationid"),
        partitionkey: text("partitionkey"),
        extensions: extensions.map(|(name, value)| (name.clone(), plain(value))).collect(),
    }
}

/// A message from `{"queue", "data", "priority", "delayMs", "dedupId"}`.
pub fn message(from: &Value) -> queue_types::Draft {
    queue_types::Draft {
        queue: from["queue"].as_str().unwrap_or_default().to_owned(),
        data: bytes(&from["data"]),
        priority: from["priority"].as_u64().and_then(|priority| priority.try_into().ok()).unwrap_or(0),
        delay: from["delayMs"].as_u64(),
        dedup_id: from["dedupId"].as_str().map(str::to_owned),
    }
}

/// A saga from `{"name", "id", "data"}`; data is any JSON.
pub fn saga(from: &Value) -> saga_types::Draft {
    saga_types::Draft {
        name: from["name"].as_str().unwrap_or_default().to_owned(),
        id: from["id"].as_str().map(str::to_owned),
        data: bytes(&from["data"]),
    }
}

/// An operation from an object with one of `put`, `delete` and `check` (a key), `publish`, `enqueue` and `startSaga` (a
/// draft), and `ack`; beside a key stand `bucket`, `value`, and `if`: `"absent"` or a revision.
pub fn operation(from: &Value) -> Operation {
    let text = |name: &str| from[name].as_str().unwrap_or_default().to_owned();
    let key = |name: &str| Key { bucket: text("bucket"), name: text(name) };
    let condition = match (from["if"].as_str(), from["if"].as_u64()) {
        (Some("absent"), _) => Condition::Absent,
        (_, Some(revision)) => Condition::Revision(revision),
        _ => Condition::Any,
    };
    let kind = from.as_object().and_then(|from| from.keys().find(|name| KINDS.contains(&name.as_str())));
    match kind.map(String::as_str) {
        Some("put") => Operation::Put((key("put"), text("value").into(), condition)),
        Some("delete") => Operation::Delete((key("delete"), condition)),
        Some("check") => Operation::Check((key("check"), condition)),
        Some("publish") => Operation::Publish(event(&from["publish"])),
        Some("enqueue") => Operation::Enqueue(message(&from["enqueue"])),
        Some("startSaga") => Operation::StartSaga(saga(&from["startSaga"])),
        _ => Operation::Ack,
    }
}

const KINDS: [&str; 6] = ["put", "delete", "check", "publish", "enqueue", "startSaga"];

/// Data as it is sent: JSON, or nothing.
pub fn bytes(data: &Value) -> Vec<u8> {
    if data.is_null() { Vec::new() } else { data.to_string().into() }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
