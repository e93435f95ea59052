//! Sagas.

use serde_json::json;
use switchyard_core::{
    problem::Code,
    saga::{Status, timeline, view::View},
};
use switchyard_delivery::{DefinitionView, SagaStats, SagaSummary, SagaView};

use super::{Entry, Operation, PAGE_MAX, text};
use crate::admin::{
    openapi::{
        operation::list_of,
        schemas::{of, taken},
    },
    sagas,
};

pub(super) fn all() -> Vec<Entry> {
    let stored = [Code::StoreUnavailable];
    let moving = |id: &str, summary: &str| {
        Operation::new(id, "sagas", summary).answers(202, "The saga", of::<View<'_>>()).refuses(&[
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
                .query("status", taken::<Status>(), "Only those that stand so.")
                .query("name", text(), "Only those of this definition.")
                .pages(PAGE_MAX, of::<SagaSummary<'_>>())
                .refuses(&stored),
        ),
        (
            "/api/v1/sagas",
            "post",
            Operation::new("startSaga", "sagas", "Starts a saga; the same id again finds the first")
                .takes(taken::<sagas::New>(), true)
                .answers(201, "It is started", of::<sagas::Started>())
                .located(201)
                .answers(200, "It was there before", of::<sagas::Started>())
                .located(200)
                .refuses(&[Code::NotFound, Code::Conflict, Code::ServiceBusy])
                .refuses(&stored),
        ),
        (
            "/api/v1/sagas/definitions",
            "get",
            Operation::new("listDefinitions", "sagas", "The definitions that live services declare")
                .pages(PAGE_MAX, of::<DefinitionView>()),
        ),
        (
            "/api/v1/sagas/stats",
            "get",
            Operation::new("sagaStats", "sagas", "How many sagas stand where")
                .answers(200, "Numbers", of::<SagaStats>())
                .refuses(&stored),
        ),
        (
            "/api/v1/sagas/{id}",
            "get",
            Operation::new("saga", "sagas", "One saga")
                .answers(200, "The saga", of::<SagaView<'_>>())
                .refuses(&[Code::NotFound])
                .refuses(&stored),
        ),
        (
            "/api/v1/sagas/{id}/history",
            "get",
            Operation::new("sagaHistory", "sagas", "What has happened to it, oldest first")
                .query(
                    "limit",
                    json!({"type": "integer", "minimum": 1, "maximum": PAGE_MAX}),
                    "How many lines at most.",
                )
                .query(
                    "cursor",
                    json!({"type": "string", "pattern": "^[0-9]{1,18}$"}),
                    "The `next` of the page before.",
                )
                .answers(200, "A page of lines", list_of(of::<timeline::Entry<'_>>()))
                .refuses(&[Code::BadRequest, Code::NotFound])
                .refuses(&stored),
        ),
        ("/api/v1/sagas/{id}/cancel", "post", moving("cancelSaga", "Has it undone, and end failed")),
        ("/api/v1/sagas/{id}/compensate", "post", moving("compensateSaga", "Has a stuck one undone")),
        (
            "/api/v1/sagas/{id}/retry",
            "post",
            moving("retrySaga", "Has a stuck one tried again").takes(taken::<sagas::Retry>(), false),
        ),
        (
            "/api/v1/sagas/{id}/signal",
            "post",
            moving("signalSaga", "Hands it a signal that it waits for").takes(taken::<sagas::Signal>(), true),
        ),
    ]
}
