//! Sagas.

use serde_json::{Value, json};

use super::{closed, flag, list, moment, number, object, one_of, open, or_null, text};
use crate::admin::openapi::operation::schema;

/// How names in sagas are written.
const NAME: &str = "^[A-Za-z0-9._:-]{1,128}$";

fn name() -> Value {
    json!({"type": "string", "pattern": NAME})
}

pub(super) fn all() -> Vec<(&'static str, Value)> {
    let run = [("status", text()), ("attempts", number()), ("round", number())];
    let times =
        [("command", text()), ("startedAt", moment()), ("endedAt", moment()), ("dueAt", moment()), ("error", text())];
    let step = open(
        &[&[("index", number()), ("name", text())], &run[..]].concat(),
        &[&times[..], &[("result", json!({})), ("compensation", open(&run, &times))]].concat(),
    );
    let saga = open(
        &[
            ("sagaId", name()),
            ("sagaName", text()),
            ("status", schema("SagaStatus")),
            ("data", object()),
            ("currentStep", number()),
            ("steps", list(&step)),
            ("startedAt", moment()),
            ("lateAnswers", number()),
        ],
        &[("error", text()), ("endedAt", moment())],
    );
    let line = open(
        &[("at", moment()), ("event", text())],
        &[
            ("step", number()),
            ("name", text()),
            ("command", text()),
            ("direction", one_of(&["forward", "compensation"])),
            ("attempt", number()),
            ("round", number()),
            ("kind", text()),
            ("reason", text()),
            ("until", moment()),
            ("detail", text()),
        ],
    );
    let definition = open(
        &[
            ("service", or_null(&schema("ServiceName"))),
            ("digest", text()),
            ("name", text()),
            ("steps", list(&object())),
        ],
        &[("onFailure", text())],
    );
    let counts: Vec<(&str, Value)> =
        ["open", "owned", "running", "waiting", "compensating", "stuck", "completed", "failed", "commandsInFlight"]
            .map(|count| (count, number()))
            .to_vec();
    let data = or_null(&object());
    vec![
        ("SagaStatus", one_of(&["running", "waiting", "compensating", "stuck", "failed", "completed"])),
        ("Saga", saga),
        ("SagaLine", line),
        ("SagaDefinition", definition),
        ("SagaStats", open(&counts, &[])),
        (
            "NewSaga",
            closed(
                &[("sagaName", name())],
                &[("sagaId", json!({"type": ["string", "null"], "pattern": NAME})), ("data", data.clone())],
            ),
        ),
        (
            "StartedSaga",
            open(
                &[
                    ("sagaId", name()),
                    ("existing", flag()),
                    ("status", json!({"anyOf": [schema("SagaStatus"), {"type": "null"}]})),
                ],
                &[],
            ),
        ),
        ("RetrySaga", closed(&[], &[("data", data)])),
        ("Signal", closed(&[("name", name())], &[("data", json!({"description": "Any JSON; none means null."}))])),
    ]
}
