//! A store that holds something of each family, for tests that look at all of it.

use switchyard_core::timestamp::Timestamp;

use super::*;
use crate::{
    Append, CursorOp, CursorOutcome, CursorStart, DeadLetter, DeadOp, DeadOrigin, Enqueue, Lease, LogOp, Op, Outcome,
    OwnerOp, QueueOp, Retry, Settled, Timer, TimerOp,
};

pub(super) fn append(topic: &str, id: &str, ms: u64) -> Op {
    LogOp::Append(Append {
        topic: topic.into(),
        source: "/s".into(),
        id: id.into(),
        duplicates_since: Timestamp(ms.saturating_sub(1_000)),
        published_at: Timestamp(ms),
        volatile: false,
        record: format!("record {id}").into(),
    })
    .into()
}

pub(super) fn enqueue(queue: &str, id: &str, data: usize) -> Op {
    QueueOp::Enqueue(Enqueue {
        queue: queue.into(),
        id: id.into(),
        data: vec![7; data].into(),
        priority: 0,
        enqueued_at: Timestamp(1),
        ready_at: Timestamp(1),
        dedup: Some((id.into(), Timestamp(9_000))),
        size_max: 1_000_000,
    })
    .into()
}

pub(super) fn lease(queue: &str, token: &str, max: usize) -> Op {
    QueueOp::Lease(Lease {
        queue: queue.into(),
        max,
        token: token.into(),
        now: Timestamp(2),
        until: Timestamp(1_000),
        lane_wait_max: std::time::Duration::from_secs(10),
    })
    .into()
}

pub(super) async fn one(store: &Embedded, op: Op) -> Outcome {
    store.commit(Batch::new().with(op)).await.unwrap().outcomes.remove(0)
}

/// Puts something of each family, twenty times where that is not told apart.
pub(super) async fn fill(store: &Embedded) {
    store.kv_put("bucket", "key", "value".into(), Expect::Any).await.unwrap();
    for n in 0..20 {
        one(store, append("topic", &n.to_string(), n)).await;
        one(store, enqueue("queue", &format!("message-{n:02}"), if n % 2 == 0 { 10 } else { 9_000 })).await;
    }
    let expire = LogOp::Expire { topic: "topic".into(), before: Timestamp(3), max: 10 };
    one(store, expire.into()).await;
    let open = CursorOp::Open { name: "cursor".into(), start: CursorStart::After(5) };
    let Outcome::Cursor(CursorOutcome::At { epoch, .. }) = one(store, open.into()).await else {
        unreachable!("an opening was answered otherwise")
    };
    let settled = Settled::Done;
    let settle = CursorOp::Settle { name: "cursor".into(), epoch, sequence: 9, floor: 5, settled };
    one(store, settle.into()).await;
    let (due, reason, record) = (Timestamp(8), "why".into(), Some("event".into()));
    let retry = Retry { sequence: 3, attempts: 1, due, reason, record };
    one(store, CursorOp::Redeliver { name: "cursor".into(), retry }.into()).await;
    one(store, lease("queue", "token", 2)).await;
    for (n, origin) in [
        DeadOrigin::Event { subscription: "cursor".into(), topic: "topic".into(), sequence: 3 },
        DeadOrigin::Message { queue: "queue".into(), id: "m".into(), priority: 4, enqueued_at: Timestamp(1) },
    ]
    .into_iter()
    .enumerate()
    {
        let (id, record) = (format!("letter-{n}").into(), "record".into());
        let letter = DeadLetter { id, origin, attempts: 3, error: "no".into(), failed_at: Timestamp(4), record };
        one(store, DeadOp::Put(letter).into()).await;
    }
    one(store, TimerOp::Set(Timer { key: "timer".into(), due: Timestamp(5), payload: "p".into() }).into()).await;
    let (now, until) = (Timestamp(0), Timestamp(500));
    one(store, OwnerOp::Claim { resource: "resource".into(), owner: "ann".into(), now, until }.into()).await;
    store.blob_put("blob", vec![3; 600_000].into()).await.unwrap();
}
