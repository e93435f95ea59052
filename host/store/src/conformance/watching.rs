//! What those who wait are told.

use std::time::Duration;

use bytes::Bytes;
use tokio::{sync::broadcast::error::RecvError, time::timeout};

use super::make::{Store, WORKS, append, at, enqueue, event, held, lease, message, one, question};
use crate::{Entry, Expect, KvChange, QueueOp};

/// How long something may take that is to come.
const SOON: Duration = Duration::from_secs(10);

/// The head is the newest sequence, and whoever waits for it is woken by an append and by nothing else.
pub async fn head_rises_after_the_commit(store: Store) {
    let mut head = store.log_head();
    let first = append(&store, event("watch.head", "head 1", 0)).await.0;
    assert_eq!(*head.borrow_and_update(), first);
    let waiting = {
        let mut head = head.clone();
        tokio::spawn(async move { timeout(SOON, head.changed()).await.map(|_| *head.borrow()) })
    };
    let second = append(&store, event("watch.head", "head 2", 0)).await.0;
    assert_eq!(waiting.await.expect("it does not panic").expect("it is woken"), second);
    head.borrow_and_update();
    store.kv_put("watch-head", "k", "v".into(), Expect::Any).await.expect(WORKS);
    assert!(append(&store, event("watch.head", "head 2", 0)).await.1);
    assert!(!head.has_changed().expect("the store is open"), "a duplicate moves nothing");
}

/// A queue's watchers are told of messages that come and come back, also before there is a queue.
pub async fn queues_tell_what_may_have_become_ready(store: Store) {
    let queue = "watch-queue";
    let mut changes = store.queue_changes(queue);
    let mut others = store.queue_changes("watch-other");
    let mut told = async |what: &str| {
        let told = timeout(SOON, changes.changed()).await;
        assert!(told.is_ok(), "nobody was told that {what}");
        *changes.borrow_and_update()
    };
    enqueue(&store, message(queue, "watch-1", 0)).await;
    let first = told("a message came").await;
    let leased = lease(&store, question(queue, 1, 1)).await;
    let lease_ref = held(queue, &leased[0], 2);
    let back = QueueOp::Return { lease: lease_ref, ready_at: at(2), failures: 1, reason: "".into() };
    one(&store, back).await.expect(WORKS);
    assert!(told("a message came back").await > first);
    assert!(!others.has_changed().expect("the store is open"));
    others.borrow_and_update();
}

/// A bucket's watchers hear each change once, in order, after its commit, and nothing of other buckets.
pub async fn watchers_hear_each_change_in_order(store: Store) {
    let bucket = "watch-keys";
    let mut changes = store.kv_watch(bucket);
    let first = store.kv_put(bucket, "a", "1".into(), Expect::Any).await.expect(WORKS);
    store.kv_put("watch-other", "a", "1".into(), Expect::Any).await.expect(WORKS);
    store.kv_put(bucket, "a", "2".into(), Expect::Absent).await.expect_err("it is there");
    store.kv_increment(bucket, "a", 4).await.expect(WORKS);
    store.kv_delete(bucket, "a", Expect::Any).await.expect(WORKS);
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(timeout(SOON, changes.recv()).await.expect("it was told").expect("it is not behind"));
    }
    let one = Some(Entry { value: Bytes::from("1"), revision: first });
    assert_eq!(heard[0], KvChange { key: "a".into(), entry: one });
    assert_eq!(heard[1].entry.as_ref().map(|entry| &entry.value[..]), Some(&b"5"[..]));
    assert_eq!(heard[2], KvChange { key: "a".into(), entry: None });
    assert!(changes.is_empty());
}

/// A watcher that does not listen is told that it missed something, rather than made to believe the rest.
pub async fn watchers_that_fall_behind_are_told(store: Store) {
    let bucket = "watch-behind";
    let mut changes = store.kv_watch(bucket);
    let backlog = store.limits().watch_backlog.next_power_of_two();
    for _ in 0..=backlog {
        store.kv_put(bucket, "k", "v".into(), Expect::Any).await.expect(WORKS);
    }
    let heard = timeout(SOON, changes.recv()).await.expect("something was told");
    assert!(matches!(heard, Err(RecvError::Lagged(_))), "{heard:?}");
}
