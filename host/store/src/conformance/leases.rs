//! What a lease allows, and how it ends.

use bytes::Bytes;
use tokio::task::JoinSet;

use super::make::{Store, WORKS, at, enqueue, held, lease, lease_ids, message, one, question};
use crate::{Enqueue, Lease, LeaseRef, QueueOp, StoreError, StoredMessage};

fn give_back(lease: LeaseRef, ready_at: u64, failures: u32, reason: &str) -> QueueOp {
    QueueOp::Return { lease, ready_at: at(ready_at), failures, reason: reason.into() }
}

async fn refused(store: &Store, op: QueueOp) {
    let result = one(store, op).await;
    assert!(matches!(result, Err(StoreError::NotLeased { .. })), "{result:?}");
}

async fn stored(store: &Store, queue: &str, id: &str) -> StoredMessage {
    store.queue_message(queue, id).await.expect(WORKS).expect("it is there")
}

/// A leased message is as it was enqueued, with a token that is its own, and reads the same.
pub async fn leased_messages_are_whole(store: Store) {
    let queue = "whole";
    let data = Bytes::from_static(b"\0\xff");
    enqueue(&store, Enqueue { data: data.clone(), priority: 3, ..message(queue, "whole-1", 5) }).await;
    enqueue(&store, Enqueue { data: Bytes::new(), ..message(queue, "whole-2", 6) }).await;
    let waiting = StoredMessage {
        id: "whole-1".into(),
        token: None,
        data,
        priority: 3,
        failures: 0,
        expiries: 0,
        enqueued_at: at(5),
        due: at(5),
        reason: "".into(),
    };
    assert_eq!(stored(&store, queue, "whole-1").await, waiting);
    let leased = lease(&store, question(queue, 2, 10)).await;
    assert_eq!(leased[0], StoredMessage { token: leased[0].token.clone(), due: at(1_010), ..waiting });
    assert_eq!(stored(&store, queue, "whole-1").await, leased[0]);
    assert!(leased[0].token.is_some() && leased[0].token != leased[1].token);
    assert!(leased[1].data.is_empty());
    assert_eq!(store.queue_message(queue, "none").await.expect(WORKS), None);
    enqueue(&store, message("whole-other", "whole-3", 0)).await;
    assert_eq!(store.queue_message(queue, "whole-3").await.expect(WORKS), None, "it is another queue's");
}

/// A message of any size comes back byte for byte, also when it is leased again.
pub async fn large_messages_are_whole(store: Store) {
    let max = store.limits().message_bytes;
    for (n, size) in [1_000, 2_048, 2_049, 5_000, 100_000, max].into_iter().enumerate() {
        let data: Bytes = (0..size).map(|byte| u8::try_from(byte % 251).expect("below 251")).collect();
        let id = format!("large-{n}");
        enqueue(&store, Enqueue { data: data.clone(), ..message("large", &id, 0) }).await;
        for _ in 0..2 {
            let leased = lease(&store, question("large", 1, 10)).await;
            assert_eq!(leased[0].data, data, "{size} bytes");
            one(&store, give_back(held("large", &leased[0], 11), 0, 1, "again")).await.expect(WORKS);
        }
        assert_eq!(stored(&store, "large", &id).await.data, data);
        let leased = lease(&store, question("large", 1, 12)).await;
        one(&store, QueueOp::Ack { lease: held("large", &leased[0], 13) }).await.expect(WORKS);
    }
}

/// A message that is acknowledged is gone; another token, another queue and the same token twice are refused.
pub async fn ack_removes_and_a_stale_token_is_refused(store: Store) {
    let queue = "ack";
    enqueue(&store, message(queue, "ack-1", 0)).await;
    enqueue(&store, message("ack-other", "ack-2", 0)).await;
    let leased = lease(&store, question(queue, 1, 1)).await;
    let right = held(queue, &leased[0], 2);
    refused(&store, QueueOp::Ack { lease: LeaseRef { token: "wrong".into(), ..right.clone() } }).await;
    refused(&store, QueueOp::Ack { lease: LeaseRef { id: "none".into(), ..right.clone() } }).await;
    refused(&store, QueueOp::Ack { lease: LeaseRef { queue: "ack-other".into(), ..right.clone() } }).await;
    refused(&store, QueueOp::Ack { lease: LeaseRef { id: "ack-2".into(), ..right.clone() } }).await;
    one(&store, QueueOp::Ack { lease: right.clone() }).await.expect(WORKS);
    refused(&store, QueueOp::Ack { lease: right.clone() }).await;
    refused(&store, QueueOp::Extend { lease: right, until: at(9_000) }).await;
    assert_eq!(store.queue_message(queue, "ack-1").await.expect(WORKS), None);
    assert_eq!(lease_ids(&store, queue, 1, 90_000).await, Vec::<String>::new());
}

/// A token holds until its lease ends, and not at that moment any more, whether the message was leased again or not.
pub async fn a_token_ends_with_its_lease(store: Store) {
    let queue = "ends";
    enqueue(&store, message(queue, "ends-1", 0)).await;
    let leased = lease(&store, question(queue, 1, 0)).await;
    for ms in [1_000, 2_000] {
        refused(&store, QueueOp::Ack { lease: held(queue, &leased[0], ms) }).await;
        refused(&store, QueueOp::Extend { lease: held(queue, &leased[0], ms), until: at(9_000) }).await;
        refused(&store, give_back(held(queue, &leased[0], ms), 0, 0, "")).await;
    }
    one(&store, QueueOp::Extend { lease: held(queue, &leased[0], 999), until: at(1_500) }).await.expect(WORKS);
    let again = lease(&store, question(queue, 1, 1_500)).await;
    refused(&store, QueueOp::Ack { lease: held(queue, &leased[0], 1_400) }).await;
    one(&store, QueueOp::Ack { lease: held(queue, &again[0], 1_501) }).await.expect(WORKS);
}

/// A lease that ran out is counted apart from failures, and the message has its old place again.
pub async fn a_lease_that_ran_out_gives_the_message_back(store: Store) {
    let queue = "ran-out";
    for n in 1..=3 {
        enqueue(&store, message(queue, &format!("ran-out-{n}"), n)).await;
    }
    assert_eq!(lease_ids(&store, queue, 1, 10).await, ["ran-out-1"]);
    assert_eq!(lease_ids(&store, queue, 1, 1_009).await, ["ran-out-2"]);
    let again = lease(&store, question(queue, 9, 1_010)).await;
    let ids: Vec<&str> = again.iter().map(|message| &*message.id).collect();
    assert_eq!(ids, ["ran-out-1", "ran-out-3"]);
    assert_eq!((again[0].expiries, again[0].failures), (1, 0));
    assert_eq!((again[1].expiries, again[1].failures), (0, 0));
    let third = lease(&store, question(queue, 1, 5_000)).await;
    assert_eq!((&*third[0].id, third[0].expiries), ("ran-out-1", 2));
}

/// A message that is given back comes again at its moment, with what is said of it, and its token is void.
pub async fn return_gives_a_message_back_later(store: Store) {
    let queue = "return";
    enqueue(&store, message(queue, "return-1", 0)).await;
    let leased = lease(&store, question(queue, 1, 10)).await;
    one(&store, give_back(held(queue, &leased[0], 20), 500, 1, "no luck")).await.expect(WORKS);
    refused(&store, QueueOp::Ack { lease: held(queue, &leased[0], 21) }).await;
    let waiting = stored(&store, queue, "return-1").await;
    assert_eq!((waiting.token, waiting.due, waiting.failures), (None, at(500), 1));
    assert_eq!(lease_ids(&store, queue, 1, 499).await, Vec::<String>::new());
    enqueue(&store, message(queue, "return-2", 499)).await;
    let again = lease(&store, question(queue, 2, 500)).await;
    assert_eq!((&*again[0].id, &*again[1].id), ("return-2", "return-1"));
    assert_eq!((again[1].failures, again[1].expiries, &*again[1].reason), (1, 0, "no luck"));
    let max = store.limits().reason_bytes;
    one(&store, give_back(held(queue, &again[1], 501), 501, 2, &"x".repeat(max + 1))).await.expect(WORKS);
    assert_eq!(stored(&store, queue, "return-1").await.reason.len(), max);
}

/// A message that is given back at once goes before those that came after it.
pub async fn return_at_once_keeps_the_place(store: Store) {
    let queue = "at-once";
    for n in 1..=3 {
        enqueue(&store, message(queue, &format!("at-once-{n}"), n)).await;
    }
    let leased = lease(&store, question(queue, 2, 10)).await;
    one(&store, give_back(held(queue, &leased[1], 20), 20, 0, "")).await.expect(WORKS);
    one(&store, give_back(held(queue, &leased[0], 20), 0, 0, "")).await.expect(WORKS);
    assert!(stored(&store, queue, "at-once-1").await.due <= at(20));
    assert_eq!(lease_ids(&store, queue, 3, 20).await, ["at-once-1", "at-once-2", "at-once-3"]);
}

/// A lease can be made longer and shorter.
pub async fn extend_moves_the_end_of_a_lease(store: Store) {
    let queue = "extend";
    enqueue(&store, message(queue, "extend-1", 0)).await;
    let leased = lease(&store, question(queue, 1, 0)).await;
    one(&store, QueueOp::Extend { lease: held(queue, &leased[0], 500), until: at(5_000) }).await.expect(WORKS);
    assert_eq!(stored(&store, queue, "extend-1").await.due, at(5_000));
    assert_eq!(lease_ids(&store, queue, 1, 4_999).await, Vec::<String>::new());
    one(&store, QueueOp::Extend { lease: held(queue, &leased[0], 4_999), until: at(4_000) }).await.expect(WORKS);
    assert_eq!(lease_ids(&store, queue, 1, 4_999).await, ["extend-1"]);
}

/// A message that failed for good is gone, and counted as failed and not as dequeued.
pub async fn fail_removes_and_counts(store: Store) {
    let queue = "fail";
    enqueue(&store, message(queue, "fail-1", 0)).await;
    let leased = lease(&store, question(queue, 1, 0)).await;
    one(&store, QueueOp::Fail { lease: held(queue, &leased[0], 1) }).await.expect(WORKS);
    assert_eq!(store.queue_message(queue, "fail-1").await.expect(WORKS), None);
    let usage = store.queue(queue, at(2)).await.expect(WORKS).expect("there is one");
    assert_eq!((usage.in_flight, usage.dequeued, usage.failed), (0, 0, 1));
}

/// Of many who lease at once each message goes to one.
pub async fn one_of_many_leases_has_the_message(store: Store) {
    const MESSAGES: usize = 100;
    for n in 0..MESSAGES {
        enqueue(&store, message("many", &format!("many-{n:03}"), 0)).await;
    }
    let mut tasks = JoinSet::new();
    for n in 0..2 * MESSAGES {
        let store = store.clone();
        let question = Lease { token: format!("token {n}").into(), ..question("many", 1, 1) };
        tasks.spawn(async move { lease(&store, question).await });
    }
    let mut ids: Vec<_> = tasks.join_all().await.into_iter().flatten().map(|message| message.id).collect();
    ids.sort_unstable();
    assert_eq!(ids.len(), MESSAGES);
    ids.dedup();
    assert_eq!(ids.len(), MESSAGES);
}
