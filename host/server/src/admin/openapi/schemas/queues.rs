//! Queues and their messages.

use serde_json::{Value, json};

use super::{closed, duration, list, moment, number, open, or_null, text, texts};

pub(super) fn all() -> Vec<(&'static str, Value)> {
    let queue = open(
        &[
            ("name", text()),
            ("enqueued", number()),
            ("dequeued", number()),
            ("failed", number()),
            ("currentSize", number()),
            ("inFlight", number()),
            ("delayed", number()),
            ("oldestAge", or_null(&duration())),
            ("averageWaitTime", duration()),
            ("maxSize", number()),
            ("maxAttempts", number()),
            ("visibilityTimeout", duration()),
            ("deadLetterQueue", or_null(&text())),
            ("deadLetters", number()),
            ("consumers", texts()),
        ],
        &[],
    );
    let lasting =
        json!({"type": ["string", "null"], "pattern": "^([1-9][0-9]{0,3} *s|([1-9][0-9]?|[1-6][0-9]{2}) *m)$"});
    let wait = json!({"type": ["string", "null"], "pattern": "^[0-9]{1,6} *(ms|s|m)$"});
    let message = closed(
        &[("data", json!({"description": "Any JSON."}))],
        &[
            ("priority", json!({"type": "integer", "minimum": 0, "maximum": 9})),
            ("delay", wait.clone()),
            ("dedupId", json!({"type": ["string", "null"], "pattern": "^[ -~]{1,255}$"})),
        ],
    );
    let lease = closed(
        &[],
        &[("max", json!({"type": "integer", "minimum": 1, "maximum": 100})), ("visibilityTimeout", lasting.clone())],
    );
    let leased = open(
        &[
            ("id", text()),
            ("token", text()),
            ("data", json!({})),
            ("priority", number()),
            ("attempt", number()),
            ("enqueuedAt", moment()),
        ],
        &[],
    );
    let settlement = |delay: Value| {
        let lasting = lasting.clone();
        closed(&[("token", text())], &[("delay", delay), ("reason", or_null(&text())), ("visibilityTimeout", lasting)])
    };
    vec![
        ("Queue", queue),
        ("NewMessage", message),
        ("Enqueued", open(&[("id", text())], &[])),
        ("Lease", lease),
        ("Leased", open(&[("messages", list(&leased))], &[])),
        ("Settlement", settlement(wait)),
        ("Extension", settlement(lasting.clone())),
    ]
}
