//! Topics, events, subscriptions and dead letters.

use serde_json::json;
use switchyard_core::{
    event::{Receipt, binding, topic::Pattern},
    problem::Code,
};
use switchyard_delivery::{DeadLetterView, SubscriptionView, TopicView};

use super::{Entry, Operation, PAGE_MAX, schema, text};
use crate::admin::{
    dead_letters::{RedriveMany, Redriving},
    openapi::{
        operation::list_of,
        schemas::{Shape, of, taken},
    },
    subscriptions::{self, Seek},
};

/// What publishing and enqueueing can be refused for.
const PUBLISHING: [Code; 4] =
    [Code::InvalidEvent, Code::UnsupportedMediaType, Code::EventRejected, Code::StoreUnavailable];

/// Whatever needs the store.
const STORED: [Code; 1] = [Code::StoreUnavailable];

pub(super) fn all() -> Vec<Entry> {
    [events(), subscriptions(), dead_letters()].into_iter().flatten().collect()
}

fn events() -> Vec<Entry> {
    vec![
        (
            "/api/v1/topics",
            "get",
            Operation::new("listTopics", "events", "Topics, and what became of their events")
                .pages(PAGE_MAX, of::<TopicView>())
                .refuses(&STORED),
        ),
        (
            "/api/v1/topics/{name}",
            "get",
            Operation::new("topic", "events", "One topic")
                .answers(200, "The topic", of::<TopicView>())
                .refuses(&[Code::NotFound])
                .refuses(&STORED),
        ),
        (
            "/api/v1/events",
            "get",
            Operation::new("readEvents", "events", "Reads events back, oldest first")
                .query("topic", taken::<Pattern>(), "Only events of these topics.")
                .query("from", schema("Place"), "Where to begin; a cursor goes before it. None means the first.")
                .query("limit", json!({"type": "integer", "minimum": 1, "maximum": PAGE_MAX}), "How many at most.")
                .query("cursor", json!({"type": "string", "pattern": "^[0-9]{1,18}$"}), "The `next` of the page before.")
                .answers(200, "A page of events", list_of(schema("StoredEvent")))
                .refuses(&[Code::BadRequest, Code::NotFound])
                .refuses(&STORED),
        ),
        (
            "/api/v1/events",
            "post",
            Operation::new("publish", "events", "Publishes CloudEvents: one, or a batch of at most 1,000")
                .about(
                    "In binary mode, which is not shown here, attributes are headers with the prefix `ce-` and the body \
                     is the data, of any other media type. Id, source and time may be left out. It answers when the events \
                     are durable.",
                )
                .takes_as(binding::STRUCTURED, schema("NewEvent"), true)
                .takes_as(
                    binding::BATCH,
                    json!({"type": "array", "items": schema("NewEvent"), "maxItems": binding::BATCH_MAX}),
                    true,
                )
                .answers(201, "They are stored", receipts())
                .answers(200, "They were stored before", receipts())
                .refuses(&PUBLISHING),
        ),
    ]
}

/// What publishing answers: of one event, or of a batch.
fn receipts() -> Shape {
    let (one, batch) = (of::<Receipt>(), list_of(of::<Receipt>()));
    Shape { schema: json!({"anyOf": [one.schema, batch.schema]}), components: one.components }
}

fn subscriptions() -> Vec<Entry> {
    let acting = |id: &str, summary: &str| {
        Operation::new(id, "subscriptions", summary)
            .answers(200, "The subscription", of::<SubscriptionView>())
            .refuses(&[Code::NotFound, Code::Conflict])
            .refuses(&STORED)
    };
    vec![
        (
            "/api/v1/subscriptions",
            "get",
            Operation::new("listSubscriptions", "subscriptions", "Subscriptions, whoever asked for them")
                .pages(PAGE_MAX, of::<SubscriptionView>())
                .refuses(&STORED),
        ),
        (
            "/api/v1/subscriptions",
            "post",
            Operation::new("subscribe", "subscriptions", "Makes a subscription of a service or a webhook")
                .takes(taken::<subscriptions::New>(), true)
                .answers(201, "It is made", of::<SubscriptionView>())
                .refuses(&[Code::Conflict])
                .refuses(&STORED),
        ),
        (
            "/api/v1/subscriptions/{id}",
            "get",
            Operation::new("subscription", "subscriptions", "One subscription, by its id or name")
                .answers(200, "The subscription", of::<SubscriptionView>())
                .refuses(&[Code::NotFound])
                .refuses(&STORED),
        ),
        (
            "/api/v1/subscriptions/{id}",
            "delete",
            Operation::new("unsubscribe", "subscriptions", "Ends a subscription that was made here")
                .empty()
                .refuses(&[Code::NotFound, Code::Conflict])
                .refuses(&STORED),
        ),
        ("/api/v1/subscriptions/{id}/pause", "post", acting("pause", "Delivers nothing until it is resumed")),
        ("/api/v1/subscriptions/{id}/resume", "post", acting("resume", "Delivers again")),
        ("/api/v1/subscriptions/{id}/seek", "post", acting("seek", "Moves the cursor").takes(taken::<Seek>(), true)),
    ]
}

fn dead_letters() -> Vec<Entry> {
    vec![
        (
            "/api/v1/dead-letters",
            "get",
            Operation::new("listDeadLetters", "dead letters", "Dead letters, oldest first")
                .query("subscription", text(), "Only those of this subscription.")
                .query("topic", text(), "Only those of this topic.")
                .query("queue", text(), "Only those of this queue.")
                .pages(PAGE_MAX, of::<DeadLetterView>())
                .refuses(&STORED),
        ),
        (
            "/api/v1/dead-letters/redrive",
            "post",
            Operation::new("redriveMany", "dead letters", "Has many tried again, so many a second")
                .takes(taken::<RedriveMany>(), false)
                .answers(202, "They are under way", of::<Redriving>())
                .refuses(&[Code::Conflict])
                .refuses(&STORED),
        ),
        (
            "/api/v1/dead-letters/{id}",
            "get",
            Operation::new("deadLetter", "dead letters", "One dead letter")
                .answers(200, "The dead letter", of::<DeadLetterView>())
                .refuses(&[Code::NotFound])
                .refuses(&STORED),
        ),
        (
            "/api/v1/dead-letters/{id}",
            "delete",
            Operation::new("discard", "dead letters", "Throws it away")
                .empty()
                .refuses(&[Code::NotFound])
                .refuses(&STORED),
        ),
        (
            "/api/v1/dead-letters/{id}/redrive",
            "post",
            Operation::new("redrive", "dead letters", "Has it tried again")
                .answers(202, "It is under way", of::<Redriving>())
                .refuses(&[Code::NotFound, Code::Conflict, Code::QueueFull])
                .refuses(&STORED),
        ),
    ]
}
