//! The page of logs, of lines that would be markup.

use serde_json::json;

use super::lines;
use crate::{
    admin::tests::Api,
    console::fixture::{HOSTILE, is_harmless},
};

#[test]
fn lines_are_text() {
    let line = json!({"id": HOSTILE, "time": HOSTILE, "service": HOSTILE, "level": HOSTILE, "source": HOSTILE,
        "message": HOSTILE, "requestId": HOSTILE, "traceId": HOSTILE});
    for is_mixed in [true, false] {
        let drawn = lines::lines(&[line.clone(), json!(null)], is_mixed).into_string();
        is_harmless(&drawn);
        assert!(drawn.contains("log-line info"), "{drawn}");
    }
}

#[tokio::test]
async fn a_service_that_is_asked_for_is_chosen_also_when_it_wrote_nothing() {
    let api = Api::new();
    let page = api.get("/logs?service=shop&level=warn").await.text();
    assert!(page.contains("<option value=\"shop\" selected>"), "{page}");
    assert!(page.contains("data-follow=\"/api/v1/logs?follow=true&amp;service=shop&amp;level=warn\""), "{page}");
    assert!(api.get("/logs").await.text().contains("Nothing is written yet"));
}
