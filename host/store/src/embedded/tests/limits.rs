//! Queues that are full, and reads that would be too large.

use super::{everything::append, *};
use crate::{KvOp, Measure, Op, ReadLog};

#[tokio::test]
async fn commits_beyond_the_queue_are_answered_busy() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path());
    options.limits.waiting_commits = 4;
    let store = Arc::new(Embedded::open(options).unwrap());
    let mut tasks = JoinSet::new();
    for n in 0..200 {
        let store = store.clone();
        tasks.spawn(async move { store.kv_put("b", &n.to_string(), "v".into(), Expect::Any).await });
    }
    let results = tasks.join_all().await;
    let busy = results.iter().filter(|result| matches!(result, Err(StoreError::Busy))).count();
    let done = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(busy + done, 200);
    assert!(busy > 0);
    assert_eq!(store.kv_usage("b").await.unwrap().unwrap().entries, done as u64);
}

#[tokio::test]
async fn batch_over_its_bytes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let mut batch = Batch::new();
    for n in 0..17 {
        let (bucket, key, value) = ("b".into(), n.to_string().into(), vec![0; 1 << 20].into());
        batch.push(Op::Kv(KvOp::Put { bucket, key, value, expect: Expect::Any }));
    }
    let result = store.commit(batch).await;
    assert!(matches!(result, Err(StoreError::TooLarge { what: Measure::BatchBytes, .. })), "{result:?}");
}

#[tokio::test]
async fn get_many_over_its_limits_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path());
    options.limits.cache_bytes = 0;
    options.limits.read_bytes = 1_000;
    options.limits.list_page = 3;
    let store = Embedded::open(options).unwrap();
    for key in ["a", "b"] {
        store.kv_put("b", key, vec![0; 600].into(), Expect::Any).await.unwrap();
    }
    let result = store.kv_get_many("b", &["a".into(), "b".into()]).await;
    assert!(matches!(result, Err(StoreError::TooLarge { what: Measure::BytesAsked, size: 1_200, .. })), "{result:?}");
    let result = store.kv_get_many("b", &["a", "a", "a", "a"].map(Arc::from)).await;
    assert!(matches!(result, Err(StoreError::TooLarge { what: Measure::KeysAsked, size: 4, .. })), "{result:?}");
}

#[tokio::test]
async fn page_that_passes_over_much_ends_early_and_says_how_far_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    for thousand in 0..11 {
        let ops = (0..1_000).map(|n| append("other.x", &format!("{thousand}/{n}"), 1));
        store.commit(ops.fold(Batch::new(), Batch::with)).await.unwrap();
    }
    store.commit(Batch::new().with(append("wanted.x", "wanted", 1))).await.unwrap();
    let read = async |after, topics: &str| {
        let topics = Some(topics.parse().unwrap());
        store.log_read(ReadLog { after, topics, limit: 10 }).await.unwrap()
    };
    let page = read(0, "wanted.*").await;
    assert_eq!((page.records.len(), page.scanned, page.more), (0, 10_000, true));
    let page = read(page.scanned, "wanted.*").await;
    assert_eq!((page.records.len(), page.scanned, page.more), (1, 11_001, false));
    // One topic alone has an index.
    assert_eq!(read(0, "wanted.x").await.records.len(), 1);
}

#[tokio::test]
async fn topics_and_queues_are_bounded_and_those_that_are_there_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path());
    options.limits.names = 2;
    let store = Embedded::open(options).unwrap();
    let publish = |topic: &str, id: &str| store.commit(Batch::new().with(append(topic, id, 1)));
    for (topic, id) in [("a", "1"), ("b", "2"), ("a", "3")] {
        publish(topic, id).await.unwrap();
    }
    let refused = publish("c", "4").await;
    assert!(matches!(refused, Err(StoreError::TooMany { what: "topics", max: 2 })), "{refused:?}");
    publish("b", "5").await.unwrap();
}
