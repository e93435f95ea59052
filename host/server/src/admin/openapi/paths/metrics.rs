//! What Prometheus reads.

use serde_json::json;

use super::Entry;
use crate::{admin::openapi::Operation, metrics::Format};

pub(super) fn all() -> Vec<Entry> {
    let text = json!({"type": "string"});
    let operation = Operation::new("metrics", "host", "Everything that is counted, for Prometheus")
        .about("In OpenMetrics where Accept would rather have that. METRICS.md has the families.")
        .answers_as(200, "The figures", Format::Text.media_type(), text.clone())
        .also_answers_as(200, Format::OpenMetrics.media_type(), text);
    vec![("/metrics", "get", operation)]
}
