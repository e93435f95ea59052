//! How fast the embedded store is on this machine: `cargo run --release --example kv_bench [FOLDER]`.
//!
//! Prints durable commits a second with 1 and 64 producers, their latency, and reads a second from memory and
//! from disk. The folder decides what an fsync costs; a fresh one under the present folder by default.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use switchyard_store::{Backend, Embedded, Expect, Options, StoreError};
use tokio::task::JoinSet;

const RUN: Duration = Duration::from_secs(3);
const VALUE_BYTES: usize = 512;
const KEYS: usize = 10_000;

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("kv-bench"), PathBuf::from);
    let folder = folder.join(format!("run-{}", std::process::id()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let result = runtime.block_on(run(&folder));
    std::fs::remove_dir_all(&folder)?;
    result
}

async fn run(folder: &std::path::Path) -> Result<()> {
    let store: Arc<dyn Backend> = Arc::new(Embedded::open(Options::new(folder))?);
    for producers in [1, 64] {
        commits(&store, producers).await?;
    }
    reads_from_memory(&store)?;
    store.close().await?;
    reads_from_disk(folder).await
}

async fn commits(store: &Arc<dyn Backend>, producers: usize) -> Result<()> {
    let before = store.stats();
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for producer in 0..producers {
        tasks.spawn(produce(store.clone(), producer));
    }
    let mut latencies = Vec::new();
    for result in tasks.join_all().await {
        latencies.extend(result?);
    }
    let seconds = start.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |part: usize| latencies[(latencies.len() - 1) * part / 1_000];
    let after = store.stats();
    println!(
        "{producers:>3} producers: {:>8.0} commits/s in {:>6.0} transactions/s, p50 {:?}, p99 {:?}, p99.9 {:?}, max {:?}; \
         {} checkpoints, {} by the writer",
        latencies.len() as f64 / seconds,
        (after.transactions - before.transactions) as f64 / seconds,
        at(500),
        at(990),
        at(999),
        at(1_000),
        after.checkpoints - before.checkpoints,
        after.checkpoints_by_writer - before.checkpoints_by_writer,
    );
    Ok(())
}

async fn produce(store: Arc<dyn Backend>, producer: usize) -> Result<Vec<Duration>, StoreError> {
    let start = Instant::now();
    let mut latencies = Vec::new();
    let mut key = producer * 7_919;
    while start.elapsed() < RUN {
        key = (key + 104_729) % KEYS;
        let value = vec![b'x'; VALUE_BYTES].into();
        let sent = Instant::now();
        store.kv_put("bench", &format!("key/{key}"), value, Expect::Any).await?;
        latencies.push(sent.elapsed());
    }
    Ok(latencies)
}

fn reads_from_memory(store: &Arc<dyn Backend>) -> Result<()> {
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
    println!(
        "memory: {:.2} M reads/s on one thread, {:.1} % hits",
        reads as f64 / seconds / 1e6,
        hits as f64 * 100.0 / reads as f64
    );
    Ok(())
}

async fn reads_from_disk(folder: &std::path::Path) -> Result<()> {
    let mut options = Options::new(folder);
    options.limits.cache_bytes = 0;
    let store = Embedded::open(options)?;
    let start = Instant::now();
    let mut reads = 0_usize;
    while start.elapsed() < RUN / 3 {
        store.kv_get("bench", &format!("key/{}", reads * 104_729 % KEYS)).await?;
        reads += 1;
    }
    println!("disk: {:.0} reads/s, one at a time", reads as f64 / start.elapsed().as_secs_f64());
    store.close().await?;
    Ok(())
}
