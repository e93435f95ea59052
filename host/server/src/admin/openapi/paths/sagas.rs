//! Sagas.

use serde_json::json;
use switchyard_core::problem::Code;

use super::{Entry, Operation, PAGE_MAX, schema, text};

pub(super) fn all() -> Vec<Entry> {
    let stored = [Code::StoreUnavailable];
    let moving = |id: &str, summary: &str| {
        Operation::new(id, "sagas", summary).answers(202, "The saga", &schema("Saga")).refuses(&[
            Code::NotFound,
            Code::Conflict,
            Code::ServiceBusy,
            Code::StoreUnavailable,
        ])
    };
    vec![
        (
            "/api/v1/sagas",
            "get",
            Operation::new("listSagas", "sagas", "Sagas, newest first")
                .query("status", &schema("SagaStatus"), "Only those that stand so.")
                .query("name", &text(), "Only those of this definition.")
                .pages(PAGE_MAX, &schema("Saga"))
                .refuses(&stored),
        ),
        (
            "/api/v1/sagas",
            "post",
            Operation::new("startSaga", "sagas", "Starts a saga; the same id again finds the first")
                .takes(&schema("NewSaga"), true)
                .answers(201, "It is started", &schema("StartedSaga"))
                .located(201)
                .answers(200, "It was there before", &schema("StartedSaga"))
                .located(200)
                .refuses(&[Code::NotFound, Code::Conflict, Code::ServiceBusy])
                .refuses(&stored),
        ),
        (
            "/api/v1/sagas/definitions",
            "get",
            Operation::new("listDefinitions", "sagas", "The definitions that live services declare")
                .pages(PAGE_MAX, &schema("SagaDefinition")),
        ),
        (
            "/api/v1/sagas/stats",
            "get",
            Operation::new("sagaStats", "sagas", "How many sagas stand where")
                .answers(200, "Numbers", &schema("SagaStats"))
                .refuses(&stored),
        ),
        (
            "/api/v1/sagas/{id}",
            "get",
            Operation::new("saga", "sagas", "One saga")
                .answers(200, "The saga", &schema("Saga"))
                .refuses(&[Code::NotFound])
                .refuses(&stored),
        ),
        (
            "/api/v1/sagas/{id}/history",
            "get",
            Operation::new("sagaHistory", "sagas", "What has happened to it, oldest first")
                .query(
                    "limit",
                    &json!({"type": "integer", "minimum": 1, "maximum": PAGE_MAX}),
                    "How many lines at most.",
                )
                .query(
                    "cursor",
                    &json!({"type": "string", "pattern": "^[0-9]{1,18}$"}),
                    "The `next` of the page before.",
                )
                .answers(200, "A page of lines", &super::super::operation::list_of(&schema("SagaLine")))
                .refuses(&[Code::BadRequest, Code::NotFound])
                .refuses(&stored),
        ),
        ("/api/v1/sagas/{id}/cancel", "post", moving("cancelSaga", "Has it undone, and end failed")),
        ("/api/v1/sagas/{id}/compensate", "post", moving("compensateSaga", "Has a stuck one undone")),
        (
            "/api/v1/sagas/{id}/retry",
            "post",
            moving("retrySaga", "Has a stuck one tried again").takes(&schema("RetrySaga"), false),
        ),
        (
            "/api/v1/sagas/{id}/signal",
            "post",
            moving("signalSaga", "Hands it a signal that it waits for").takes(&schema("Signal"), true),
        ),
    ]
}
