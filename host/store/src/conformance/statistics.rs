//! What topics and queues say of themselves.

use super::make::{Store, WORKS, append, at, enqueue, event, held, lease, message, one, question};
use crate::{Enqueue, LogOp, QueueOp, QueueUsage, TopicUsage};

/// Topics are told in the order of their names, with what they keep, what they ever had, and their newest record.
pub async fn topics_are_counted(store: Store) {
    let usage = async |topic: &str| {
        let topics = store.topics().await.expect(WORKS);
        assert!(topics.is_sorted_by(|a, b| a.topic < b.topic), "{topics:?}");
        topics.into_iter().find(|usage| *usage.topic == *topic)
    };
    assert_eq!(usage("count.a").await, None);
    let mut bytes = 0;
    let mut last = 0;
    for ms in 1..=3 {
        let event = event("count.a", &format!("count {ms}"), ms);
        bytes += event.record.len() as u64;
        last = append(&store, event).await.0;
    }
    append(&store, event("count.b", "count", 1)).await;
    let expected = TopicUsage {
        topic: "count.a".into(),
        records: 3,
        bytes,
        appended: 3,
        last_sequence: last,
        last_published_at: at(3),
    };
    assert_eq!(usage("count.a").await, Some(expected.clone()));
    assert!(append(&store, event("count.a", "count 1", 9)).await.1);
    assert_eq!(usage("count.a").await, Some(expected.clone()), "a duplicate is not counted");
    one(&store, LogOp::Expire { topic: "count.a".into(), before: at(3), max: 10 }).await.expect(WORKS);
    let kept = TopicUsage { records: 1, bytes: bytes / 3, ..expected };
    assert_eq!(usage("count.a").await, Some(kept.clone()));
    one(&store, LogOp::Expire { topic: "count.a".into(), before: at(4), max: 10 }).await.expect(WORKS);
    assert_eq!(usage("count.a").await, Some(TopicUsage { records: 0, bytes: 0, last_sequence: 0, ..kept }));
}

/// A queue says what can be leased at a moment, also what has become due since anything was done with it.
pub async fn queues_are_counted_as_of_a_moment(store: Store) {
    let queue = "count-queue";
    enqueue(&store, message(queue, "count-1", 0)).await;
    enqueue(&store, message(queue, "count-2", 100)).await;
    enqueue(&store, Enqueue { ready_at: at(5_000), ..message(queue, "count-3", 200) }).await;
    enqueue(&store, Enqueue { ready_at: at(50_000), ..message(queue, "count-4", 200) }).await;
    let leased = lease(&store, question(queue, 1, 1_000)).await;
    let usage = async |ms| store.queue(queue, at(ms)).await.expect(WORKS).expect("there is one");
    let expected = QueueUsage {
        queue: queue.into(),
        waiting: 1,
        delayed: 2,
        in_flight: 1,
        enqueued: 4,
        oldest_ready_at: Some(at(100)),
        first_leases: 1,
        waited_ms: 1_000,
        ..QueueUsage::default()
    };
    assert_eq!(usage(1_500).await, expected);
    // The lease ends at 2,000, and its message has waited since 0.
    let expected = QueueUsage { waiting: 2, in_flight: 0, oldest_ready_at: Some(at(0)), ..expected };
    assert_eq!(usage(2_000).await, expected);
    assert_eq!(usage(5_000).await, QueueUsage { waiting: 3, delayed: 1, ..expected.clone() });
    one(&store, QueueOp::Ack { lease: held(queue, &leased[0], 1_500) }).await.expect(WORKS);
    let expected = QueueUsage { waiting: 1, dequeued: 1, oldest_ready_at: Some(at(100)), ..expected };
    assert_eq!(usage(1_600).await, expected);
    // Leased again is not leased first.
    for ms in [10_000, 20_000] {
        let again = lease(&store, question(queue, 10, ms)).await;
        assert_eq!(again.len(), 2);
    }
    let usage = usage(20_500).await;
    assert_eq!((usage.waiting, usage.delayed, usage.in_flight, usage.oldest_ready_at), (0, 1, 2, None));
    assert_eq!((usage.first_leases, usage.waited_ms), (3, 1_000 + 9_900 + 5_000));
    let queues = store.queues(at(20_500)).await.expect(WORKS);
    assert!(queues.contains(&usage) && queues.is_sorted_by(|a, b| a.queue < b.queue), "{queues:?}");
}

/// A queue says when something next becomes ready; a moment that has passed when something is.
pub async fn queues_say_when_something_is_due(store: Store) {
    let queue = "count-due";
    let due = async || store.queue_next_due(queue).await.expect(WORKS);
    assert_eq!(due().await, None);
    enqueue(&store, Enqueue { ready_at: at(5_000), ..message(queue, "due-1", 0) }).await;
    assert_eq!(due().await, Some(at(5_000)));
    enqueue(&store, message(queue, "due-2", 10)).await;
    assert!(due().await.is_some_and(|due| due <= at(10)));
    let leased = lease(&store, question(queue, 1, 20)).await;
    assert_eq!(due().await, Some(at(1_020)));
    one(&store, QueueOp::Extend { lease: held(queue, &leased[0], 30), until: at(9_000) }).await.expect(WORKS);
    assert_eq!(due().await, Some(at(5_000)));
    one(&store, QueueOp::Ack { lease: held(queue, &leased[0], 40) }).await.expect(WORKS);
    let last = lease(&store, question(queue, 1, 5_000)).await;
    one(&store, QueueOp::Ack { lease: held(queue, &last[0], 5_001) }).await.expect(WORKS);
    assert_eq!(due().await, None);
}
