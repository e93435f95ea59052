//! Adding to queues: how one comes into being, how large it gets, what is the same message.

use super::make::{Store, WORKS, at, conflicts, enqueue, held, lease, lease_ids, message, one, question, too_large};
use crate::{Enqueue, LeaseRef, Outcome, QueueOp, QueueOutcome, StoreError};

/// A queue is not there before its first message, and then it is, also when it is empty.
pub async fn first_message_makes_the_queue(store: Store) {
    let queue = "make";
    let lease_ref = LeaseRef { queue: queue.into(), id: "m".into(), token: "t".into(), now: at(0) };
    assert_eq!(store.queue(queue, at(0)).await.expect(WORKS), None);
    let unknown = |error| matches!(error, StoreError::UnknownQueue { queue: named } if *named == *queue);
    assert!(unknown(store.queue_message(queue, "m").await.expect_err("there is no queue")));
    for op in [
        QueueOp::Lease(question(queue, 1, 0)),
        QueueOp::Ack { lease: lease_ref.clone() },
        QueueOp::Fail { lease: lease_ref.clone() },
        QueueOp::Extend { lease: lease_ref.clone(), until: at(9) },
        QueueOp::Return { lease: lease_ref, ready_at: at(0), failures: 0, reason: "".into() },
    ] {
        assert!(unknown(one(&store, op).await.expect_err("there is no queue")));
    }
    enqueue(&store, message(queue, "make-1", 0)).await;
    let leased = lease(&store, question(queue, 1, 1)).await;
    one(&store, QueueOp::Ack { lease: held(queue, &leased[0], 2) }).await.expect(WORKS);
    assert_eq!(lease(&store, question(queue, 1, 3)).await, []);
    assert_eq!(store.queue_message(queue, "make-1").await.expect(WORKS), None);
    let usage = store.queue(queue, at(4)).await.expect(WORKS).expect("it was made");
    assert_eq!((usage.waiting, usage.enqueued, usage.dequeued), (0, 1, 1));
}

/// Waiting and delayed messages fill a queue, leased ones do not, and one that is full says so.
pub async fn size_counts_waiting_and_delayed_messages(store: Store) {
    let queue = "size";
    let sized = |id: &str| Enqueue { size_max: 2, ..message(queue, id, 0) };
    let full = |result: Result<Outcome, StoreError>| match result {
        Err(error @ StoreError::QueueFull { .. }) => assert_eq!(error.to_string(), "Queue size is full"),
        other => unreachable!("a full queue was expected: {other:?}"),
    };
    full(one(&store, QueueOp::Enqueue(Enqueue { size_max: 0, ..sized("size-0") })).await);
    assert_eq!(store.queue(queue, at(0)).await.expect(WORKS), None, "a refused message makes no queue");
    enqueue(&store, sized("size-1")).await;
    enqueue(&store, Enqueue { ready_at: at(90_000), ..sized("size-2") }).await;
    full(one(&store, QueueOp::Enqueue(sized("size-3"))).await);
    assert_eq!(lease_ids(&store, queue, 1, 10).await, ["size-1"]);
    enqueue(&store, sized("size-4")).await;
    full(one(&store, QueueOp::Enqueue(Enqueue { enqueued_at: at(20), ..sized("size-5") })).await);
    // The lease has run out, so its message waits again.
    full(one(&store, QueueOp::Enqueue(Enqueue { enqueued_at: at(5_000), size_max: 3, ..sized("size-6") })).await);
    enqueue(&store, Enqueue { enqueued_at: at(5_000), size_max: 4, ..sized("size-7") }).await;
}

/// Within its time, a deduplication id answers the first message, also when that is done and the queue is full.
pub async fn deduplication_ids_answer_the_first_message(store: Store) {
    let queue = "dedup";
    let under = |id: &str, ms: u64, until: u64| Enqueue {
        dedup: Some(("key".into(), at(until))),
        size_max: 1,
        ..message(queue, id, ms)
    };
    assert_eq!(enqueue(&store, under("dedup-1", 0, 1_000)).await, ("dedup-1".into(), false));
    assert_eq!(enqueue(&store, under("dedup-2", 1, 9_000)).await, ("dedup-1".into(), true));
    let leased = lease(&store, question(queue, 1, 10)).await;
    one(&store, QueueOp::Ack { lease: held(queue, &leased[0], 20) }).await.expect(WORKS);
    assert_eq!(enqueue(&store, under("dedup-3", 999, 9_000)).await, ("dedup-1".into(), true));
    let elsewhere = Enqueue { queue: "dedup-other".into(), ..under("dedup-4", 30, 1_000) };
    assert_eq!(enqueue(&store, elsewhere).await, ("dedup-4".into(), false));
    assert_eq!(enqueue(&store, under("dedup-5", 1_000, 2_000)).await, ("dedup-5".into(), false));
    assert_eq!(enqueue(&store, under("dedup-6", 1_001, 2_000)).await, ("dedup-5".into(), true));
    assert_eq!(store.queue(queue, at(1_001)).await.expect(WORKS).map(|usage| usage.enqueued), Some(2));
}

/// Deduplication ids that have ended are forgotten, at most so many, and others stay.
pub async fn expired_deduplication_ids_are_forgotten(store: Store) {
    let under = |key: &str, id: &str, until: u64| Enqueue {
        dedup: Some((key.into(), at(until))),
        ..message("dedup-expiry", id, 0)
    };
    for (key, id, until) in [("a", "expiry-1", 100), ("b", "expiry-2", 100), ("c", "expiry-3", 200)] {
        enqueue(&store, under(key, id, until)).await;
    }
    let expire = |before, max| QueueOp::ExpireDedup { before: at(before), max };
    assert_eq!(one(&store, expire(100, 10)).await.expect(WORKS), Outcome::Queue(QueueOutcome::Done));
    // The clock of who asks stands still: what is still known is what was not forgotten.
    assert!(enqueue(&store, under("a", "expiry-4", 100)).await.1);
    one(&store, expire(101, 1)).await.expect(WORKS);
    let known =
        [enqueue(&store, under("a", "expiry-5", 100)).await.1, enqueue(&store, under("b", "expiry-6", 100)).await.1];
    assert_eq!(known.iter().filter(|known| **known).count(), 1, "one of two was forgotten");
    one(&store, expire(200, 10)).await.expect(WORKS);
    assert!(enqueue(&store, under("c", "expiry-7", 200)).await.1);
}

/// An id that a message has already is refused, in any queue.
pub async fn message_ids_are_unique(store: Store) {
    enqueue(&store, message("unique", "unique-1", 0)).await;
    conflicts(one(&store, QueueOp::Enqueue(message("unique", "unique-1", 0))).await);
    conflicts(one(&store, QueueOp::Enqueue(message("unique-other", "unique-1", 0))).await);
    assert_eq!(store.queue("unique", at(1)).await.expect(WORKS).map(|usage| usage.waiting), Some(1));
}

/// There are ten priorities, and what is over a size is refused.
pub async fn priorities_over_nine_are_refused(store: Store) {
    enqueue(&store, Enqueue { priority: 9, ..message("priority", "priority-9", 0) }).await;
    too_large(one(&store, QueueOp::Enqueue(Enqueue { priority: 10, ..message("priority", "ten", 0) })).await);
    let limits = store.limits().clone();
    let data = vec![0; limits.message_bytes + 1].into();
    too_large(one(&store, QueueOp::Enqueue(Enqueue { data, ..message("priority", "large", 0) })).await);
    let id = "x".repeat(limits.name_bytes + 1);
    too_large(one(&store, QueueOp::Enqueue(message("priority", &id, 0))).await);
}
