//! Plugins, services and breakers.

use serde_json::{Value, json};
use switchyard_core::upstream::{FACT_LENGTH_MAX, FACTS_MAX, WEIGHT_MAX};

use super::{
    VERSION, closed, duration, flag, list, moment, number, object, one_of, open, or_null, text, texts, texts_by_name,
};
use crate::admin::openapi::operation::schema;

pub(super) fn all() -> Vec<(&'static str, Value)> {
    [plugins(), services(), breakers()].into_iter().flatten().collect()
}

fn plugins() -> Vec<(&'static str, Value)> {
    let state = one_of(&["loading", "active", "draining", "retired", "failed"]);
    let route = open(
        &[
            ("path", text()),
            ("methods", texts()),
            ("host", or_null(&text())),
            ("stripPrefix", or_null(&text())),
            ("timeout", or_null(&duration())),
        ],
        &[],
    );
    let previous =
        open(&[("generation", number()), ("digest", text()), ("version", text()), ("state", state.clone())], &[]);
    let compared =
        open(&[("generation", number()), ("digest", text()), ("version", text()), ("percent", number())], &[]);
    let artifact = open(
        &[
            ("digest", text()),
            ("version", or_null(&text())),
            ("deployedAt", or_null(&moment())),
            ("isLive", flag()),
            ("hasSideFile", flag()),
            ("isSigned", flag()),
        ],
        &[],
    );
    let mut rollback = closed(
        &[],
        &[
            ("digest", json!({"type": ["string", "null"], "pattern": "^[0-9a-f]{8,64}$"})),
            ("version", json!({"type": ["string", "null"], "pattern": VERSION})),
        ],
    );
    // One of them at most.
    let texts_of_both = json!({"digest": {"type": "string"}, "version": {"type": "string"}});
    rollback["not"] = json!({"required": ["digest", "version"], "properties": texts_of_both});
    let objects = list(&object());
    let plugin = open(
        &[
            ("name", text()),
            ("service", or_null(&schema("ServiceName"))),
            ("version", or_null(&text())),
            ("digest", or_null(&text())),
            ("generation", or_null(&number())),
            ("state", state),
            ("staged", flag()),
            ("error", or_null(&text())),
            ("roles", texts()),
            ("routes", list(&schema("PluginRoute"))),
            ("subscriptions", objects.clone()),
            ("queues", objects.clone()),
            ("schedules", objects.clone()),
            ("commands", texts()),
            ("sagas", objects.clone()),
            ("refusedRoutes", objects.clone()),
            ("refusedCommands", objects.clone()),
            ("refusedSagas", objects),
            ("tier", or_null(&json!({"type": "string", "enum": ["quick", "optimised", null]}))),
            ("rollout", or_null(&compared)),
            ("rolledBack", or_null(&compared)),
            ("previous", list(&previous)),
            ("artifacts", list(&artifact)),
        ],
        &[],
    );
    vec![("Plugin", plugin), ("PluginRoute", route), ("Rollback", rollback)]
}

fn services() -> Vec<(&'static str, Value)> {
    let status = one_of(&["healthy", "unhealthy", "unknown"]);
    let metrics = ["requestCount", "errorCount", "errorRate", "averageResponseTime", "p50", "p95", "p99"];
    let instance = open(
        &[
            ("id", text()),
            ("source", one_of(&["plugin", "config", "api"])),
            ("address", text()),
            ("port", number()),
            ("version", text()),
            ("tags", texts()),
            ("metadata", texts_by_name()),
            ("weight", number()),
            ("status", status.clone()),
            ("inFlight", number()),
            ("health", or_null(&object())),
        ],
        &[
            ("generation", number()),
            ("digest", text()),
            ("scheme", one_of(&["http", "https", "h2c"])),
            ("registeredAt", or_null(&moment())),
            ("lastHeartbeat", or_null(&moment())),
            ("ttl", or_null(&duration())),
        ],
    );
    let service = open(
        &[
            ("name", schema("ServiceName")),
            ("version", text()),
            ("description", text()),
            ("tags", texts()),
            ("metadata", texts_by_name()),
            ("status", status),
            ("registeredAt", moment()),
            ("instances", list(&instance)),
            ("routes", list(&schema("PluginRoute"))),
            ("dependencies", list(&open(&[("name", text()), ("healthUrl", or_null(&text()))], &[]))),
            ("health", or_null(&object())),
            ("metrics", open(&metrics.map(|metric| (metric, json!({"type": "number", "minimum": 0}))), &[])),
        ],
        &[],
    );
    let fact = json!({"type": "string", "pattern": format!("^[ -~]{{1,{FACT_LENGTH_MAX}}}$")});
    let tls = closed(&[], &[("ca", or_null(&text())), ("serverName", or_null(&text()))]);
    let address = json!({
        "type": "string",
        "description": "http://HOST:PORT, https://HOST, h2c://HOST:PORT, or HOST:PORT, which means http.",
        "format": "origin",
    });
    let weight = json!({"type": ["integer", "null"], "minimum": 1, "maximum": WEIGHT_MAX});
    let registration = [
        ("id", json!({"type": ["string", "null"], "pattern": "^[A-Za-z0-9._:-]{1,128}$"})),
        (
            "port",
            json!({"type": ["integer", "null"], "minimum": 1, "maximum": 65_535, "description": "When the address does not say it."}),
        ),
        (
            "health",
            json!({"anyOf": [{"type": "string", "format": "health", "description": "A path of the upstream, or a URL of http or https."}, {"type": "null"}]}),
        ),
        ("version", json!({"type": ["string", "null"], "pattern": VERSION})),
        ("tags", json!({"type": "array", "items": fact, "maxItems": FACTS_MAX})),
        (
            "metadata",
            json!({"type": "object", "propertyNames": fact, "additionalProperties": fact, "maxProperties": FACTS_MAX}),
        ),
        ("weight", weight),
        ("tls", or_null(&tls)),
        (
            "ttl",
            json!({"type": ["string", "null"], "description": "10s to 1d.", "pattern": "^[1-9][0-9]{1,3} *s$|^[1-9][0-9]{0,2} *m$"}),
        ),
    ];
    let kept = open(
        &[
            ("id", text()),
            ("name", schema("ServiceName")),
            ("address", text()),
            ("registeredAt", moment()),
            ("lastHeartbeat", or_null(&moment())),
        ],
        &[],
    );
    vec![
        ("Service", service),
        ("NewRegistration", closed(&[("name", schema("ServiceName")), ("address", address)], &registration)),
        ("Registration", kept),
    ]
}

fn breakers() -> Vec<(&'static str, Value)> {
    let metrics = ["requests", "failures", "successes", "timeouts", "rejected"].map(|count| (count, number()));
    let states = ["closed", "open", "half-open", "forced-open", "forced-closed", "measuring"];
    let breaker = open(
        &[
            ("id", text()),
            ("service", schema("ServiceName")),
            ("instance", text()),
            ("state", one_of(&states)),
            ("failureCount", number()),
            ("nextAttempt", or_null(&moment())),
            ("metrics", open(&metrics, &[])),
        ],
        &[],
    );
    vec![("Breaker", breaker)]
}
