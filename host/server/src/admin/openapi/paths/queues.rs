//! Queues.

use switchyard_core::problem::Code;
use switchyard_delivery::QueueView;

use super::{Entry, Operation, PAGE_MAX};
use crate::admin::{
    openapi::schemas::{Shape, of, taken},
    queues::{Enqueued, LeasedMessages, NewExtension, NewLease, NewMessage, NewSettlement},
};

/// Whatever needs the store.
const STORED: [Code; 1] = [Code::StoreUnavailable];

pub(super) fn all() -> Vec<Entry> {
    let settling_with = |id: &str, summary: &str, body: Shape| {
        Operation::new(id, "queues", summary)
            .takes(body, true)
            .empty()
            .refuses(&[Code::NotFound, Code::NotLeased])
            .refuses(&STORED)
    };
    let settling = |id: &str, summary: &str| settling_with(id, summary, taken::<NewSettlement>());
    vec![
        (
            "/api/v1/queues",
            "get",
            Operation::new("listQueues", "queues", "Queues").pages(PAGE_MAX, of::<QueueView>()).refuses(&STORED),
        ),
        (
            "/api/v1/queues/{queue}",
            "get",
            Operation::new("queue", "queues", "One queue")
                .answers(200, "The queue", of::<QueueView>())
                .refuses(&[Code::NotFound])
                .refuses(&STORED),
        ),
        (
            "/api/v1/queues/{queue}/messages",
            "post",
            Operation::new("enqueue", "queues", "Enqueues a message; the first one makes the queue")
                .takes(taken::<NewMessage>(), true)
                .answers(201, "It is in the queue", of::<Enqueued>())
                .answers(200, "It was there before, by its deduplication id", of::<Enqueued>())
                .refuses(&[Code::QueueFull])
                .refuses(&STORED),
        ),
        (
            "/api/v1/queues/{queue}/lease",
            "post",
            Operation::new("lease", "queues", "Leases messages, which nobody else gets meanwhile")
                .takes(taken::<NewLease>(), false)
                .answers(200, "The messages that were ready", of::<LeasedMessages>())
                .refuses(&[Code::NotFound])
                .refuses(&STORED),
        ),
        ("/api/v1/queues/{queue}/messages/{id}/ack", "post", settling("ack", "It is done")),
        ("/api/v1/queues/{queue}/messages/{id}/nack", "post", settling("nack", "It failed, and is tried again")),
        ("/api/v1/queues/{queue}/messages/{id}/reject", "post", settling("reject", "It is a dead letter")),
        (
            "/api/v1/queues/{queue}/messages/{id}/extend",
            "post",
            settling_with("extend", "Its lease lasts longer", taken::<NewExtension>()),
        ),
    ]
}
