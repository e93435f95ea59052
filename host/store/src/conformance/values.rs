//! One key at a time, and batches of them.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;

use crate::{
    Backend, Batch, BucketLimits, Entry, Expect, KvOp, KvOutcome, Op, Outcome, RECORD_OVERHEAD_BYTES, StoreError,
};

const WORKS: &str = "a right operation on an open store succeeds";

type Store = Arc<dyn Backend>;

/// What was put is got, byte for byte, with its revision, and the last write wins.
pub async fn get_answers_what_was_put(store: Store) {
    assert_eq!(store.kv_get("values-get", "k").await.expect(WORKS), None);
    for value in [&b""[..], b"\0\xff", b"text"] {
        let value = Bytes::copy_from_slice(value);
        let revision = store.kv_put("values-get", "k", value.clone(), Expect::Any).await.expect(WORKS);
        let entry = store.kv_get("values-get", "k").await.expect(WORKS);
        assert_eq!(entry, Some(Entry { value: value.clone(), revision }));
        if let Some(cached) = store.kv_cached("values-get", "k") {
            assert_eq!(cached, Some(Entry { value, revision }));
        }
    }
}

/// Many keys are answered in the order asked for, absent and repeated ones too.
pub async fn get_many_answers_in_order(store: Store) {
    let batch = Batch::new().put("values-many", "a", "1", Expect::Any).put("values-many", "b", "2", Expect::Any);
    store.commit(batch).await.expect(WORKS);
    let keys = ["b", "none", "a", "b", "none"].map(Arc::from);
    for _ in 0..2 {
        let entries = store.kv_get_many("values-many", &keys).await.expect(WORKS);
        let values: Vec<_> = entries.into_iter().map(|entry| entry.map(|entry| entry.value)).collect();
        let (one, two) = (Bytes::from("1"), Bytes::from("2"));
        assert_eq!(values, [Some(two.clone()), None, Some(one), Some(two), None]);
    }
    assert_eq!(store.kv_get_many("values-many", &[]).await.expect(WORKS), []);
}

/// A key exists from its put to its delete.
pub async fn exists_follows_put_and_delete(store: Store) {
    assert!(!store.kv_exists("values-exists", "k").await.expect(WORKS));
    store.kv_put("values-exists", "k", "".into(), Expect::Any).await.expect(WORKS);
    assert!(store.kv_exists("values-exists", "k").await.expect(WORKS));
    store.kv_delete("values-exists", "k", Expect::Any).await.expect(WORKS);
    assert!(!store.kv_exists("values-exists", "k").await.expect(WORKS));
    assert_eq!(store.kv_get("values-exists", "k").await.expect(WORKS), None);
}

/// A put that expects absence fails on a present key, names its revision, and changes nothing.
pub async fn put_absent_refuses_a_present_key(store: Store) {
    let first = store.kv_put("values-absent", "k", "1".into(), Expect::Absent).await.expect(WORKS);
    match store.kv_put("values-absent", "k", "2".into(), Expect::Absent).await {
        Err(StoreError::Conflict { op: 0, current }) => assert_eq!(current, Some(first)),
        other => unreachable!("a conflict was expected: {other:?}"),
    }
    let entry = store.kv_get("values-absent", "k").await.expect(WORKS);
    assert_eq!(entry, Some(Entry { value: "1".into(), revision: first }));
}

/// Put and delete that expect a revision fail on any other state.
pub async fn put_revision_refuses_another_revision(store: Store) {
    let bucket = "values-revision";
    let absent = store.kv_put(bucket, "k", "0".into(), Expect::Revision(1)).await;
    assert!(matches!(absent, Err(StoreError::Conflict { op: 0, current: None })), "{absent:?}");
    let first = store.kv_put(bucket, "k", "1".into(), Expect::Any).await.expect(WORKS);
    let second = store.kv_put(bucket, "k", "2".into(), Expect::Revision(first)).await.expect(WORKS);
    let stale = store.kv_put(bucket, "k", "3".into(), Expect::Revision(first)).await;
    assert!(matches!(stale, Err(StoreError::Conflict { current, .. }) if current == Some(second)), "{stale:?}");
    let stale = store.kv_delete(bucket, "k", Expect::Revision(first)).await;
    assert!(matches!(stale, Err(StoreError::Conflict { .. })), "{stale:?}");
    assert!(store.kv_delete(bucket, "k", Expect::Revision(second)).await.expect(WORKS));
}

/// A delete tells whether it removed anything, and one of an absent key succeeds.
pub async fn delete_answers_whether_the_key_existed(store: Store) {
    let bucket = "values-delete";
    assert!(!store.kv_delete(bucket, "k", Expect::Any).await.expect(WORKS));
    assert!(!store.kv_delete(bucket, "k", Expect::Absent).await.expect(WORKS));
    store.kv_put(bucket, "k", "1".into(), Expect::Any).await.expect(WORKS);
    assert!(store.kv_delete(bucket, "k", Expect::Any).await.expect(WORKS));
    assert!(!store.kv_delete(bucket, "k", Expect::Any).await.expect(WORKS));
}

/// The revision of a key that was deleted and written again is a new one, so a swap cannot mistake it.
pub async fn revisions_are_never_used_twice(store: Store) {
    let bucket = "values-reuse";
    let first = store.kv_put(bucket, "k", "1".into(), Expect::Any).await.expect(WORKS);
    store.kv_delete(bucket, "k", Expect::Any).await.expect(WORKS);
    let second = store.kv_put(bucket, "k", "1".into(), Expect::Absent).await.expect(WORKS);
    assert!(second > first, "{second} after {first}");
}

/// One failing precondition leaves no trace of the batch, and names the operation.
pub async fn batch_is_applied_whole_or_not_at_all(store: Store) {
    let bucket = "values-batch";
    store.kv_put(bucket, "taken", "1".into(), Expect::Any).await.expect(WORKS);
    let batch = Batch::new()
        .put(bucket, "new", "2", Expect::Any)
        .put("values-batch-new", "k", "2", Expect::Any)
        .increment(bucket, "taken", 1)
        .put(bucket, "taken", "3", Expect::Absent);
    match store.commit(batch).await {
        Err(StoreError::Conflict { op: 3, .. }) => {}
        other => unreachable!("a conflict of operation 3 was expected: {other:?}"),
    }
    assert_eq!(store.kv_get(bucket, "new").await.expect(WORKS), None);
    assert_eq!(store.kv_get("values-batch-new", "k").await.expect(WORKS), None);
    assert_eq!(store.kv_increment(bucket, "taken", 0).await.expect(WORKS), 1);
    assert_eq!(store.kv_usage(bucket).await.expect(WORKS).map(|usage| usage.entries), Some(1));
    assert_eq!(store.commit(Batch::new()).await.expect(WORKS).outcomes, []);
}

/// Operations of one batch see those before them.
pub async fn batch_sees_its_own_operations(store: Store) {
    let bucket = "values-own";
    let batch = Batch::new()
        .put(bucket, "k", "5", Expect::Absent)
        .increment(bucket, "k", 2)
        .delete(bucket, "k", Expect::Any)
        .put(bucket, "k", "end", Expect::Absent);
    let outcomes = store.commit(batch).await.expect(WORKS).outcomes;
    assert!(matches!(outcomes[1], Outcome::Kv(KvOutcome::Incremented { value: 7, .. })), "{outcomes:?}");
    assert_eq!(outcomes[2], Outcome::Kv(KvOutcome::Deleted { existed: true }));
    let entry = store.kv_get(bucket, "k").await.expect(WORKS).expect("it was put");
    assert_eq!(outcomes[3], Outcome::Kv(KvOutcome::Put { revision: entry.revision }));
    assert_eq!(entry.value, "end");
}

/// Numbers start at 0, can be negative, and are text that a get reads and a put writes.
pub async fn increment_counts_in_decimal_text(store: Store) {
    let bucket = "values-increment";
    assert_eq!(store.kv_increment(bucket, "n", 5).await.expect(WORKS), 5);
    assert_eq!(store.kv_increment(bucket, "n", -12).await.expect(WORKS), -7);
    let entry = store.kv_get(bucket, "n").await.expect(WORKS).expect("it was incremented");
    assert_eq!(entry.value, "-7");
    store.kv_put(bucket, "n", "40".into(), Expect::Any).await.expect(WORKS);
    assert_eq!(store.kv_increment(bucket, "n", 2).await.expect(WORKS), 42);
}

/// An increment of anything else is refused and changes nothing.
pub async fn increment_refuses_what_is_no_number(store: Store) {
    let bucket = "values-number";
    for wrong in ["", "x", " 1", "1.5", "9223372036854775808"] {
        store.kv_put(bucket, "n", wrong.into(), Expect::Any).await.expect(WORKS);
        let result = store.kv_increment(bucket, "n", 1).await;
        assert!(matches!(result, Err(StoreError::NotANumber { .. })), "{wrong:?}: {result:?}");
    }
    store.kv_put(bucket, "n", i64::MAX.to_string().into(), Expect::Any).await.expect(WORKS);
    let result = store.kv_increment(bucket, "n", 1).await;
    assert!(matches!(result, Err(StoreError::Overflow { .. })), "{result:?}");
    assert_eq!(store.kv_increment(bucket, "n", 0).await.expect(WORKS), i64::MAX);
}

/// A check changes nothing, and one that does not hold refuses its batch.
pub async fn check_changes_nothing_and_insists(store: Store) {
    let bucket = "values-check";
    let check = |key: &str, expect| Op::from(KvOp::Check { bucket: bucket.into(), key: key.into(), expect });
    let revision = store.kv_put(bucket, "k", "1".into(), Expect::Any).await.expect(WORKS);
    let batch = Batch::new()
        .with(check("k", Expect::Revision(revision)))
        .with(check("none", Expect::Absent))
        .with(check("k", Expect::Any));
    let outcomes = store.commit(batch).await.expect(WORKS).outcomes;
    assert_eq!(
        outcomes,
        [Outcome::Kv(KvOutcome::Checked), Outcome::Kv(KvOutcome::Checked), Outcome::Kv(KvOutcome::Checked)]
    );
    let batch = Batch::new().put(bucket, "other", "2", Expect::Any).with(check("k", Expect::Absent));
    match store.commit(batch).await {
        Err(StoreError::Conflict { op: 1, current }) => assert_eq!(current, Some(revision)),
        other => unreachable!("a conflict of operation 1 was expected: {other:?}"),
    }
    assert!(!store.kv_exists(bucket, "other").await.expect(WORKS));
    assert_eq!(store.kv_get(bucket, "k").await.expect(WORKS).map(|entry| entry.revision), Some(revision));
}

/// What is exactly as large as its limit is taken, and one byte more is refused.
pub async fn limits_are_enforced_by_name(store: Store) {
    let limits = store.limits().clone();
    let text = |bytes: usize| "x".repeat(bytes);
    let too_large = |result: Result<u64, StoreError>| {
        assert!(matches!(result, Err(StoreError::TooLarge { size, max, .. }) if size == max + 1), "{result:?}");
    };
    let bucket = text(limits.bucket_name_bytes);
    let key = text(limits.key_bytes);
    let value = Bytes::from(text(limits.value_bytes));
    store.kv_put(&bucket, &key, value.clone(), Expect::Any).await.expect(WORKS);
    let entry = store.kv_get(&bucket, &key).await.expect(WORKS).expect("it was put");
    assert_eq!(entry.value, value);
    too_large(store.kv_put(&text(limits.bucket_name_bytes + 1), "k", "".into(), Expect::Any).await);
    too_large(store.kv_put("b", &text(limits.key_bytes + 1), "".into(), Expect::Any).await);
    too_large(store.kv_put("b", "k", text(limits.value_bytes + 1).into(), Expect::Any).await);
    store.kv_put("$host", "k", text(limits.host_value_bytes).into(), Expect::Any).await.expect(WORKS);
    too_large(store.kv_put("$host", "k", text(limits.host_value_bytes + 1).into(), Expect::Any).await);
    store.kv_delete("$host", "k", Expect::Any).await.expect(WORKS);
    let mut batch = Batch::new();
    for _ in 0..=limits.batch_ops {
        batch = batch.increment("b", "k", 1);
    }
    too_large(store.commit(batch).await.map(|_| 0));
}

/// A bucket with limits of its own has those, for as long as they are said, and every other one the store's.
pub async fn a_bucket_may_have_limits_of_its_own(store: Store) {
    let [own, other] = ["values-own-limits", "values-other-limits"];
    let put = async |bucket: &str, key: &str, bytes: usize| {
        store.kv_put(bucket, key, vec![0; bytes].into(), Expect::Any).await
    };
    let record = 101 + RECORD_OVERHEAD_BYTES;
    let limits = BucketLimits { bytes: 2 * record, value_bytes: 100 };
    store.set_bucket_limits([(own.into(), limits)].into());
    let refused = put(own, "a", 101).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { size: 101, max: 100, .. })), "{refused:?}");
    put(own, "a", 100).await.expect(WORKS);
    put(own, "b", 100).await.expect(WORKS);
    let full = put(own, "c", 0).await;
    assert!(matches!(&full, Err(StoreError::BucketFull { max, .. }) if *max == 2 * record), "{full:?}");
    let counted = store.kv_increment(own, "n", 1).await;
    assert!(matches!(counted, Err(StoreError::BucketFull { .. })), "{counted:?}");
    for key in ["a", "b", "c"] {
        put(other, key, 101).await.expect("it has no such limits");
    }

    // A lowered limit takes nothing away, and lets it shrink.
    store.set_bucket_limits([(own.into(), BucketLimits { bytes: record, ..limits })].into());
    put(own, "a", 99).await.expect("it shrinks");
    assert!(put(own, "a", 100).await.is_err());
    store.set_bucket_limits(BTreeMap::new());
    put(own, "c", 101).await.expect("it has the store's own limits again");
}

/// A bucket's bytes follow every write, and a put beyond its limit is refused. For stores whose bucket limit
/// can be reached with a thousand values; others are only measured.
pub async fn bucket_limit_counts_all_that_is_in_it(store: Store) {
    let bucket = "values-limit";
    let usage = async || store.kv_usage(bucket).await.expect(WORKS).map(|usage| (usage.entries, usage.bytes));
    assert_eq!(usage().await, None);
    store.kv_put(bucket, "key", "12345".into(), Expect::Any).await.expect(WORKS);
    assert_eq!(usage().await, Some((1, 8 + RECORD_OVERHEAD_BYTES)));
    store.kv_put(bucket, "key", "1".into(), Expect::Any).await.expect(WORKS);
    assert_eq!(usage().await, Some((1, 4 + RECORD_OVERHEAD_BYTES)));
    store.kv_increment(bucket, "key", 99).await.expect(WORKS);
    assert_eq!(usage().await, Some((1, 6 + RECORD_OVERHEAD_BYTES)));
    let all = store.kv_buckets().await.expect(WORKS);
    let own = all.iter().find(|one| &*one.bucket == bucket).map(|one| (one.entries, one.bytes));
    assert_eq!(own, usage().await);
    assert!(all.is_sorted_by(|a, b| a.bucket < b.bucket));
    store.kv_delete(bucket, "key", Expect::Any).await.expect(WORKS);
    assert_eq!(usage().await, Some((0, 0)));

    let limits = store.limits().clone();
    let value = Bytes::from(vec![0; limits.value_bytes]);
    let record = limits.value_bytes as u64 + 4 + RECORD_OVERHEAD_BYTES;
    let fitting = limits.bucket_bytes / record;
    if fitting >= 100 {
        return;
    }
    for index in 0..fitting {
        store.kv_put(bucket, &format!("{index:04}"), value.clone(), Expect::Any).await.expect(WORKS);
    }
    let result = store.kv_put(bucket, "more", value.clone(), Expect::Any).await;
    assert!(matches!(&result, Err(StoreError::BucketFull { bucket: full, .. }) if &**full == bucket), "{result:?}");
    assert_eq!(usage().await, Some((fitting, fitting * record)));
    for index in 0..=fitting {
        let put = store.kv_put("$host", &format!("{index:04}"), value.clone(), Expect::Any).await;
        put.expect("a bucket of the host's own has no such limit");
    }
    store.kv_put(bucket, "0000", value.clone(), Expect::Any).await.expect("replacing does not grow the bucket");
    store.kv_delete(bucket, "0000", Expect::Any).await.expect(WORKS);
    store.kv_put(bucket, "more", value, Expect::Any).await.expect("there is room again");
}
