//! Batches of several families, for backends that commit them as one.

use super::make::{
    Store, WORKS, append, at, claim, dead, enqueue, event, held, lease, message, of_queue, open, question, settle,
};
use crate::{
    Batch, CursorOp, CursorStart, DeadOp, Expect, KvOp, LeaseRef, LogOp, Op, OwnerOp, QueueOp, QueueUsage, Settled,
    Timer, TimerOp,
};

/// One operation of each family, all of which would be taken.
fn all_families(name: &str, epoch: u64, lease: LeaseRef) -> Batch {
    let timer = Timer { key: name.into(), due: at(9), payload: "t".into() };
    Batch::new()
        .put(name, "key", "value", Expect::Absent)
        .with(LogOp::Append(event(name, &format!("{name} event"), 1)))
        .with(settle(name, epoch, 7, 7, Settled::Done))
        .with(QueueOp::Enqueue(message(name, &format!("{name} second"), 1)))
        .with(QueueOp::Ack { lease })
        .with(DeadOp::Put(dead(name, of_queue(name))))
        .with(TimerOp::Set(timer))
        .with(OwnerOp::Claim { resource: name.into(), owner: "ann".into(), now: at(1), until: at(2) })
}

/// A cursor, and a queue with a leased message.
async fn start(store: &Store, name: &str) -> (u64, LeaseRef) {
    let (epoch, _) = open(store, name, CursorStart::After(5)).await;
    enqueue(store, message(name, &format!("{name} first"), 0)).await;
    let leased = lease(store, question(name, 1, 0)).await;
    (epoch, held(name, &leased[0], 1))
}

/// What can be seen of all families.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    key: bool,
    records: u64,
    floor: u64,
    queue: QueueUsage,
    dead: bool,
    timer: bool,
    owner: bool,
}

async fn seen(store: &Store, name: &str) -> Seen {
    let topics = store.topics().await.expect(WORKS);
    Seen {
        key: store.kv_exists(name, "key").await.expect(WORKS),
        records: topics.iter().find(|topic| *topic.topic == *name).map_or(0, |topic| topic.records),
        floor: store.cursor(name).await.expect(WORKS).expect("it was opened").floor,
        queue: store.queue(name, at(1)).await.expect(WORKS).expect("it was made"),
        dead: store.dead_letter(name).await.expect(WORKS).is_some(),
        timer: store.timer(name).await.expect(WORKS).is_some(),
        owner: store.owner(name).await.expect(WORKS).is_some(),
    }
}

/// Whichever family refuses, nothing is left of any other; and then all of it can be committed.
pub async fn one_refused_operation_undoes_all_families(store: Store) {
    let name = "refused";
    let (epoch, lease) = start(&store, name).await;
    claim(&store, "refused-owned", "bob", 0).await.expect(WORKS);
    let head = *store.log_head().borrow();
    let before = seen(&store, name).await;
    let wrong_lease = LeaseRef { token: "wrong".into(), ..lease.clone() };
    let refusals: [Op; 7] = [
        KvOp::Check { bucket: name.into(), key: "none".into(), expect: Expect::Revision(1) }.into(),
        CursorOp::Advance { name: name.into(), epoch: epoch + 1, floor: 9 }.into(),
        QueueOp::Ack { lease: wrong_lease }.into(),
        QueueOp::Lease(question("refused-none", 1, 0)).into(),
        DeadOp::Remove { id: "none".into() }.into(),
        TimerOp::Clear { key: "none".into(), due: Some(at(1)) }.into(),
        OwnerOp::Assert { resource: "refused-owned".into(), token: 0 }.into(),
    ];
    for refusal in refusals {
        let what = format!("{refusal:?}");
        let result = store.commit(all_families(name, epoch, lease.clone()).with(refusal)).await;
        assert!(result.is_err(), "{what}");
        assert_eq!(seen(&store, name).await, before, "{what}");
        assert_eq!(*store.log_head().borrow(), head, "{what}");
    }
    store.commit(all_families(name, epoch, lease)).await.expect(WORKS);
}

/// A batch of all families is seen whole.
pub async fn families_are_committed_together(store: Store) {
    let name = "together";
    let (epoch, lease) = start(&store, name).await;
    let outcomes = store.commit(all_families(name, epoch, lease)).await.expect(WORKS).outcomes;
    assert_eq!(outcomes.len(), 8);
    let now = seen(&store, name).await;
    let queue = QueueUsage { waiting: 1, in_flight: 0, enqueued: 2, dequeued: 1, ..now.queue.clone() };
    assert_eq!(now, Seen { key: true, records: 1, floor: 7, queue, dead: true, timer: true, owner: true });
}

/// A batch that asks to be answered early is applied when it is answered, with rising numbers.
pub async fn relaxed_batches_are_seen_once_answered(store: Store) {
    let mut last = append(&store, event("relaxed", "relaxed", 0)).await.0;
    for n in 0..50 {
        let batch = Batch::new().with(LogOp::Append(event("relaxed", &format!("relaxed {n}"), 0))).put(
            "relaxed",
            "n",
            n.to_string(),
            Expect::Any,
        );
        store.commit(if n % 5 == 0 { batch } else { batch.relaxed() }).await.expect(WORKS);
        let head = *store.log_head().borrow();
        assert!(head > last);
        last = head;
        assert!(store.log_get(head).await.expect(WORKS).is_some());
        let entry = store.kv_get("relaxed", "n").await.expect(WORKS).expect("it was put");
        assert_eq!(entry.value, n.to_string());
    }
}
