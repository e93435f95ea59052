//! The admin API as an OpenAPI 3.1 document, `GET /openapi.json`.
//!
//! Paths are written by hand beside the code that they tell of, in the same words; shapes are derived from the types that
//! are read and written; problems come from [`Code`](switchyard_core::problem::Code). Tests ask the router for each path
//! and method, so that neither knows one that the other does not, and the whole-host tests let schemathesis hold the
//! answers against it.

mod operation;
mod paths;
mod schemas;

use std::sync::LazyLock;

use http::Response;
use serde_json::{Map, Value, json};

use self::operation::Operation;
use super::reply::{self, AnswerBody};

/// The document. It does not change while the host runs.
pub(super) static DOCUMENT: LazyLock<Value> = LazyLock::new(document);

/// What a client should know before it reads on.
const ABOUT: &str = "What operators and their tools ask a Switchyard host. Members are camelCase, durations are texts \
                     such as \"500ms\" or \"2s\", moments are RFC 3339. Lists answer `items` and, when there are more, \
                     the cursor of the next page in `next`. What is refused is refused with a problem (RFC 9457), whose \
                     `code` keeps its meaning.";

/// `/openapi.json`.
pub(super) fn answer() -> Response<AnswerBody> {
    reply::json(&*DOCUMENT)
}

fn document() -> Value {
    let mut paths = Map::new();
    let mut components = schemas::all();
    for (path, method, operation) in paths::all() {
        let parameters = parameters(path);
        let item = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(parameters) = parameters {
            item["parameters"] = parameters;
        }
        if method == "get" && !operation.is_stream() {
            item["head"] = operation.head();
        }
        let (operation, mut referred) = operation.into_parts();
        item[method] = operation;
        components.append(&mut referred);
    }
    let mut paths = Value::Object(paths);
    schemas::settle(&mut components, &mut paths);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Switchyard admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": ABOUT,
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        // Without `[admin] token-file` nobody is asked for a token.
        "security": [{"bearer": []}, {}],
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": "The token of `[admin] token-file`."}},
        },
    })
}

/// What stands in braces in a path.
fn parameters(path: &str) -> Option<Value> {
    let names = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let parameters: Vec<Value> = names
        .map(|name| {
            // What makes a queue when it is named has to be a name.
            let schema = match name {
                "queue" => json!({"type": "string", "pattern": "^[A-Za-z0-9_:-][A-Za-z0-9._:-]{0,254}$"}),
                _ => json!({"type": "string", "minLength": 1}),
            };
            json!({"name": name, "in": "path", "required": true, "schema": schema})
        })
        .collect();
    (!parameters.is_empty()).then(|| parameters.into())
}
