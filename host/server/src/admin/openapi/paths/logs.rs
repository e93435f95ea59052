//! Lines of services.

use serde_json::json;
use switchyard_core::{name::ServiceName, problem::Code};

use super::{super::schemas, Entry, Operation, PAGE_MAX, text};
use crate::logs::{Level, LineView};

pub(super) fn all() -> Vec<Entry> {
    vec![(
        "/api/v1/logs",
        "get",
        Operation::new("listLogs", "host", "The latest lines of services, the newest last")
            .about(
                "What guests write, and what the host says about their services. `next` leads to the lines before those \
                 of this page. With `follow=true` it is a stream of server-sent events without an end: an event `log` \
                 for each line from now on, after the newest `limit` lines if that is given. Each has an id; who comes \
                 back with the last one in Last-Event-ID goes on after it. An event `gap` says that some were missed. A \
                 comment every 15 s says that the stream is still there. A restart forgets all lines.",
            )
            .query("service", schemas::taken::<ServiceName>(), "Only lines of this service.")
            .query("level", schemas::taken::<Level>(), "Only lines that are as grave, or graver.")
            .query("follow", json!({"type": "boolean"}), "A stream of what is written from now on.")
            .header("Last-Event-ID", text(), "The id of the last line that was seen, for a stream.")
            .pages(PAGE_MAX, schemas::of::<LineView<'_>>())
            .also_answers_as(200, "text/event-stream", text())
            .refuses(&[Code::ServiceBusy]),
    )]
}
