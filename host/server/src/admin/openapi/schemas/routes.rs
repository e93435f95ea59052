//! Routes.

use serde_json::{Value, json};

use super::{closed, duration, flag, list, moment, object, one_of, open, or_null, text, texts, version, weight};
use crate::admin::openapi::{operation::schema, paths::optional_duration};

pub(super) fn all() -> Vec<(&'static str, Value)> {
    let origin = open(&[("layer", one_of(&["manifest", "side-file", "config", "api"])), ("owner", text())], &[]);
    let route = open(
        &[
            ("path", text()),
            ("host", or_null(&text())),
            ("methods", texts()),
            ("headers", object()),
            ("stripPrefix", or_null(&text())),
            ("rewrite", or_null(&object())),
            ("mirror", or_null(&object())),
            ("timeout", or_null(&duration())),
            ("retry", or_null(&object())),
            ("auth", text()),
            ("rateLimit", or_null(&object())),
            ("bodyMax", or_null(&text())),
            ("middleware", texts()),
            ("origin", origin),
            ("id", or_null(&text())),
        ],
        &[("service", schema("ServiceName")), ("split", list(&object())), ("redirect", object())],
    );
    let path = json!({"type": "string", "pattern": "^(/[A-Za-z0-9_-]{1,20}){1,4}(/\\*)?$"});
    let quota = closed(
        &[],
        &[
            ("requests", json!({"type": ["integer", "null"], "minimum": 1, "maximum": 1_000_000})),
            ("window", json!({"type": ["string", "null"], "pattern": "^[1-9][0-9]{0,3} *s$"})),
            ("burst", json!({"type": ["integer", "null"], "minimum": 1, "maximum": 1_000_000})),
        ],
    );
    let retry = closed(
        &[],
        &[
            ("attempts", json!({"type": ["integer", "null"], "minimum": 1, "maximum": 10})),
            ("base", optional_duration()),
            ("max", optional_duration()),
            ("allMethods", or_null(&flag())),
        ],
    );
    let target = closed(&[], &[("path", or_null(&path)), ("prefix", or_null(&path))]);
    let redirect = closed(
        &[],
        &[
            ("scheme", json!({"type": ["string", "null"], "enum": ["http", "https", null]})),
            ("host", json!({"anyOf": [{"type": "string", "format": "hostname"}, {"type": "null"}]})),
            ("path", or_null(&path)),
            ("prefix", or_null(&path)),
            ("status", json!({"enum": [301, 302, 303, 307, 308, null]})),
        ],
    );
    let part = closed(&[("service", schema("ServiceName")), ("weight", weight())], &[("version", or_null(&version()))]);
    let mirror = closed(
        &[("service", schema("ServiceName"))],
        &[
            ("version", or_null(&version())),
            ("percent", json!({"type": ["integer", "null"], "minimum": 1, "maximum": 100})),
        ],
    );
    let members = [
        ("host", json!({"anyOf": [{"type": "string", "format": "hostname"}, {"type": "null"}]})),
        ("methods", list(&one_of(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]))),
        ("headers", json!({"type": "object", "description": "Exact values, or true for any."})),
        ("service", or_null(&schema("ServiceName"))),
        ("split", or_null(&json!({"type": "array", "items": part, "minItems": 1, "maxItems": 16}))),
        ("redirect", or_null(&redirect)),
        ("stripPrefix", or_null(&path)),
        ("rewrite", or_null(&target)),
        ("mirror", or_null(&mirror)),
        ("timeout", optional_duration()),
        ("retry", or_null(&retry)),
        ("auth", json!({"enum": ["none", "optional", "required", null]})),
        ("rateLimit", or_null(&quota)),
        ("bodyMax", json!({"type": ["string", "null"], "pattern": "^[1-9][0-9]{0,5} *(B|KiB|MiB)$"})),
        ("middleware", list(&schema("ServiceName"))),
    ];
    let added = open(&[("id", text()), ("path", text()), ("createdAt", moment())], &[]);
    vec![("Route", route), ("NewRoute", closed(&[("path", path.clone())], &members)), ("AddedRoute", added)]
}
