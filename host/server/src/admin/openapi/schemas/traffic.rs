//! Shares of versions.

use serde_json::{Value, json};
use switchyard_core::route::action::SPLIT_MAX;

use super::{closed, flag, list, moment, number, object, open, or_null, text, version, weight};
use crate::admin::openapi::operation::schema;

pub(super) fn all() -> Vec<(&'static str, Value)> {
    let percent = json!({"type": "integer", "minimum": 1, "maximum": 100});
    let mirror = closed(&[("version", version())], &[("percent", percent)]);
    let share = closed(&[("version", version()), ("weight", weight())], &[]);
    let shares = json!({"type": "array", "items": share, "maxItems": SPLIT_MAX});
    let asked = closed(&[], &[("versions", shares), ("mirror", or_null(&mirror))]);
    let shown = open(
        &[
            ("version", text()),
            ("plugin", or_null(&text())),
            ("generation", or_null(&number())),
            ("digest", or_null(&text())),
            ("main", flag()),
            ("weight", or_null(&number())),
            ("share", json!({"type": "number", "minimum": 0, "maximum": 100})),
            ("failures", number()),
            ("metrics", object()),
        ],
        &[],
    );
    let rollout = open(
        &[("plugin", text()), ("from", or_null(&text())), ("to", text()), ("digest", text()), ("percent", number())],
        &[],
    );
    let traffic = open(
        &[
            ("service", schema("ServiceName")),
            ("versions", list(&shown)),
            ("mirror", or_null(&object())),
            ("rollout", or_null(&rollout)),
            ("changedAt", or_null(&moment())),
        ],
        &[],
    );
    vec![("Traffic", traffic), ("NewTraffic", asked)]
}
