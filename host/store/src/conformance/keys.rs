//! Buckets, listing, and which texts are keys.

use std::{collections::BTreeSet, sync::Arc};

use crate::{Backend, Batch, Expect, ListKeys};

const WORKS: &str = "a right operation on an open store succeeds";

type Store = Arc<dyn Backend>;

async fn put_all(store: &Store, bucket: &str, keys: &[&str]) {
    let batch =
        keys.iter().fold(Batch::new(), |batch, key| batch.put(bucket, *key, key.as_bytes().to_vec(), Expect::Any));
    store.commit(batch).await.expect(WORKS);
}

async fn list_all(store: &Store, bucket: &str, prefix: Option<&str>, limit: usize) -> Vec<String> {
    let mut keys = Vec::new();
    let mut after = None;
    loop {
        let list = ListKeys { prefix: prefix.map(Arc::from), after, limit };
        let page = store.kv_list(bucket, list).await.expect(WORKS);
        assert!(page.keys.len() <= limit, "a page of {} keys, asked for {limit}", page.keys.len());
        keys.extend(page.keys.iter().map(ToString::to_string));
        match page.next {
            Some(next) => after = Some(next),
            None => return keys,
        }
    }
}

/// The same key in two buckets is two keys, also where one bucket's name and key run together as the other's.
pub async fn buckets_do_not_share_keys(store: Store) {
    store.kv_put("keys-ab", "c", "1".into(), Expect::Any).await.expect(WORKS);
    store.kv_put("keys-a", "bc", "2".into(), Expect::Any).await.expect(WORKS);
    store.kv_delete("keys-a", "c", Expect::Any).await.expect(WORKS);
    let entry = store.kv_get("keys-ab", "c").await.expect(WORKS).expect("it was put");
    assert_eq!(entry.value, "1");
    assert_eq!(list_all(&store, "keys-a", None, 10).await, ["bc"]);
}

/// Pages of any size give all keys once, in the order of their bytes.
pub async fn list_pages_through_keys_in_order(store: Store) {
    assert_eq!(list_all(&store, "keys-none", None, 10).await, Vec::<String>::new());
    let keys = ["", "A", "a", "a/1", "a/10", "a/2", "b", "\u{e9}", "\u{1f600}"];
    put_all(&store, "keys-list", &keys).await;
    for limit in 1..=keys.len() + 1 {
        assert_eq!(list_all(&store, "keys-list", None, limit).await, keys, "pages of {limit}");
    }
    let nearest = ListKeys { after: Some("a/15".into()), limit: 1, ..ListKeys::default() };
    assert_eq!(*store.kv_list("keys-list", nearest).await.expect(WORKS).keys, ["a/2".into()]);
}

/// A prefix selects exactly the keys that begin with it.
pub async fn list_with_prefix_stops_at_its_end(store: Store) {
    let keys = ["a", "a\u{10ffff}", "a\u{10ffff}b", "ab", "b", "ba"];
    put_all(&store, "keys-prefix", &keys).await;
    let sorted: BTreeSet<&str> = keys.into_iter().collect();
    for prefix in ["", "a", "a\u{10ffff}", "b", "c"] {
        let expected: Vec<&str> = sorted.iter().copied().filter(|key| key.starts_with(prefix)).collect();
        for limit in [1, 2, 10] {
            assert_eq!(list_all(&store, "keys-prefix", Some(prefix), limit).await, expected, "{prefix:?}");
        }
    }
    let before = ListKeys { prefix: Some("b".into()), after: Some("a".into()), limit: 10 };
    assert_eq!(*store.kv_list("keys-prefix", before).await.expect(WORKS).keys, ["b".into(), "ba".into()]);
}

/// Keys and buckets are any text: empty, with NUL, with quotes, of any script.
pub async fn any_text_is_a_key(store: Store) {
    for name in ["", "\0", "a\0b", "a", "'; DROP TABLE kv; --", "%_*", "\u{1f600}", " "] {
        let bucket = format!("keys-text-{name}");
        let revision = store.kv_put(&bucket, name, "v".into(), Expect::Absent).await.expect(WORKS);
        let entry = store.kv_get(&bucket, name).await.expect(WORKS).expect("it was put");
        assert_eq!(entry.revision, revision, "{name:?}");
        assert_eq!(list_all(&store, &bucket, None, 10).await, [name]);
    }
}
