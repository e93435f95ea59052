//! The nouns of key-value: an entry, a page of keys, the usage of a bucket.

use std::sync::Arc;

use bytes::Bytes;

/// What a record counts for beyond its key and value, in bytes, when a bucket is measured.
///
/// It stands for revision, checksum and index. Without it a bucket of a thousand million empty values would
/// count as empty and fill the disk.
pub const RECORD_OVERHEAD_BYTES: u64 = 32;

/// A committed value and the revision that wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The bytes; shared with the cache, so a clone copies nothing.
    pub value: Bytes,
    /// When it was written: larger than the revision of every earlier write to the same key, and never used
    /// twice, not after a delete either.
    pub revision: u64,
}

/// Which keys of a bucket to list.
///
/// ```
/// use switchyard_store::ListKeys;
/// let users = ListKeys { prefix: Some("user/".into()), ..ListKeys::default() };
/// assert_eq!(users.limit, 1_000);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListKeys {
    /// Only keys that begin with this; all when `None`.
    pub prefix: Option<Arc<str>>,
    /// Only keys after this one: [`KeyPage::next`] of the page before; from the start when `None`. It need not
    /// be a key that exists.
    pub after: Option<Arc<str>>,
    /// Most keys to answer with, at least 1; cut to [`Limits::list_page`](crate::Limits), default 1,000.
    pub limit: usize,
}

/// One page of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyPage {
    /// Keys in the order of their bytes.
    pub keys: Vec<Arc<str>>,
    /// Where the next page starts ([`ListKeys::after`]); `None` when there is no more.
    pub next: Option<Arc<str>>,
}

/// How much a bucket holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketUsage {
    /// The bucket's name.
    pub bucket: Arc<str>,
    /// Number of keys.
    pub entries: u64,
    /// Bytes of keys, values and [`RECORD_OVERHEAD_BYTES`] a record.
    pub bytes: u64,
}

// === impl ListKeys ===

impl Default for ListKeys {
    fn default() -> Self {
        Self { prefix: None, after: None, limit: 1_000 }
    }
}
