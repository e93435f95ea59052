//! Dead letters.

use std::sync::Arc;

use super::make::{Store, WORKS, conflicts, dead, of_queue, of_subscription, one, too_large};
use crate::{DeadLetter, DeadOp, ListDead, Outcome};

async fn ids(store: &Store, list: ListDead) -> Vec<Arc<str>> {
    store.dead_letters(list).await.expect(WORKS).into_iter().map(|letter| letter.id).collect()
}

/// Dead letters are whole, listed in the order of their ids, page by page, and counted; and chosen by subscription,
/// topic and queue.
pub async fn dead_letters_are_listed_by_where_they_came_from(store: Store) {
    let letters = [
        dead("dead-1", of_subscription("dead/s1", "dead.t1")),
        dead("dead-2", of_queue("dead-q")),
        dead("dead-3", of_subscription("dead/s1", "dead.t2")),
        dead("dead-4", of_subscription("dead/s2", "dead.t1")),
    ];
    for n in [2, 0, 3, 1] {
        assert_eq!(one(&store, DeadOp::Put(letters[n].clone())).await.expect(WORKS), Outcome::Done);
    }
    for letter in &letters {
        assert_eq!(store.dead_letter(&letter.id).await.expect(WORKS).as_ref(), Some(letter));
    }
    assert_eq!(store.dead_letter("dead-none").await.expect(WORKS), None);
    let list = ListDead { limit: 10, ..ListDead::default() };
    for (list, expected) in [
        (list.clone(), &[0, 1, 2, 3][..]),
        (ListDead { subscription: Some("dead/s1".into()), ..list.clone() }, &[0, 2]),
        (ListDead { topic: Some("dead.t1".into()), ..list.clone() }, &[0, 3]),
        (ListDead { queue: Some("dead-q".into()), ..list.clone() }, &[1]),
        (ListDead { queue: Some("dead/s1".into()), ..list.clone() }, &[]),
        (ListDead { subscription: Some("dead/s1".into()), topic: Some("dead.t2".into()), ..list.clone() }, &[2]),
        (ListDead { subscription: Some("dead/s1".into()), queue: Some("dead-q".into()), ..list.clone() }, &[]),
        (ListDead { after: Some("dead-2".into()), limit: 1, ..list.clone() }, &[2]),
        (ListDead { after: Some("dead-25".into()), ..list }, &[2, 3]),
    ] {
        let expected: Vec<_> = expected.iter().map(|n| letters[*n].id.clone()).collect();
        assert_eq!(ids(&store, list.clone()).await, expected, "{list:?}");
    }
    let counts = store.dead_counts().await.expect(WORKS);
    assert_eq!(counts.subscriptions.get("dead/s1"), Some(&2));
    assert_eq!(counts.subscriptions.get("dead/s2"), Some(&1));
    assert_eq!(counts.queues.get("dead-q"), Some(&1));
    assert_eq!(counts.topics.get("dead.t1"), Some(&2));
    assert_eq!(counts.topics.get("dead.t2"), Some(&1));
    assert_eq!(counts.queues.get("dead/s1"), None);
}

/// A dead letter is removed once, and an id is used once; what is too large is refused, a long error is cut.
pub async fn dead_letters_are_removed_once(store: Store) {
    let letter = dead("dead-once", of_queue("dead-once-q"));
    one(&store, DeadOp::Put(letter.clone())).await.expect(WORKS);
    conflicts(one(&store, DeadOp::Put(letter.clone())).await);
    let remove = || DeadOp::Remove { id: "dead-once".into() };
    one(&store, remove()).await.expect(WORKS);
    conflicts(one(&store, remove()).await);
    assert_eq!(store.dead_letter("dead-once").await.expect(WORKS), None);
    assert_eq!(store.dead_counts().await.expect(WORKS).queues.get("dead-once-q"), None);
    let limits = store.limits().clone();
    let long = DeadLetter { error: "x".repeat(limits.reason_bytes + 1).into(), ..letter.clone() };
    one(&store, DeadOp::Put(long)).await.expect(WORKS);
    let kept = store.dead_letter("dead-once").await.expect(WORKS).expect("it was put");
    assert_eq!(kept.error.len(), limits.reason_bytes);
    let size = limits.record_bytes.max(limits.message_bytes) + 1;
    too_large(one(&store, DeadOp::Put(DeadLetter { record: vec![0; size].into(), ..letter })).await);
}
