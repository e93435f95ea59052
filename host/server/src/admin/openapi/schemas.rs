//! The shapes of bodies. Those of requests are exact, since an unknown member is refused; those of answers name every
//! member that is always there, and more may come.

mod delivery;
mod hosting;
mod queues;
mod routes;
mod sagas;
mod traffic;

use serde_json::{Map, Value, json};
use switchyard_core::{problem::Code, route::action::WEIGHT_MAX};

/// How durations are written.
pub(super) const DURATION: &str = "^[0-9]{1,9} *(ms|s|m|h|d)$";

/// How versions are written, as far as they are asked for.
const VERSION: &str = "^(0|[1-9][0-9]{0,5})\\.(0|[1-9][0-9]{0,5})\\.(0|[1-9][0-9]{0,5})$";

/// How names of services are written.
const SERVICE: &str = "^[a-z0-9-]{1,63}$";

/// Every schema by its name.
pub(super) fn all() -> Map<String, Value> {
    let all = [common(), hosting::all(), traffic::all(), routes::all(), delivery::all(), queues::all(), sagas::all()];
    let all = all.into_iter().flatten();
    all.map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn common() -> Vec<(&'static str, Value)> {
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let problem = open(
        &[
            ("type", json!({"type": "string", "pattern": "^urn:switchyard:error:SY[0-9]{4}$"})),
            ("title", text()),
            ("status", json!({"type": "integer", "minimum": 400, "maximum": 599})),
            ("code", json!({"enum": codes})),
            ("error", text()),
        ],
        &[("detail", text()), ("instance", text()), ("requestId", text())],
    );
    vec![
        ("Problem", problem),
        ("Pattern", json!({"type": "string", "maxLength": 255, "pattern": pattern_of_topics()})),
        ("ServiceName", json!({"type": "string", "pattern": SERVICE})),
    ]
}

/// Words with dots between them, of which one may be `*` and the last `>`.
fn pattern_of_topics() -> String {
    let word = "([A-Za-z0-9_:/-]+|\\*)";
    format!("^({word}(\\.{word})*(\\.>)?|>)$")
}

/// Any text.
pub(super) fn text() -> Value {
    json!({"type": "string"})
}

fn number() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn flag() -> Value {
    json!({"type": "boolean"})
}

fn moment() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn duration() -> Value {
    json!({"type": "string", "pattern": DURATION})
}

/// One of these words.
fn one_of(words: &[&str]) -> Value {
    json!({"enum": words})
}

fn list(item: &Value) -> Value {
    json!({"type": "array", "items": item})
}

fn texts() -> Value {
    list(&text())
}

fn texts_by_name() -> Value {
    json!({"type": "object", "additionalProperties": {"type": "string"}})
}

fn object() -> Value {
    json!({"type": "object"})
}

/// The same, or null.
fn or_null(schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some(kind) => {
            let mut schema = schema.clone();
            schema["type"] = json!([kind, "null"]);
            schema
        }
        None => json!({"anyOf": [schema, {"type": "null"}]}),
    }
}

/// An object with these members, and maybe more.
fn open(required: &[(&str, Value)], optional: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = required.iter().map(|(name, _)| *name).collect();
    let members: Map<String, Value> =
        required.iter().chain(optional).map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({"type": "object", "required": names, "properties": members})
}

/// An object with these members and no others.
fn closed(required: &[(&str, Value)], optional: &[(&str, Value)]) -> Value {
    let mut schema = open(required, optional);
    schema["additionalProperties"] = false.into();
    schema
}

/// A semantic version, as far as one is asked for here.
fn version() -> Value {
    json!({"type": "string", "pattern": VERSION})
}

/// Shares of a split.
fn weight() -> Value {
    json!({"type": "integer", "minimum": 0, "maximum": WEIGHT_MAX})
}
