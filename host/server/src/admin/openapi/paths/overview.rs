//! The host at a glance.

use switchyard_core::problem::Code;

use super::Entry;
use crate::admin::{
    openapi::{Operation, schemas},
    overview::{History, Overview},
};

pub(super) fn all() -> Vec<Entry> {
    vec![
        (
            "/api/v1/overview",
            "get",
            Operation::new("overview", "host", "What there is, how it is, and who calls whom")
                .about("Rates are calls a second over the last ten seconds, looked at once a second.")
                .answers(200, "The host at a glance", schemas::of::<Overview>())
                .refuses(&[Code::StoreUnavailable]),
        ),
        (
            "/api/v1/overview/history",
            "get",
            Operation::new("history", "host", "The last five minutes, for charts")
                .query(
                    "service",
                    serde_json::json!({"type": "array", "items": {"type": "string"}}),
                    "Only of these services; of all when none is named.",
                )
                .answers(200, "A line for each figure", schemas::of::<History>()),
        ),
    ]
}
