//! What was delivered, durably: one key for each delivery, in the order in which they began.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use crate::{
    exports::switchyard::plugin::{
        command_handler::{Command, Direction},
        event_handler::Delivery,
    },
    switchyard::plugin::{event_types::Event, queue_types::Message},
    wasi::{
        config::store as config,
        keyvalue::{batch, store},
    },
};

/// Remembers the delivery of an event.
pub fn event(event: &Event, delivery: &Delivery) {
    let extensions: Map<String, Value> = event.extensions.iter().map(|(k, v)| (k.clone(), v.as_str().into())).collect();
    let record = json!({
        "subscription": delivery.subscription, "sequence": delivery.sequence, "attempt": delivery.attempt,
        "id": event.id, "source": event.source, "topic": event.topic, "time": event.time, "subject": event.subject,
        "datacontenttype": event.datacontenttype, "correlationid": event.correlationid,
        "causationid": event.causationid, "traceparent": event.traceparent, "partitionkey": event.partitionkey,
        "extensions": extensions, "data": data(&event.data),
    });
    remember("e", &format!("{}/{}", delivery.sequence, delivery.subscription), record);
}

/// Remembers the delivery of a message.
pub fn message(message: &Message) {
    let record = json!({
        "queue": message.queue, "id": message.id, "token": message.token, "attempt": message.attempt,
        "priority": message.priority, "enqueuedAt": message.enqueued_at, "data": data(&message.data),
    });
    remember("m", &message.token, record);
}

/// Remembers an attempt of a command.
pub fn command(command: &Command) {
    let direction = match command.direction {
        Direction::Forward => "forward",
        Direction::Compensation => "compensation",
    };
    let record = json!({
        "name": command.name, "sagaId": command.saga_id, "sagaName": command.saga_name,
        "stepIndex": command.step_index, "direction": direction, "attempt": command.attempt,
        "idempotencyKey": command.idempotency_key, "payload": data(&command.payload),
    });
    remember("s", &command.idempotency_key, record);
}

/// Remembers an attempt of a command that came as a request.
pub fn step(key: &str, record: Value) {
    remember("h", key, record);
}

/// A page of what was remembered, and the cursor of the next one: `e` are events, `m` messages, `s` commands of sagas,
/// `h` those that came as requests.
pub fn page(kind: &str, cursor: Option<&str>) -> Result<(Vec<Value>, Option<String>), store::Error> {
    let bucket = store::open("")?;
    let page = bucket.list_keys(cursor)?;
    let keys: Vec<String> = page.keys.into_iter().filter(|key| key.starts_with(&format!("{kind}/"))).collect();
    let values = batch::get_many(&bucket, &keys)?;
    let read = |(_, value): (String, Option<Vec<u8>>)| serde_json::from_slice(&value?).ok();
    Ok((values.into_iter().filter_map(read).collect(), page.cursor))
}

/// How many were remembered.
pub fn count(kind: &str) -> Result<u64, store::Error> {
    let bucket = store::open("")?;
    let (mut count, mut cursor) = (0, None);
    loop {
        let page = bucket.list_keys(cursor.as_deref())?;
        count += page.keys.iter().filter(|key| key.starts_with(&format!("{kind}/"))).count() as u64;
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(count);
        }
    }
}

/// The configuration's `round` tells one start of the host from another. `quiet = "true"` remembers nothing.
fn remember(kind: &str, unique: &str, mut record: Value) {
    let setting = |name: &str| config::get(name).ok().flatten();
    if setting("quiet").is_some() {
        return;
    }
    let round: u64 = setting("round").and_then(|round| round.parse().ok()).unwrap_or(0);
    let at = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_nanos();
    record["round"] = round.into();
    record["at"] = u64::try_from(at).unwrap_or(u64::MAX).into();
    let bucket = store::open("").expect("the service has a bucket");
    let key = format!("{kind}/{round:06}/{at:020}/{unique}");
    bucket.set(&key, record.to_string().as_bytes()).expect("the store takes it");
}

fn data(bytes: &[u8]) -> Value {
    let text = || String::from_utf8_lossy(bytes).into_owned().into();
    if bytes.is_empty() { Value::Null } else { serde_json::from_slice(bytes).unwrap_or_else(|_| text()) }
}
