//! What is there after the store was closed and opened again.

use super::{
    Factory,
    make::{
        Store, WORKS, append, at, claim, conflicts, dead, enqueue, event, held, lease, lease_ids, message, of_queue,
        one, open, question, read_all, retry, settle,
    },
};
use crate::{Append, CursorOp, CursorStart, DeadOp, Enqueue, Expect, QueueOp, Timer, TimerOp};

async fn reopen(store: Store, factory: &impl Factory) -> Store {
    store.close().await.expect(WORKS);
    factory.open().await
}

/// All families read the same as before.
pub async fn reopening_finds_every_family(factory: &impl Factory) {
    let store = factory.open().await;
    store.kv_put("b", "k", "v".into(), Expect::Any).await.expect(WORKS);
    append(&store, event("topic", "event", 3)).await;
    let (epoch, _) = open(&store, "cursor", CursorStart::After(5)).await;
    one(&store, settle("cursor", epoch, 8, 6, retry(2, 50, "why"))).await.expect(WORKS);
    one(&store, settle("cursor", epoch, 9, 6, crate::Settled::Done)).await.expect(WORKS);
    enqueue(&store, Enqueue { ready_at: at(500), ..message("queue", "message", 1) }).await;
    one(&store, DeadOp::Put(dead("letter", of_queue("queue")))).await.expect(WORKS);
    let timer = Timer { key: "timer".into(), due: at(7), payload: "p".into() };
    one(&store, TimerOp::Set(timer)).await.expect(WORKS);
    claim(&store, "resource", "ann", 0).await.expect(WORKS);
    store.blob_put("blob", vec![7; 300_000].into()).await.expect(WORKS);
    let before = seen(&store).await;
    let store = reopen(store, factory).await;
    assert_eq!(seen(&store).await, before);
}

async fn seen(store: &Store) -> Vec<String> {
    let head = *store.log_head().borrow();
    vec![
        format!("{:?}", store.kv_get("b", "k").await.expect(WORKS)),
        format!("{:?}", store.kv_usage("b").await.expect(WORKS)),
        format!("{:?} up to {head}", read_all(store, ">", 10).await),
        format!("{:?}", store.topics().await.expect(WORKS)),
        format!("{:?}", store.cursor("cursor").await.expect(WORKS)),
        format!("{:?}", store.queues(at(10)).await.expect(WORKS)),
        format!("{:?}", store.queue_message("queue", "message").await.expect(WORKS)),
        format!("{:?}", store.dead_letter("letter").await.expect(WORKS)),
        format!("{:?}", store.timers(10).await.expect(WORKS)),
        format!("{:?}", store.owner("resource").await.expect(WORKS)),
        format!("{:?}", store.blob_get("blob").await.expect(WORKS)),
    ]
}

/// A lease holds on, and ends, over a restart; so do deduplication and the order of messages.
pub async fn reopening_keeps_leases_and_deduplication(factory: &impl Factory) {
    let store = factory.open().await;
    let under = |id: &str, ms| Enqueue { dedup: Some(("key".into(), at(9_000))), ..message("queue", id, ms) };
    enqueue(&store, under("first", 0)).await;
    for id in ["second", "third"] {
        enqueue(&store, message("queue", id, 1)).await;
    }
    append(&store, event("topic", "event", 3)).await;
    let leased = lease(&store, question("queue", 2, 10)).await;
    let store = reopen(store, factory).await;
    assert_eq!(enqueue(&store, under("again", 20)).await, ("first".into(), true));
    assert!(append(&store, event("topic", "event", 4)).await.1);
    assert_eq!(lease_ids(&store, "queue", 1, 30).await, ["third"]);
    one(&store, QueueOp::Ack { lease: held("queue", &leased[1], 40) }).await.expect(WORKS);
    let again = lease(&store, question("queue", 9, 1_010)).await;
    assert_eq!((&*again[0].id, again[0].expiries), ("first", 1));
}

/// Volatile records are gone, with what was counted of them; what lasts stays.
pub async fn reopening_forgets_volatile_records(factory: &impl Factory) {
    let store = factory.open().await;
    let volatile = |topic: &str, id: &str| Append { volatile: true, ..event(topic, id, 5) };
    append(&store, event("mixed", "kept", 4)).await;
    append(&store, volatile("mixed", "gone")).await;
    append(&store, volatile("memory", "gone too")).await;
    assert_eq!(read_all(&store, ">", 10).await.len(), 3);
    let head = *store.log_head().borrow();
    let store = reopen(store, factory).await;
    let kept = read_all(&store, ">", 10).await;
    assert_eq!(kept.iter().map(|record| &*record.topic).collect::<Vec<_>>(), ["mixed"]);
    let topics = store.topics().await.expect(WORKS);
    let counted: Vec<_> = topics.iter().map(|t| (&*t.topic, t.records, t.appended, t.last_sequence)).collect();
    assert_eq!(counted, [("memory", 0, 1, 0), ("mixed", 1, 2, kept[0].sequence)]);
    let (sequence, duplicate) = append(&store, volatile("memory", "gone too")).await;
    assert!(!duplicate && sequence > head);
}

/// Revisions, sequences, epochs and tokens go on rising.
pub async fn reopening_never_gives_a_number_twice(factory: &impl Factory) {
    let store = factory.open().await;
    let revision = store.kv_put("b", "k", "v".into(), Expect::Any).await.expect(WORKS);
    store.kv_delete("b", "k", Expect::Any).await.expect(WORKS);
    let sequence = append(&store, event("topic", "1", 0)).await.0;
    let (epoch, _) = open(&store, "cursor", CursorStart::After(0)).await;
    one(&store, CursorOp::Remove { name: "cursor".into() }).await.expect(WORKS);
    let token = claim(&store, "resource", "ann", 0).await.expect(WORKS);
    let store = reopen(store, factory).await;
    assert!(store.kv_put("b", "k", "v".into(), Expect::Any).await.expect(WORKS) > revision);
    assert!(append(&store, event("topic", "2", 0)).await.0 > sequence);
    let (again, _) = open(&store, "cursor", CursorStart::After(0)).await;
    assert_ne!(again, epoch);
    conflicts(one(&store, settle("cursor", epoch, 1, 1, crate::Settled::Done)).await);
    assert!(claim(&store, "resource", "bob", 5_000).await.expect(WORKS) > token);
}
