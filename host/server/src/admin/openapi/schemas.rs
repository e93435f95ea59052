//! The shapes of bodies. Nearly all are derived from the types that are read and written: those of requests are exact,
//! since an unknown member is refused; those of answers name every member that is always there, and more may come.
//!
//! By hand are those of which the code has no type, since it passes bytes on as they are ([`events`]), and problems,
//! whose codes are a table.

mod derived;
mod events;
mod merge;

use serde_json::{Map, Value, json};
use switchyard_core::problem::Code;

pub(super) use self::{
    derived::{Shape, of, taken},
    merge::settle,
};

/// Every schema that is written by hand, by its name.
pub(super) fn all() -> Map<String, Value> {
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let problem = json!({
        "type": "object",
        "description": "A problem (RFC 9457).",
        "required": ["type", "title", "status", "code", "error"],
        "properties": {
            "type": {"type": "string", "pattern": "^urn:switchyard:error:SY[0-9]{4}$"},
            "title": text(),
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "code": {"enum": codes},
            "error": text(),
            "detail": text(),
            "instance": text(),
            "requestId": text(),
        },
    });
    let mut all = Map::new();
    all.insert("Problem".to_owned(), problem);
    all.extend(events::all().map(|(name, schema)| (name.to_owned(), schema)));
    all
}

/// Any text.
pub(super) fn text() -> Value {
    json!({"type": "string"})
}
