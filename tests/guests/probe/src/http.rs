//! The paths, by their last segment. What the host's imports answer is passed on: 200 with what succeeded, 422 with
//! `{"error": KIND, "text": …}`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use support::{param, path};

use crate::{
    draft, record, step,
    switchyard::plugin::{
        batch, event_types::Receipt, events, http_types::Request, queue_types::Message, queues, registry,
        saga_types::Started, sagas,
    },
};

/// Answers a request.
pub fn answer(request: &Request) -> (u16, Value) {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    let (queue, id, token) = (text("queue"), text("id"), text("token"));
    let ms = |name: &str| body[name].as_u64();
    let answered = match path(&request.path).rsplit('/').next().unwrap_or_default() {
        "publish" => events::publish(&draft::event(&body)).map(|r| receipt(&r)).map_err(event_error),
        "publish-many" => {
            let drafts: Vec<_> = body.as_array().into_iter().flatten().map(draft::event).collect();
            events::publish_many(&drafts).map(|receipts| receipts.iter().map(receipt).collect()).map_err(event_error)
        }
        "enqueue" => queues::enqueue(&draft::message(&body)).map(|id| json!({"id": id})).map_err(queue_error),
        "lease" => {
            let max = ms("max").and_then(|max| max.try_into().ok()).unwrap_or(1);
            let leased = queues::lease(queue, max, ms("visibilityMs"));
            leased.map(|messages| messages.iter().map(message).collect()).map_err(queue_error)
        }
        "ack" => queues::ack(queue, id, token).map(|()| Value::Null).map_err(queue_error),
        "nack" => {
            queues::nack(queue, id, token, text("reason"), ms("delayMs")).map(|()| Value::Null).map_err(queue_error)
        }
        "reject" => queues::reject(queue, id, token, text("reason")).map(|()| Value::Null).map_err(queue_error),
        "extend" => {
            queues::extend(queue, id, token, ms("visibilityMs").unwrap_or(0)).map(|()| Value::Null).map_err(queue_error)
        }
        "start-saga" => sagas::start(&draft::saga(&body)).map(|s| started(&s)).map_err(saga_error),
        "saga" => {
            let id = param(&request.path, "id").unwrap_or_default();
            sagas::get(&id).map(|found| snapshot(&found)).map_err(saga_error)
        }
        "signal" => {
            let data = draft::bytes(&body["data"]);
            sagas::signal(id, text("name"), &data).map(|()| Value::Null).map_err(saga_error)
        }
        "cancel" => sagas::cancel(id).map(|()| Value::Null).map_err(saga_error),
        "batch" => {
            let operations: Vec<_> = body.as_array().into_iter().flatten().map(draft::operation).collect();
            batch::commit(&operations).map(|done| committed(&done)).map_err(batch_error)
        }
        "discover" => {
            let tags = param(&request.path, "tags").unwrap_or_default();
            let tags: Vec<_> = tags.split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
            let found = registry::discover(param(&request.path, "name").as_deref(), &tags);
            Ok(found.iter().map(instance).collect())
        }
        "lookup" => {
            let found = registry::lookup(&param(&request.path, "name").unwrap_or_default());
            Ok(found.iter().map(instance).collect())
        }
        what @ ("step" | "undo") => return step::carry_out(request, what, &body),
        "read" => {
            let name = param(&request.path, "k").unwrap_or_default();
            let key = batch::Key { bucket: param(&request.path, "bucket").unwrap_or_default(), name };
            batch::read(&key).map(entry).map_err(batch_error)
        }
        "deliveries" => recorded("e", &request.path),
        "messages" => recorded("m", &request.path),
        "commands" => recorded("s", &request.path),
        "steps" => recorded("h", &request.path),
        "count" => {
            let kind = param(&request.path, "kind").unwrap_or_default();
            record::count(&kind).map(Value::from).map_err(|error| ("store", format!("{error:?}")))
        }
        _ => return (404, json!({"error": "no such deed"})),
    };
    match answered {
        Ok(value) => (200, value),
        Err((error, text)) => (422, json!({"error": error, "text": text})),
    }
}

fn recorded(kind: &str, path: &str) -> Result<Value, (&'static str, String)> {
    let page = record::page(kind, param(path, "cursor").as_deref());
    let (items, next) = page.map_err(|error| ("store", format!("{error:?}")))?;
    Ok(json!({"items": items, "next": next}))
}

fn receipt(receipt: &Receipt) -> Value {
    json!({"id": receipt.id, "sequence": receipt.sequence, "duplicate": receipt.duplicate})
}

fn message(message: &Message) -> Value {
    json!({
        "id": message.id, "queue": message.queue, "token": message.token, "priority": message.priority,
        "attempt": message.attempt, "enqueuedAt": message.enqueued_at,
        "data": serde_json::from_slice::<Value>(&message.data).unwrap_or(Value::Null),
    })
}

fn committed(done: &batch::Committed) -> Value {
    json!({
        "receipts": done.receipts.iter().map(receipt).collect::<Vec<_>>(), "messageIds": done.message_ids,
        "sagas": done.sagas.iter().map(started).collect::<Vec<_>>(),
    })
}

fn started(started: &Started) -> Value {
    json!({"id": started.id, "existing": started.existing})
}

fn snapshot(found: &sagas::Snapshot) -> Value {
    let status = match found.status {
        sagas::Status::Running => "running",
        sagas::Status::Waiting => "waiting",
        sagas::Status::Compensating => "compensating",
        sagas::Status::Completed => "completed",
        sagas::Status::Failed => "failed",
        sagas::Status::Stuck => "stuck",
    };
    json!({
        "id": found.id, "name": found.name, "status": status, "currentStep": found.current_step, "error": found.error,
        "data": serde_json::from_slice::<Value>(&found.data).unwrap_or(Value::Null),
    })
}

fn instance(found: &registry::Instance) -> Value {
    let status = match found.status {
        registry::Status::Starting => "starting",
        registry::Status::Healthy => "healthy",
        registry::Status::Degraded => "degraded",
        registry::Status::Checking => "checking",
        registry::Status::Unhealthy => "unhealthy",
        registry::Status::ShuttingDown => "shutting-down",
    };
    json!({
        "id": found.id, "name": found.name, "address": found.address, "port": found.port, "version": found.version,
        "tags": found.tags, "metadata": found.metadata.iter().cloned().collect::<BTreeMap<_, _>>(), "status": status,
    })
}

fn entry(entry: Option<batch::Entry>) -> Value {
    entry.map_or(
        Value::Null,
        |entry| json!({"value": String::from_utf8_lossy(&entry.value), "revision": entry.revision}),
    )
}

fn event_error(error: events::Error) -> (&'static str, String) {
    match error {
        events::Error::Invalid(text) => ("invalid", text),
        events::Error::Rejected(text) => ("rejected", text),
        events::Error::Denied(text) => ("denied", text),
        events::Error::Unavailable(text) => ("unavailable", text),
    }
}

fn queue_error(error: queues::Error) -> (&'static str, String) {
    match error {
        queues::Error::Full(text) => ("full", text),
        queues::Error::NotFound(text) => ("not-found", text),
        queues::Error::NotLeased => ("not-leased", String::new()),
        queues::Error::Invalid(text) => ("invalid", text),
        queues::Error::Denied(text) => ("denied", text),
        queues::Error::Unavailable(text) => ("unavailable", text),
    }
}

fn saga_error(error: sagas::Error) -> (&'static str, String) {
    match error {
        sagas::Error::NotFound(text) => ("not-found", text),
        sagas::Error::Invalid(text) => ("invalid", text),
        sagas::Error::Conflict(text) => ("conflict", text),
        sagas::Error::Denied(text) => ("denied", text),
        sagas::Error::Unavailable(text) => ("unavailable", text),
    }
}

fn batch_error(error: batch::Error) -> (&'static str, String) {
    match error {
        batch::Error::Conflict(key) => ("conflict", key.name),
        batch::Error::Invalid(text) => ("invalid", text),
        batch::Error::NoSuchStore(text) => ("no-such-store", text),
        batch::Error::Full(text) => ("full", text),
        batch::Error::Rejected(text) => ("rejected", text),
        batch::Error::NotLeased => ("not-leased", String::new()),
        batch::Error::Denied(text) => ("denied", text),
        batch::Error::Unavailable(text) => ("unavailable", text),
    }
}
