//! Many callers at once, for a while; rates and latencies of what they did.

use std::time::{Duration, Instant};

use switchyard_store::{Stats, StoreError};
use tokio::task::JoinSet;

use crate::{Result, Store};

/// How long each measurement runs.
pub(crate) const RUN: Duration = Duration::from_secs(3);

/// Runs so many callers, each of which answers the latencies of what it did, and prints what came of it.
pub(crate) async fn measure<F>(store: &Store, name: &str, callers: usize, caller: impl Fn(usize) -> F) -> Result<()>
where
    F: Future<Output = Result<Vec<Duration>, StoreError>> + Send + 'static,
{
    let before = store.stats();
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for n in 0..callers {
        tasks.spawn(caller(n));
    }
    let mut latencies = Vec::new();
    for result in tasks.join_all().await {
        latencies.extend(result?);
    }
    print(name, callers, start.elapsed(), &mut latencies, before, store.stats());
    Ok(())
}

fn print(name: &str, callers: usize, took: Duration, latencies: &mut [Duration], before: Stats, after: Stats) {
    latencies.sort_unstable();
    let seconds = took.as_secs_f64();
    let at = |part: usize| latencies[(latencies.len() - 1) * part / 1_000];
    println!(
        "{name}, {callers:>2} at once: {:>7.0}/s, p50 {:?}, p99 {:?}, p99.9 {:?}, max {:?}; {:.0} transactions/s, \
         {} checkpoints, {} by the writer",
        latencies.len() as f64 / seconds,
        at(500),
        at(990),
        at(999),
        at(1_000),
        (after.transactions - before.transactions) as f64 / seconds,
        after.checkpoints - before.checkpoints,
        after.checkpoints_by_writer - before.checkpoints_by_writer,
    );
}
