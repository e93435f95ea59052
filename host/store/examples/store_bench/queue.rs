//! Queues: enqueue, lease, ack; each durable before the next.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime},
};

use switchyard_core::timestamp::Timestamp;
use switchyard_store::{Batch, Enqueue, Lease, LeaseRef, Outcome, QueueOp, QueueOutcome, StoreError, StoredMessage};

use crate::{
    Result, Store,
    measure::{RUN, measure},
};

const MESSAGE_BYTES: usize = 256;
const SECONDS_30: Duration = Duration::from_secs(30);

static IDS: AtomicU64 = AtomicU64::new(0);

pub(crate) async fn run(store: &Store) -> Result<()> {
    for workers in [1, 64] {
        measure(store, "enqueue, lease, ack", workers, |n| round_trips(store.clone(), n)).await?;
    }
    store.close().await?;
    Ok(())
}

async fn round_trips(store: Store, worker: usize) -> Result<Vec<Duration>, StoreError> {
    let queue: Arc<str> = "bench".into();
    let start = Instant::now();
    let mut latencies = Vec::new();
    while start.elapsed() < RUN {
        let sent = Instant::now();
        let now = Timestamp::from(SystemTime::now());
        let number = IDS.fetch_add(1, Relaxed);
        let enqueue = Enqueue {
            queue: queue.clone(),
            id: format!("{number:036}").into(),
            data: vec![b'x'; MESSAGE_BYTES].into(),
            priority: 0,
            enqueued_at: now,
            ready_at: now,
            dedup: None,
            size_max: 1_000,
        };
        store.commit(Batch::new().with(QueueOp::Enqueue(enqueue))).await?;
        let lease = Lease {
            queue: queue.clone(),
            max: 1,
            token: format!("{worker:016}-{number:016}").into(),
            now,
            until: now.plus(SECONDS_30),
            lane_wait_max: Duration::from_secs(10),
        };
        for message in leased(&store, lease).await? {
            let lease = LeaseRef {
                queue: queue.clone(),
                id: message.id,
                token: message.token.expect("a leased message has a token"),
                now,
            };
            store.commit(Batch::new().with(QueueOp::Ack { lease })).await?;
        }
        latencies.push(sent.elapsed());
    }
    Ok(latencies)
}

async fn leased(store: &Store, lease: Lease) -> Result<Vec<StoredMessage>, StoreError> {
    let outcomes = store.commit(Batch::new().with(QueueOp::Lease(lease))).await?.outcomes;
    Ok(match outcomes.into_iter().next() {
        Some(Outcome::Queue(QueueOutcome::Leased(messages))) => messages,
        other => unreachable!("a lease was answered {other:?}"),
    })
}
