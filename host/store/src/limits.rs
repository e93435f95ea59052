//! How large and how many: a limit on every size and every queue of a store, in one place.
//!
//! Keys, values and buckets have the defaults of the design's section 16; the other defaults follow from them,
//! so that what waits in memory is bounded in bytes and not only in number.

use crate::{Measure, StoreError};

mod buckets;
mod check;

pub use buckets::BucketLimits;
pub(crate) use buckets::NamedLimits;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// The limits of one store.
///
/// ```
/// use switchyard_store::Limits;
/// let limits = Limits { cache_bytes: 8 << 20, ..Limits::default() };
/// assert_eq!(limits.key_bytes, 1024);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest name of a bucket, in bytes of UTF-8; 255.
    pub bucket_name_bytes: usize,
    /// Longest key, in bytes of UTF-8; 1 KiB.
    pub key_bytes: usize,
    /// Largest value, in bytes; 1 MiB. A bucket may have [another](BucketLimits).
    pub value_bytes: usize,
    /// Largest value in a bucket of the [host's own](host_bucket); 8 MiB: a saga has 1 MiB of data, 1 MiB of results,
    /// and what is remembered of 100 steps.
    pub host_value_bytes: usize,
    /// Largest bucket, in bytes of keys and values and [`RECORD_OVERHEAD_BYTES`](crate::RECORD_OVERHEAD_BYTES)
    /// a record; 1 GiB. A bucket may have [another](BucketLimits). Those of the [host's own](host_bucket) have no such limit: what fills them is bounded where it
    /// is made.
    pub bucket_bytes: u64,
    /// Most keys, records, messages, dead letters or timers that one page or lease holds, and most keys that one
    /// `kv_get_many` asks for; 1,000. A larger page is cut to this; a larger question is refused.
    pub list_page: usize,
    /// Most bytes of values that one `kv_get_many` reads from disk; 16 MiB. A page of records, dead letters or
    /// leased messages ends where it would go over this, though never before its first.
    pub read_bytes: usize,
    /// Most operations in one batch; 1,000.
    pub batch_ops: usize,
    /// Most bytes of names, keys, values and records in one batch; 16 MiB.
    pub batch_bytes: usize,
    /// Most batches that wait for the writer; 10,000. One more is answered [`Busy`](crate::StoreError::Busy)
    /// at once rather than made to wait: its caller has a deadline and can say so to its client.
    pub waiting_commits: usize,
    /// Most bytes of names, keys, values and records that wait for the writer; 64 MiB, then `Busy` as well.
    pub waiting_bytes: usize,
    /// Most reads that wait for a reader; 10,000, then `Busy`.
    pub waiting_reads: usize,
    /// Memory for committed values, in bytes; 64 MiB. An entry over half of one cache shard (2 MiB by default)
    /// is not kept in memory.
    pub cache_bytes: u64,
    /// Longest name of a topic, subscription, queue, timer, resource, owner or blob, longest id of a message or
    /// dead letter, longest token; 1 KiB, in bytes of UTF-8.
    pub name_bytes: usize,
    /// Longest source, and longest id, of an event; 64 KiB, since an envelope may be that large.
    pub identity_bytes: usize,
    /// Largest event, dead letter and timer payload, in bytes; 1.25 MiB: a payload of 1 MiB, and 64 KiB of
    /// attributes, which JSON may double.
    pub record_bytes: usize,
    /// Largest message, in bytes; 2 MiB: a payload of 1 MiB, and what a dead letter that is sent on wraps around it.
    pub message_bytes: usize,
    /// Longest reason of a failure that is kept, in bytes; 4 KiB. A longer one is cut, not refused: an error
    /// message must not be what stops an error from being recorded.
    pub reason_bytes: usize,
    /// Largest blob, in bytes; 64 MiB.
    pub blob_bytes: usize,
    /// Most topics, and most queues; 10,000 of each. They come into being with their first record and stay, so without
    /// a limit a name made from an id would fill memory and disk.
    pub names: usize,
    /// Most changes that a receiver of `kv_watch` may be behind; 1,024.
    pub watch_backlog: usize,
    /// Free bytes of the disk below which a warning is logged; 256 MiB: the write-ahead log at its longest, and as
    /// much again to act in.
    pub disk_low_bytes: u64,
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            bucket_name_bytes: 255,
            key_bytes: KIB,
            value_bytes: MIB,
            host_value_bytes: 8 * MIB,
            bucket_bytes: 1 << 30,
            list_page: 1_000,
            read_bytes: 16 * MIB,
            batch_ops: 1_000,
            batch_bytes: 16 * MIB,
            waiting_commits: 10_000,
            waiting_bytes: 64 * MIB,
            waiting_reads: 10_000,
            cache_bytes: 64 << 20,
            name_bytes: KIB,
            identity_bytes: 64 * KIB,
            record_bytes: MIB + 256 * KIB,
            message_bytes: 2 * MIB,
            reason_bytes: 4 * KIB,
            blob_bytes: 64 * MIB,
            names: 10_000,
            watch_backlog: 1_024,
            disk_low_bytes: 256 << 20,
        }
    }
}

/// Whether a bucket is one of the host's own: its name begins with `$`, which no service's does.
#[must_use]
pub fn host_bucket(bucket: &str) -> bool {
    bucket.starts_with('$')
}

/// Refuses what is over a limit.
pub(crate) fn within(what: Measure, size: usize, max: usize) -> Result<(), StoreError> {
    if size <= max { Ok(()) } else { Err(StoreError::TooLarge { what, size, max }) }
}

/// The beginning of a text that fits, cut between two characters.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn cut_keeps_characters_whole() {
        assert_eq!(cut("a\u{e9}b", 2), "a");
        assert_eq!(cut("a\u{e9}b", 3), "a\u{e9}");
        assert_eq!(cut("a", 5), "a");
        assert_eq!(cut("", 0), "");
    }
}
