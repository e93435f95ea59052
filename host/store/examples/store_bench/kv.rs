//! Keys: durable writes, and reads from memory and from disk.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use switchyard_store::{Backend, Embedded, Expect, Options, StoreError};

use crate::{
    Result, Store,
    measure::{RUN, measure},
};

const VALUE_BYTES: usize = 512;
const KEYS: usize = 10_000;

pub(crate) async fn run(store: &Store, folder: &Path) -> Result<()> {
    for writers in [1, 64] {
        measure(store, "put 512 B", writers, |n| put(store.clone(), n)).await?;
    }
    reads_from_memory(store);
    store.close().await?;
    reads_from_disk(folder).await
}

async fn put(store: Store, writer: usize) -> Result<Vec<Duration>, StoreError> {
    let start = Instant::now();
    let mut latencies = Vec::new();
    let mut key = writer * 7_919;
    while start.elapsed() < RUN {
        key = (key + 104_729) % KEYS;
        let value = vec![b'x'; VALUE_BYTES].into();
        let sent = Instant::now();
        store.kv_put("bench", &format!("key/{key}"), value, Expect::Any).await?;
        latencies.push(sent.elapsed());
    }
    Ok(latencies)
}

fn reads_from_memory(store: &Store) {
    let keys: Vec<String> = (0..KEYS).map(|key| format!("key/{key}")).collect();
    let start = Instant::now();
    let (mut hits, mut reads) = (0_u64, 0_u64);
    while start.elapsed() < RUN / 3 {
        for key in &keys {
            hits += u64::from(store.kv_cached("bench", key).is_some());
            reads += 1;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let millions = reads as f64 / seconds / 1e6;
    println!("get from memory: {millions:.2} M/s on one thread, {:.1} % hits", hits as f64 * 100.0 / reads as f64);
}

async fn reads_from_disk(folder: &Path) -> Result<()> {
    let mut options = Options::new(folder);
    options.limits.cache_bytes = 0;
    let store = Embedded::open(options)?;
    let start = Instant::now();
    let mut reads = 0_usize;
    while start.elapsed() < RUN / 3 {
        store.kv_get("bench", &format!("key/{}", reads * 104_729 % KEYS)).await?;
        reads += 1;
    }
    println!("get from disk: {:.0}/s, one at a time", reads as f64 / start.elapsed().as_secs_f64());
    store.close().await?;
    Ok(())
}
