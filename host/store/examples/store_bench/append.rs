//! The log: durable and relaxed appends, and reading them back.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant, SystemTime},
};

use switchyard_core::timestamp::Timestamp;
use switchyard_store::{Append, Batch, LogOp, ReadLog, StoreError};

use crate::{
    Result, Store,
    measure::{RUN, measure},
};

const RECORD_BYTES: usize = 256;
const DEDUPLICATION: Duration = Duration::from_secs(24 * 60 * 60);

static IDS: AtomicU64 = AtomicU64::new(0);

pub(crate) async fn run(store: &Store) -> Result<()> {
    for producers in [1, 64, 256] {
        measure(store, "append 256 B", producers, |n| append(store.clone(), n, false)).await?;
    }
    measure(store, "append 256 B relaxed", 64, |n| append(store.clone(), n, true)).await?;
    read(store, None).await?;
    read(store, Some("bench.topic-0")).await?;
    store.close().await?;
    Ok(())
}

async fn append(store: Store, producer: usize, relaxed: bool) -> Result<Vec<Duration>, StoreError> {
    let start = Instant::now();
    let mut latencies = Vec::new();
    while start.elapsed() < RUN {
        let now = Timestamp::from(SystemTime::now());
        let batch = Batch::new().with(LogOp::Append(Append {
            topic: format!("bench.topic-{}", producer % 8).into(),
            source: "/services/bench".into(),
            // As long as a UUID, and rising as a UUIDv7 does.
            id: format!("{:036}", IDS.fetch_add(1, Relaxed)).into(),
            duplicates_since: now.minus(DEDUPLICATION),
            published_at: now,
            volatile: false,
            record: vec![b'x'; RECORD_BYTES].into(),
        }));
        let sent = Instant::now();
        store.commit(if relaxed { batch.relaxed() } else { batch }).await?;
        latencies.push(sent.elapsed());
    }
    Ok(latencies)
}

async fn read(store: &Store, topic: Option<&str>) -> Result<()> {
    let start = Instant::now();
    let topics = topic.map(str::parse).transpose()?;
    let mut read = ReadLog { after: 0, topics, limit: 1_000 };
    let mut records = 0;
    loop {
        let page = store.log_read(read.clone()).await?;
        records += page.records.len();
        if !page.more {
            break;
        }
        read.after = page.scanned;
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("read {}: {records} records, {:.0}/s", topic.unwrap_or("all topics"), records as f64 / seconds);
    Ok(())
}
