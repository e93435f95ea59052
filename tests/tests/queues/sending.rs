//! Enqueueing, leasing and counting, over HTTP.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use switchyard_tests::Setup;

use crate::{lease_one, post, problem};

#[tokio::test]
async fn a_message_is_leased_as_it_was_enqueued_by_priority_then_in_order() {
    let host = Setup::new().start().await;
    let enqueued = post(&host, "mail/messages", json!({"data": {"to": "ann"}, "priority": 3})).await;
    assert_eq!(enqueued.status, 201, "{}", enqueued.text());
    for (n, priority) in [(1, 0), (2, 9), (3, 3), (4, 0), (5, 9)] {
        host.enqueue("mail", json!({"data": n, "priority": priority})).await;
    }
    let first = host.lease("mail", json!({"max": 2, "visibilityTimeout": "1m"})).await;
    let rest = host.lease("mail", json!({"max": 10})).await;
    let all = [first, rest].concat();
    let data: Vec<Value> = all.iter().map(|message| message["data"].clone()).collect();
    assert_eq!(data, [json!(2), json!(5), json!({"to": "ann"}), json!(3), json!(1), json!(4)]);
    let ann = &all[2];
    assert_eq!(ann["id"], enqueued.json()["id"]);
    assert_eq!((&ann["priority"], &ann["attempt"]), (&json!(3), &json!(1)), "{ann:#}");
    assert!(ann["enqueuedAt"].as_str().unwrap().ends_with('Z') && ann["token"].is_string(), "{ann:#}");
    assert_eq!(host.lease("mail", json!({"max": 1})).await.len(), 0);
    for message in &all {
        let acked = host.settle("mail", message, "ack", json!({})).await;
        assert!(acked.status.is_success(), "{}", acked.text());
    }
    let queue = host.queue("mail").await;
    let counts =
        ["enqueued", "dequeued", "failed", "currentSize", "inFlight", "delayed"].map(|name| queue[name].clone());
    assert_eq!(counts, [6, 6, 0, 0, 0, 0], "{queue:#}");
}

#[tokio::test]
async fn a_delayed_message_waits_and_a_deduplicated_one_is_enqueued_once() {
    let host = Setup::new().start().await;
    let since = Instant::now();
    host.enqueue("d", json!({"data": 1, "delay": "1500ms"})).await;
    let queue = host.queue("d").await;
    assert_eq!((&queue["currentSize"], &queue["delayed"]), (&json!(1), &json!(1)), "{queue:#}");
    assert_eq!(host.lease("d", json!({})).await.len(), 0);
    lease_one(&host, "d").await;
    assert!(since.elapsed() >= Duration::from_millis(1_500));
    let first = post(&host, "d/messages", json!({"data": 2, "dedupId": "x"})).await.json();
    let host = host.kill().start().await;
    let again = post(&host, "d/messages", json!({"data": 3, "dedupId": "x"})).await;
    assert!(again.status.is_success(), "{}", again.text());
    assert_eq!(again.json()["id"], first["id"]);
    let leased = host.lease("d", json!({"max": 10})).await;
    assert_eq!((leased.len(), &leased[0]["data"]), (1, &json!(2)));
    host.settle("d", &leased[0], "ack", json!({})).await;
    let done = post(&host, "d/messages", json!({"data": 4, "dedupId": "x"})).await;
    assert_eq!(done.json()["id"], first["id"], "also when the first one is done");
    assert_eq!(host.queue("d").await["currentSize"], 0);
}

#[tokio::test]
async fn a_full_queue_says_so() {
    let host = Setup::new().config("[queues.small]\nmax-size = 3\n").start().await;
    for n in 0..2 {
        host.enqueue("small", json!({"data": n})).await;
    }
    host.enqueue("small", json!({"data": 2, "delay": "1h"})).await;
    let full = post(&host, "small/messages", json!({"data": 3})).await;
    assert_eq!((full.status.as_u16(), &full.json()["error"]), (429, &json!("Queue small is full")), "{}", full.text());
    assert!(full.header("retry-after").parse::<u32>().unwrap() >= 1);
    // What is leased waits no more.
    let leased = host.lease("small", json!({"max": 1})).await;
    host.enqueue("small", json!({"data": 3})).await;
    assert_eq!(post(&host, "small/messages", json!({"data": 4})).await.status, 429);
    host.settle("small", &leased[0], "ack", json!({})).await;
    assert_eq!(host.queue("small").await["maxSize"], 3);
    // By default there is room for a thousand.
    let mut sent = Vec::new();
    for n in 0..1_000 {
        sent.push(post(&host, "default/messages", json!({"data": n})).await.status.as_u16());
    }
    assert!(sent.iter().all(|status| *status == 201));
    assert_eq!(post(&host, "default/messages", json!({"data": 0})).await.status, 429);
}

#[tokio::test]
async fn what_is_no_message_and_what_is_not_there_is_refused() {
    let host = Setup::new().start().await;
    host.enqueue("known", json!({"data": 1})).await;
    for (path, body, status, named) in [
        ("known/messages", json!({}), 400, "data"),
        ("known/messages", json!({"data": 1, "priority": 10}), 400, "priority"),
        ("known/messages", json!({"data": 1, "priority": -1}), 400, "body"),
        ("known/messages", json!({"data": 1, "delay": "soon"}), 400, "soon"),
        ("known/messages", json!({"data": 1, "prio": 1}), 400, "prio"),
        ("bad%20name/messages", json!({"data": 1}), 400, "bad name"),
        ("known/lease", json!({"visibilityTimeout": "1ms"}), 400, "1s"),
        ("known/lease", json!({"max": 0}), 400, "max"),
        ("unknown/lease", json!({}), 404, "unknown"),
        ("unknown/messages/1/ack", json!({"token": "x"}), 404, "unknown"),
        ("known/messages/1/ack", json!({}), 400, "token"),
    ] {
        problem(&post(&host, path, body).await, status, named);
    }
    problem(&host.admin("/api/v1/queues/unknown").await, 404, "unknown");
    let large = post(&host, "known/messages", json!({"data": "x".repeat((1 << 20) + 1)})).await;
    assert_eq!(large.status, 413, "{}", large.text());
    assert_eq!(host.queue("known").await["currentSize"], 1);
    let listed = host.items("/api/v1/queues").await;
    assert_eq!(listed.len(), 1, "asking makes no queue: {listed:?}");
}

#[tokio::test]
async fn a_lane_that_waits_behind_busier_ones_is_served_within_ten_seconds() {
    let host = Setup::new().start().await;
    host.enqueue("busy", json!({"data": "low", "priority": 0})).await;
    let since = Instant::now();
    let mut served_before = 0;
    loop {
        host.enqueue("busy", json!({"data": "high", "priority": 9})).await;
        let message = lease_one(&host, "busy").await;
        host.settle("busy", &message, "ack", json!({})).await;
        if message["data"] == "low" {
            break;
        }
        served_before += 1;
        assert!(since.elapsed() < Duration::from_secs(20), "it starves");
    }
    assert!(served_before > 50 && since.elapsed() >= Duration::from_secs(9), "{served_before} went before");
}

#[tokio::test]
async fn statistics_tell_sizes_ages_and_waits() {
    let host = Setup::new().probe("queues = [{ queue = 'other' }]").start().await;
    for n in 0..5 {
        host.enqueue("s", json!({"data": n})).await;
    }
    host.enqueue("s", json!({"data": 5, "delay": "1h"})).await;
    let leased = host.lease("s", json!({"max": 3})).await;
    host.settle("s", &leased[0], "ack", json!({})).await;
    host.settle("s", &leased[1], "reject", json!({"reason": "no"})).await;
    let queue = host.queue("s").await;
    let counts = ["enqueued", "dequeued", "failed", "currentSize", "inFlight", "delayed", "deadLetters"];
    assert_eq!(counts.map(|name| queue[name].clone()), [6, 1, 1, 3, 1, 1, 1], "{queue:#}");
    assert_eq!((&queue["name"], &queue["maxSize"], &queue["maxAttempts"]), (&json!("s"), &json!(1_000), &json!(3)));
    for duration in ["oldestAge", "averageWaitTime", "visibilityTimeout"] {
        assert!(queue[duration].as_str().is_some_and(|text| text.ends_with('s')), "{duration}: {queue:#}");
    }
    host.enqueue("other", json!({"data": 1})).await;
    assert_eq!(host.queue("other").await["consumers"], json!(["probe"]));
    let names: Vec<_> = host.items("/api/v1/queues").await.iter().map(|queue| queue["name"].clone()).collect();
    assert_eq!(names, ["other", "s"]);
}
