//! Events, subscriptions and dead letters.

use serde_json::{Value, json};

use super::{closed, duration, flag, list, moment, number, object, one_of, open, or_null, text};
use crate::admin::openapi::operation::schema;

pub(super) fn all() -> Vec<(&'static str, Value)> {
    [events(), subscriptions()].into_iter().flatten().collect()
}

/// A topic: words with dots between them.
fn topic() -> Value {
    json!({"type": "string", "maxLength": 255, "pattern": "^[A-Za-z0-9_:/-]+(\\.[A-Za-z0-9_:/-]+)*$"})
}

/// A text that CloudEvents takes for one: not empty, and without control characters.
fn attribute() -> Value {
    json!({"type": "string", "pattern": "^[ -~]+$"})
}

fn handled() -> [(&'static str, Value); 5] {
    [
        ("processed", number()),
        ("errors", number()),
        ("filterErrors", number()),
        ("deadLetters", number()),
        ("lastProcessed", or_null(&moment())),
    ]
}

fn events() -> Vec<(&'static str, Value)> {
    let own = [
        ("name", text()),
        ("durability", one_of(&["durable", "relaxed", "memory"])),
        ("retention", duration()),
        ("events", number()),
        ("bytes", number()),
        ("published", number()),
        ("lastSequence", number()),
        ("lastPublished", or_null(&moment())),
        ("subscribers", number()),
        ("lag", number()),
        ("inFlight", number()),
    ];
    let uri = json!({"type": "string", "format": "uri-reference", "minLength": 1});
    let media = json!({"type": "string", "pattern": "^[a-z]{1,20}/[a-z+.-]{1,40}$"});
    let optional: Vec<(&str, Value)> = vec![
        ("id", attribute()),
        ("source", uri.clone()),
        ("time", moment()),
        ("subject", attribute()),
        ("datacontenttype", media),
        ("dataschema", uri),
        ("correlationid", attribute()),
        ("causationid", attribute()),
        ("traceparent", attribute()),
        ("partitionkey", attribute()),
    ];
    let nullable: Vec<(&str, Value)> = optional.iter().map(|(name, schema)| (*name, or_null(schema))).collect();
    let mut new = open(&[("specversion", json!({"const": "1.0"})), ("type", topic())], &nullable);
    new["properties"]["data"] = json!({"description": "Any JSON."});
    new["additionalProperties"] = json!({
        "description": "An extension: its name is of 1 to 64 lower-case letters and digits.",
        "anyOf": [attribute(), {"type": "boolean"}, {"type": "integer", "minimum": i32::MIN, "maximum": i32::MAX}],
    });
    new["propertyNames"] = json!({"anyOf": [{"const": "data"}, {"pattern": "^[a-z0-9]{1,64}$"}]});
    let stored = open(
        &[
            ("specversion", json!({"const": "1.0"})),
            ("id", text()),
            ("source", text()),
            ("type", topic()),
            ("time", moment()),
            ("correlationid", text()),
            ("sequence", number()),
        ],
        &[],
    );
    let receipt = open(&[("id", text()), ("sequence", number()), ("duplicate", flag())], &[]);
    let receipts = open(&[("items", list(&schema("Receipt"))), ("next", json!({"type": "null"}))], &[]);
    vec![
        ("Topic", open(&[&own[..], &handled()].concat(), &[])),
        ("NewEvent", new),
        ("StoredEvent", stored),
        ("Receipt", receipt),
        ("Receipts", json!({"anyOf": [schema("Receipt"), receipts]})),
        ("Place", json!({"anyOf": [{"const": "first"}, {"type": "string", "pattern": "^[0-9]{1,18}$"}, moment()]})),
    ]
}

fn subscriptions() -> Vec<(&'static str, Value)> {
    let backoff = json!({"oneOf": [
        closed(&[("linear", delay())], &[]),
        closed(&[("exponential", delay())], &[]),
    ]});
    let endpoint = json!({"anyOf": [
        closed(&[("service", schema("ServiceName"))], &[]),
        closed(&[("url", text())], &[]),
        {"const": "sagas"},
    ]});
    let own = [
        ("id", text()),
        ("name", text()),
        ("topic", schema("Pattern")),
        ("endpoint", schema("Endpoint")),
        ("origin", one_of(&["manifest", "config", "api", "host"])),
        ("state", one_of(&["active", "paused", "waiting", "ended", "blocked"])),
        ("group", or_null(&text())),
        ("broadcast", flag()),
        ("priority", json!({"type": "integer"})),
        ("filter", or_null(&text())),
        ("once", flag()),
        ("maxAttempts", number()),
        ("cursor", number()),
        ("lag", number()),
        ("inFlight", number()),
        ("retrying", number()),
    ];
    let name = json!({"type": ["string", "null"], "pattern": "^[!-~]{1,512}$"});
    let new = closed(
        &[("topic", schema("Pattern"))],
        &[
            ("service", or_null(&schema("ServiceName"))),
            (
                "url",
                json!({"anyOf": [{"type": "string", "format": "webhook", "description": "An http or https URL."}, {"type": "null"}]}),
            ),
            ("name", name.clone()),
            ("group", name),
            ("broadcast", flag()),
            ("priority", json!({"type": "integer", "minimum": i32::MIN, "maximum": i32::MAX})),
            (
                "filter",
                json!({"anyOf": [{"type": "string", "format": "cel", "description": "A CEL expression."}, {"type": "null"}]}),
            ),
            ("once", flag()),
            ("maxAttempts", json!({"type": ["integer", "null"], "minimum": 1, "maximum": 1_000})),
            ("backoff", or_null(&backoff)),
            ("start", one_of(&["latest", "first"])),
        ],
    );
    let to = json!({"anyOf": [
        {"enum": ["first", "latest"]},
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": "^[0-9]{1,18}$"},
        moment(),
    ]});
    let letter = open(
        &[
            ("id", text()),
            ("kind", one_of(&["event", "message"])),
            ("attempts", number()),
            ("error", text()),
            ("failedAt", moment()),
        ],
        &[
            ("subscription", text()),
            ("topic", text()),
            ("queue", text()),
            ("originalEvent", object()),
            ("originalMessage", object()),
        ],
    );
    let some = |max: u32| json!({"type": "integer", "minimum": 1, "maximum": max});
    let nameable = or_null(&text());
    let redrive = closed(
        &[],
        &[
            ("subscription", nameable.clone()),
            ("topic", nameable.clone()),
            ("queue", nameable),
            ("limit", some(1_000)),
            ("perSecond", some(10_000)),
        ],
    );
    vec![
        ("Endpoint", endpoint),
        (
            "Subscription",
            open(&[&own[..], &handled()].concat(), &[("members", list(&schema("Endpoint"))), ("error", text())]),
        ),
        ("NewSubscription", json!({"allOf": [new, {"oneOf": [asks_for("service"), asks_for("url")]}]})),
        ("Seek", closed(&[("to", to)], &[])),
        ("DeadLetter", letter),
        ("RedriveMany", redrive),
    ]
}

/// An object in which this is more than null.
fn asks_for(member: &str) -> Value {
    json!({"required": [member], "properties": {member: {"type": "string"}}})
}

/// A delay between attempts: 1 ms to 1 day.
fn delay() -> Value {
    json!({"type": "string", "pattern": "^[1-9][0-9]{0,4} *(ms|s)$"})
}
