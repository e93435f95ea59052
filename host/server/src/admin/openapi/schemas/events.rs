//! Events. A CloudEvent is read and written attribute by attribute, and its data passed on as it is, so that there is no type
//! to derive its shape from.

use serde_json::{Map, Value, json};

use super::text;

/// An attribute that a publisher may leave out, or say as null.
type Optional = (&'static str, Value);

pub(super) fn all() -> [(&'static str, Value); 3] {
    let from = json!({"anyOf": [{"const": "first"}, {"type": "string", "pattern": "^[0-9]{1,18}$"}, moment()]});
    [("NewEvent", new()), ("StoredEvent", stored()), ("Place", from)]
}

fn new() -> Value {
    let uri = json!({"type": "string", "format": "uri-reference", "minLength": 1});
    let media = json!({"type": "string", "pattern": "^[a-z]{1,20}/[a-z+.-]{1,40}$"});
    let optional: [Optional; 10] = [
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
    let mut members = Map::new();
    members.insert("specversion".to_owned(), json!({"const": "1.0"}));
    members.insert("type".to_owned(), topic());
    for (name, mut schema) in optional {
        schema["type"] = json!(["string", "null"]);
        members.insert(name.to_owned(), schema);
    }
    members.insert("data".to_owned(), json!({"description": "Any JSON."}));
    json!({
        "type": "object",
        "required": ["specversion", "type"],
        "properties": members,
        "additionalProperties": {
            "description": "An extension: its name is of 1 to 64 lower-case letters and digits.",
            "anyOf": [attribute(), {"type": "boolean"}, {"type": "integer", "minimum": i32::MIN, "maximum": i32::MAX}],
        },
        "propertyNames": {"anyOf": [{"const": "data"}, {"pattern": "^[a-z0-9]{1,64}$"}]},
    })
}

fn stored() -> Value {
    json!({
        "type": "object",
        "required": ["specversion", "id", "source", "type", "time", "correlationid", "sequence"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": text(),
            "source": text(),
            "type": topic(),
            "time": moment(),
            "correlationid": text(),
            "sequence": {"type": "integer", "minimum": 0, "description": "Its place in the log of all events."},
        },
    })
}

/// A topic: words with dots between them.
fn topic() -> Value {
    json!({"type": "string", "maxLength": 255, "pattern": "^[A-Za-z0-9_:/-]+(\\.[A-Za-z0-9_:/-]+)*$"})
}

/// A text that CloudEvents takes for one: not empty, and without control characters.
fn attribute() -> Value {
    json!({"type": "string", "pattern": "^[ -~]+$"})
}

fn moment() -> Value {
    json!({"type": "string", "format": "date-time"})
}
