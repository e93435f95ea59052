//! How large and how many: a limit on every size and every queue of a store, in one place.
//!
//! Keys, values and buckets have the defaults of the design's section 16; the other defaults follow from them,
//! so that what waits in memory is bounded in bytes and not only in number.

use crate::{Batch, KvOp, Measure, Op, StoreError};

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
    /// Largest value, in bytes; 1 MiB.
    pub value_bytes: usize,
    /// Largest bucket, in bytes of keys and values and [`RECORD_OVERHEAD_BYTES`](crate::RECORD_OVERHEAD_BYTES)
    /// a record; 1 GiB.
    pub bucket_bytes: u64,
    /// Most keys that one list page holds, and most keys that one `kv_get_many` asks for; 1,000. A larger
    /// page is cut to this; a larger question is refused.
    pub list_page: usize,
    /// Most bytes of values that one `kv_get_many` reads from disk; 16 MiB.
    pub read_bytes: usize,
    /// Most operations in one batch; 1,000.
    pub batch_ops: usize,
    /// Most bytes of keys and values in one batch; 16 MiB.
    pub batch_bytes: usize,
    /// Most batches that wait for the writer; 10,000. One more is answered [`Busy`](crate::StoreError::Busy)
    /// at once rather than made to wait: its caller has a deadline and can say so to its client.
    pub waiting_commits: usize,
    /// Most bytes of keys and values that wait for the writer; 64 MiB, then `Busy` as well.
    pub waiting_bytes: usize,
    /// Most reads that wait for a reader; 10,000, then `Busy`.
    pub waiting_reads: usize,
    /// Memory for committed values, in bytes; 64 MiB. An entry over half of one cache shard (2 MiB by default)
    /// is not kept in memory.
    pub cache_bytes: u64,
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            bucket_name_bytes: 255,
            key_bytes: KIB,
            value_bytes: MIB,
            bucket_bytes: 1 << 30,
            list_page: 1_000,
            read_bytes: 16 * MIB,
            batch_ops: 1_000,
            batch_bytes: 16 * MIB,
            waiting_commits: 10_000,
            waiting_bytes: 64 * MIB,
            waiting_reads: 10_000,
            cache_bytes: 64 << 20,
        }
    }
}

impl Limits {
    /// Checks the sizes of a batch and answers its bytes.
    pub(crate) fn check_batch(&self, batch: &Batch) -> Result<usize, StoreError> {
        within(Measure::BatchOps, batch.ops().len(), self.batch_ops)?;
        let bytes = batch.bytes();
        within(Measure::BatchBytes, bytes, self.batch_bytes)?;
        for op in batch.ops() {
            let Op::Kv(op) = op;
            let (bucket, key) = op.target();
            self.check_names(bucket, key)?;
            if let KvOp::Put { value, .. } = op {
                within(Measure::Value, value.len(), self.value_bytes)?;
            }
        }
        Ok(bytes)
    }

    pub(crate) fn check_names(&self, bucket: &str, key: &str) -> Result<(), StoreError> {
        within(Measure::BucketName, bucket.len(), self.bucket_name_bytes)?;
        within(Measure::Key, key.len(), self.key_bytes)
    }
}

/// Refuses what is over a limit.
pub(crate) fn within(what: Measure, size: usize, max: usize) -> Result<(), StoreError> {
    if size <= max { Ok(()) } else { Err(StoreError::TooLarge { what, size, max }) }
}
