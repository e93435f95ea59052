//! The embedded backend as a whole.

mod copying;
mod damage;
mod everything;
mod examination;
mod families;
mod limits;
mod migration;
mod model;
mod power;
mod relaxed;
mod restart;
mod retention;
mod rotten;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use async_trait::async_trait;
use bytes::Bytes;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::*;
use crate::{Backend, Batch, Expect, conformance::Factory};

fn store(folder: &TempDir) -> Embedded {
    Embedded::open(Options::new(folder.path())).unwrap()
}

/// Opens one folder, with these limits.
struct OneFolder {
    folder: TempDir,
    tight: bool,
}

#[async_trait]
impl Factory for OneFolder {
    async fn open(&self) -> Arc<dyn Backend> {
        let mut options = Options::new(self.folder.path());
        if self.tight {
            options.limits.cache_bytes = 0;
            options.limits.bucket_bytes = 8 << 20;
            options.limits.list_page = 20;
            options.limits.read_bytes = 4 << 20;
            options.limits.watch_backlog = 4;
        }
        Arc::new(Embedded::open(options).unwrap())
    }
}

fn factory() -> OneFolder {
    OneFolder { folder: tempfile::tempdir().unwrap(), tight: false }
}

/// A store without memory, so that each read goes to disk, and with limits that are soon reached.
fn tight() -> OneFolder {
    OneFolder { tight: true, ..factory() }
}

mod conformance {
    crate::conformance_tests!(super::factory);
}

mod conformance_tight {
    crate::conformance_tests!(super::tight);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn group_commit_shares_transactions() {
    const TASKS: u64 = 64;
    const EACH: u64 = 20;
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(store(&folder));
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let store = store.clone();
        tasks.spawn(async move {
            for n in 0..EACH {
                store.kv_put("b", &format!("{task}/{n}"), "v".into(), Expect::Any).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let stats = store.stats();
    assert_eq!(stats.commits, TASKS * EACH);
    assert!(stats.transactions * 4 < stats.commits, "{stats:?}");
}

#[tokio::test]
async fn lone_commit_is_one_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    for _ in 0..3 {
        store.kv_put("b", "k", "v".into(), Expect::Any).await.unwrap();
    }
    store.kv_put("b", "k", "v".into(), Expect::Absent).await.unwrap_err();
    let stats = store.stats();
    assert_eq!((stats.commits, stats.transactions, stats.refused), (3, 3, 1));
}

#[tokio::test]
async fn committed_values_are_answered_from_memory() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    assert_eq!(store.kv_cached("b", "k"), None);
    store.kv_put("b", "k", "v".into(), Expect::Any).await.unwrap();
    assert!(matches!(store.kv_cached("b", "k"), Some(Some(entry)) if entry.value == "v"));
    store.kv_delete("b", "k", Expect::Any).await.unwrap();
    assert_eq!(store.kv_cached("b", "k"), Some(None));
    assert_eq!(store.stats().cache_misses, 0);
}

#[tokio::test]
async fn reads_fill_memory() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(&folder);
    for key in ["a", "b"] {
        first.kv_put("b", key, "v".into(), Expect::Any).await.unwrap();
    }
    drop(first);
    let store = store(&folder);
    assert!(store.kv_get("b", "a").await.unwrap().is_some());
    store.kv_get_many("b", &["b".into(), "none".into()]).await.unwrap();
    assert_eq!(store.stats().cache_misses, 3);
    assert!(matches!(store.kv_cached("b", "a"), Some(Some(_))));
    assert!(matches!(store.kv_cached("b", "b"), Some(Some(_))));
    assert_eq!(store.kv_cached("b", "none"), Some(None));
}

#[tokio::test]
async fn many_commits_keep_the_log_short() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path());
    options.checkpoint_bytes = 256 << 10;
    options.log_bytes_max = 1 << 20;
    let store = Embedded::open(options).unwrap();
    let value = Bytes::from(vec![7; 32 << 10]);
    for n in 0..400 {
        store.kv_put("b", &n.to_string(), value.clone(), Expect::Any).await.unwrap();
    }
    let log = std::fs::metadata(folder.path().join("store.sqlite-wal")).unwrap().len();
    // 13 MB were written; one group may go over the cap before anything can be done about it.
    assert!(log <= 2 << 20, "{log} bytes, {:?}", store.stats());
    assert!(store.stats().checkpoints + store.stats().checkpoints_by_writer > 0);
    store.close().await.unwrap();
    let log = std::fs::metadata(folder.path().join("store.sqlite-wal")).map_or(0, |file| file.len());
    assert_eq!(log, 0, "closing moves the log into the database");
}

/// A cache that forgets all the time, so that reads are fetched, reserved, evicted and overtaken by writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_are_never_behind_what_was_acknowledged_while_memory_is_short() {
    const KEYS: u64 = 40;
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path());
    options.limits.cache_bytes = 4 << 10;
    let store = Arc::new(Embedded::open(options).unwrap());
    let acknowledged: Arc<Vec<AtomicU64>> = Arc::new((0..KEYS).map(|_| AtomicU64::new(0)).collect());
    let mut tasks = JoinSet::new();
    for task in 0..8_u64 {
        let (store, acknowledged) = (store.clone(), acknowledged.clone());
        tasks.spawn(async move {
            for step in 0..200_u64 {
                let key = (task * 31 + step * 17) % KEYS;
                let (name, last) = (key.to_string(), &acknowledged[usize::try_from(key).unwrap()]);
                if task < 2 {
                    let revision = store.kv_put("b", &name, "v".into(), Expect::Any).await.unwrap();
                    last.fetch_max(revision, Relaxed);
                } else {
                    let before = last.load(Relaxed);
                    let entry = store.kv_get("b", &name).await.unwrap();
                    assert!(entry.map_or(0, |entry| entry.revision) >= before, "key {key} was read stale");
                    let before = last.load(Relaxed);
                    let entries = store.kv_get_many("b", &[name.into()]).await.unwrap();
                    assert!(entries[0].as_ref().map_or(0, |entry| entry.revision) >= before, "key {key}");
                }
            }
        });
    }
    tasks.join_all().await;
}
