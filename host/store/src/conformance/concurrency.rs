//! Many callers at once, and the end.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use tokio::task::JoinSet;

use crate::{Backend, Expect, ListKeys, StoreError};

const WORKS: &str = "a right operation on an open store succeeds";

type Store = Arc<dyn Backend>;

/// Of many that swap the same revision exactly one wins, round after round, and what it wrote is there.
pub async fn one_of_many_swaps_wins(store: Store) {
    const TASKS: usize = 64;
    let mut revision = store.kv_put("many-swap", "k", "start".into(), Expect::Absent).await.expect(WORKS);
    for round in 0..10 {
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let store = store.clone();
            tasks.spawn(async move {
                let value = format!("{round}/{task}");
                let result = store.kv_put("many-swap", "k", value.clone().into(), Expect::Revision(revision)).await;
                result.map(|revision| (value, revision))
            });
        }
        let mut winners = Vec::new();
        for result in tasks.join_all().await {
            match result {
                Ok(winner) => winners.push(winner),
                Err(StoreError::Conflict { .. }) => {}
                Err(other) => unreachable!("{other}"),
            }
        }
        assert_eq!(winners.len(), 1, "{winners:?}");
        let entry = store.kv_get("many-swap", "k").await.expect(WORKS).expect("it was put");
        assert_eq!((entry.value, entry.revision), (winners[0].0.clone().into(), winners[0].1));
        revision = entry.revision;
    }
}

/// Increments of many callers are all counted, and each is answered its own sum.
pub async fn concurrent_increments_add_up(store: Store) {
    const TASKS: i64 = 200;
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let store = store.clone();
        tasks.spawn(async move { store.kv_increment("many-add", "n", 1).await.expect(WORKS) });
    }
    let mut sums = tasks.join_all().await;
    sums.sort_unstable();
    assert_eq!(sums, (1..=TASKS).collect::<Vec<_>>());
}

/// While one writes, readers see each key only move forward, and never behind what was acknowledged.
pub async fn reads_never_go_back(store: Store) {
    const WRITES: u64 = 100;
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for _ in 0..2 {
        let (store, done) = (store.clone(), done.clone());
        readers.spawn(async move {
            let mut last = 0;
            while !done.load(SeqCst) {
                let entry = store.kv_get("many-read", "k").await.expect(WORKS);
                let seen = entry.map_or(0, |entry| entry.revision);
                assert!(seen >= last, "revision {seen} was read after {last}");
                last = seen;
                tokio::task::yield_now().await;
            }
        });
    }
    for write in 0..WRITES {
        let revision = store.kv_put("many-read", "k", write.to_string().into(), Expect::Any).await.expect(WORKS);
        let entry = store.kv_get("many-read", "k").await.expect(WORKS).expect("it was put");
        assert_eq!(entry.revision, revision, "an acknowledged write is read back");
    }
    done.store(true, SeqCst);
    readers.join_all().await;
}

/// A closed store refuses, and closing again is fine.
pub async fn close_refuses_what_comes_after(store: Store) {
    store.kv_put("many-close", "k", "1".into(), Expect::Any).await.expect(WORKS);
    store.close().await.expect(WORKS);
    store.close().await.expect(WORKS);
    let put = store.kv_put("many-close", "k", "2".into(), Expect::Any).await;
    assert!(matches!(put, Err(StoreError::Closed)), "{put:?}");
    let list = store.kv_list("many-close", ListKeys::default()).await;
    assert!(matches!(list, Err(StoreError::Closed)), "{list:?}");
}
