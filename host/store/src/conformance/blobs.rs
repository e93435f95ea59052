//! Blobs.

use bytes::Bytes;

use super::make::{Store, WORKS, too_large};

fn bytes(count: usize, first: u8) -> Bytes {
    (0..count).map(|n| u8::try_from(n % 251).expect("below 251").wrapping_add(first)).collect()
}

/// What was put is got, byte for byte, whatever its size; what is over the limit is refused.
pub async fn blobs_are_whole(store: Store) {
    assert_eq!(store.blob_get("blob").await.expect(WORKS), None);
    for count in [0, 1, 262_143, 262_144, 262_145, 2_000_000] {
        store.blob_put("blob", bytes(count, 1)).await.expect(WORKS);
        assert_eq!(store.blob_get("blob").await.expect(WORKS), Some(bytes(count, 1)), "{count} bytes");
    }
    too_large(store.blob_put("blob", vec![0; store.limits().blob_bytes + 1].into()).await);
    assert_eq!(store.blob_get("blob").await.expect(WORKS).map(|blob| blob.len()), Some(2_000_000));
}

/// A second put replaces the first whole, names are apart, and removing tells whether there was something.
pub async fn blobs_are_replaced_and_removed(store: Store) {
    store.blob_put("blob-a", bytes(600_000, 1)).await.expect(WORKS);
    store.blob_put("blob-b", bytes(10, 2)).await.expect(WORKS);
    store.blob_put("blob-a", bytes(300_000, 3)).await.expect(WORKS);
    assert_eq!(store.blob_get("blob-a").await.expect(WORKS), Some(bytes(300_000, 3)));
    assert!(store.blob_delete("blob-a").await.expect(WORKS));
    assert!(!store.blob_delete("blob-a").await.expect(WORKS));
    assert_eq!(store.blob_get("blob-a").await.expect(WORKS), None);
    assert_eq!(store.blob_get("blob-b").await.expect(WORKS), Some(bytes(10, 2)));
}
