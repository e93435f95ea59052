//! What the log forgets.

use super::make::{Store, WORKS, append, at, event, one, read_all};
use crate::{Append, LogOp, LogOutcome, Outcome};

async fn expire(store: &Store, topic: &str, before: u64, max: usize) -> usize {
    match one(store, LogOp::Expire { topic: topic.into(), before: at(before), max }).await.expect(WORKS) {
        Outcome::Log(LogOutcome::Expired { removed }) => removed,
        other => unreachable!("an expiry was answered {other:?}"),
    }
}

async fn times(store: &Store, topic: &str) -> Vec<u64> {
    read_all(store, topic, 100).await.iter().map(|record| record.published_at.0 - at(0).0).collect()
}

/// The oldest records of one topic go, at most so many and only those before the moment; other topics stay.
pub async fn expire_forgets_the_oldest_of_one_topic(store: Store) {
    for ms in 0..6 {
        append(&store, event("expiry.a", &format!("a{ms}"), ms)).await;
        append(&store, event("expiry.b", &format!("b{ms}"), ms)).await;
    }
    assert_eq!(expire(&store, "expiry.a", 4, 3).await, 3);
    assert_eq!(times(&store, "expiry.a").await, [3, 4, 5]);
    assert_eq!(expire(&store, "expiry.a", 4, 3).await, 1);
    assert_eq!(expire(&store, "expiry.a", 4, 3).await, 0);
    assert_eq!(times(&store, "expiry.a").await, [4, 5]);
    assert_eq!(times(&store, "expiry.b").await, [0, 1, 2, 3, 4, 5]);
    assert_eq!(expire(&store, "expiry.none", 4, 3).await, 0);
    assert_eq!(expire(&store, "expiry.a", 100, 0).await, 0);
    assert_eq!(expire(&store, "expiry.a", 100, usize::MAX).await, 2);
    assert_eq!(times(&store, "expiry.*").await, [0, 1, 2, 3, 4, 5]);
    let sequence = append(&store, event("expiry.a", "again", 7)).await.0;
    assert_eq!(store.log_get(sequence).await.expect(WORKS).map(|record| record.published_at), Some(at(7)));
}

/// A record that was expired is still what a later one is a duplicate of, while the time for that lasts.
pub async fn expired_records_are_still_duplicates(store: Store) {
    let since = |since, ms| Append { duplicates_since: at(since), ..event("expiry.dup", "dup", ms) };
    let first = append(&store, since(0, 10)).await.0;
    assert_eq!(expire(&store, "expiry.dup", 100, 10).await, 1);
    assert_eq!(append(&store, since(5, 20)).await, (first, true));
    assert_eq!(append(&store, since(10, 21)).await, (first, true));
    let (second, duplicate) = append(&store, since(11, 22)).await;
    assert!(!duplicate && second > first);
    assert_eq!(times(&store, "expiry.dup").await, [22]);
}
