//! The one trait through which the host remembers.
//!
//! Object safe, so that the server picks a backend at start and everything above holds an `Arc<dyn Backend>`.
//! A backend needs a tokio runtime for its futures. Only [`Backend::commit`] changes anything: the helpers
//! [`kv_put`](Backend::kv_put) and so on are batches of one.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    Batch, BucketUsage, Committed, Entry, Expect, KeyPage, KvOutcome, Limits, ListKeys, Outcome, Stats, StoreError,
};

/// A durable store.
///
/// ```
/// # use switchyard_store::{Backend, Embedded, Expect, Options};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let store = Embedded::open(Options::new(folder.path()))?;
/// let revision = store.kv_put("users", "ann", "{}".into(), Expect::Absent).await?;
/// let entry = store.kv_get("users", "ann").await?.expect("it was just committed");
/// assert_eq!((&entry.value[..], entry.revision), (&b"{}"[..], revision));
/// store.close().await?;
/// # Ok(()) }
/// ```
#[async_trait]
pub trait Backend: fmt::Debug + Send + Sync + 'static {
    /// What this backend can and cannot do.
    fn capabilities(&self) -> Capabilities;

    /// The limits that it enforces.
    fn limits(&self) -> &Limits;

    /// Applies all operations of the batch, or none, and answers once that is durable.
    ///
    /// A caller that stops waiting does not stop the commit.
    ///
    /// # Errors
    /// [`Conflict`](StoreError::Conflict) when a precondition does not hold, [`Busy`](StoreError::Busy) when too
    /// much waits, [`Full`](StoreError::Full) when the disk is full, [`Failed`](StoreError::Failed) when it is
    /// unknown whether the batch is durable, and those that name a limit or a wrong number.
    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError>;

    /// The committed value of a key if that is known in memory: `None` means ask [`Backend::kv_get`],
    /// `Some(None)` that the key is absent.
    fn kv_cached(&self, bucket: &str, key: &str) -> Option<Option<Entry>>;

    /// The committed value of a key, `None` when it is absent.
    ///
    /// # Errors
    /// [`Corrupt`](StoreError::Corrupt) when the record does not match its checksum; when reading fails.
    async fn kv_get(&self, bucket: &str, key: &str) -> Result<Option<Entry>, StoreError>;

    /// The committed values of several keys, in their order. Each is as [`Backend::kv_get`] would answer; keys
    /// of one batch may be seen partly before and partly after it.
    ///
    /// # Errors
    /// As [`Backend::kv_get`]; [`TooLarge`](StoreError::TooLarge) over [`Limits::list_page`] keys or
    /// [`Limits::read_bytes`].
    async fn kv_get_many(&self, bucket: &str, keys: &[Arc<str>]) -> Result<Vec<Option<Entry>>, StoreError>;

    /// Whether a key is there.
    ///
    /// # Errors
    /// When reading fails. The record's checksum is not looked at.
    async fn kv_exists(&self, bucket: &str, key: &str) -> Result<bool, StoreError>;

    /// One page of a bucket's keys in the order of their bytes; empty when the bucket does not exist.
    ///
    /// # Errors
    /// When reading fails. The records' checksums are not looked at.
    async fn kv_list(&self, bucket: &str, list: ListKeys) -> Result<KeyPage, StoreError>;

    /// The usage of one bucket, `None` when nothing was ever put into it.
    ///
    /// # Errors
    /// When reading fails.
    async fn kv_usage(&self, bucket: &str) -> Result<Option<BucketUsage>, StoreError>;

    /// Writes one value and answers its revision.
    ///
    /// # Errors
    /// As [`Backend::commit`].
    async fn kv_put(&self, bucket: &str, key: &str, value: Bytes, expect: Expect) -> Result<u64, StoreError> {
        match only(self.commit(Batch::new().put(bucket, key, value, expect)).await?) {
            Some(Outcome::Kv(KvOutcome::Put { revision })) => Ok(revision),
            other => unreachable!("a put was answered {other:?}"),
        }
    }

    /// Removes one key and answers whether it was there.
    ///
    /// # Errors
    /// As [`Backend::commit`].
    async fn kv_delete(&self, bucket: &str, key: &str, expect: Expect) -> Result<bool, StoreError> {
        match only(self.commit(Batch::new().delete(bucket, key, expect)).await?) {
            Some(Outcome::Kv(KvOutcome::Deleted { existed })) => Ok(existed),
            other => unreachable!("a delete was answered {other:?}"),
        }
    }

    /// Adds to one number and answers the sum.
    ///
    /// # Errors
    /// As [`Backend::commit`]; [`NotANumber`](StoreError::NotANumber) and [`Overflow`](StoreError::Overflow).
    async fn kv_increment(&self, bucket: &str, key: &str, delta: i64) -> Result<i64, StoreError> {
        match only(self.commit(Batch::new().increment(bucket, key, delta)).await?) {
            Some(Outcome::Kv(KvOutcome::Incremented { value, .. })) => Ok(value),
            other => unreachable!("an increment was answered {other:?}"),
        }
    }

    /// Counters and gauges.
    fn stats(&self) -> Stats;

    /// Waits until the store has failed, and answers the [`Failed`](StoreError::Failed) that every commit gets
    /// from then on. The server stops the process on it. It never answers when the store is closed in order.
    async fn failed(&self) -> StoreError;

    /// Finishes what waits, flushes, and lets go of the folder. Later calls answer
    /// [`Closed`](StoreError::Closed). Closing twice is fine.
    ///
    /// # Errors
    /// [`Failed`](StoreError::Failed) when the store had failed.
    async fn close(&self) -> Result<(), StoreError>;
}

/// What a backend can do; those above choose their way by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// The backend's name in logs: `embedded`.
    pub name: &'static str,
    /// Whether one batch may hold operations of several buckets and families. Where not, an outbox is needed.
    pub atomic_batch: bool,
    /// Whether other hosts see the same state, so that ownership has to be claimed.
    pub shared: bool,
}

fn only(committed: Committed) -> Option<Outcome> {
    let mut outcomes = committed.outcomes.into_iter();
    outcomes.next().filter(|_| outcomes.next().is_none())
}
