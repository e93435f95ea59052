//! The one trait through which the host remembers.
//!
//! Object safe, so that the server picks a backend at start and everything above holds an `Arc<dyn Backend>`.
//! A backend needs a tokio runtime for its futures. Only [`Backend::commit`] changes anything: the helpers
//! [`kv_put`](Backend::kv_put) and so on are batches of one.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use switchyard_core::timestamp::Timestamp;
use tokio::sync::{broadcast, watch};

use crate::{
    Batch, BucketLimits, BucketUsage, Committed, Cursor, DeadLetter, Entry, Expect, KeyPage, KvOutcome, Limits,
    ListDead, ListKeys, LogPage, Outcome, Ownership, QueueUsage, ReadLog, Record, Stats, StoreError, StoredMessage,
    Timer, TopicUsage,
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

    /// From now on these buckets have limits of their own, and no others do: what was said before is forgotten.
    fn set_bucket_limits(&self, limits: BTreeMap<Arc<str>, BucketLimits>);

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

    /// The usage of all buckets, those of the [host's own](crate::host_bucket) too, in the order of their names.
    ///
    /// # Errors
    /// When reading fails.
    async fn kv_buckets(&self) -> Result<Vec<BucketUsage>, StoreError>;

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

    /// Changes of a bucket's keys from now on, each after its commit. A receiver that falls behind by more than
    /// [`Limits::watch_backlog`] is told so by the channel and has to list again.
    fn kv_watch(&self, bucket: &str) -> broadcast::Receiver<KvChange>;

    /// One page of the log. A record that does not match its checksum is named in it, and stops nobody.
    ///
    /// # Errors
    /// When reading fails.
    async fn log_read(&self, read: ReadLog) -> Result<LogPage, StoreError>;

    /// One record of the log, `None` when it is not kept.
    ///
    /// # Errors
    /// [`CorruptRecord`](StoreError::CorruptRecord) when it does not match its checksum; when reading fails.
    async fn log_get(&self, sequence: u64) -> Result<Option<Record>, StoreError>;

    /// The sequence before the first record published at this moment or later: what to read on after.
    ///
    /// # Errors
    /// When reading fails.
    async fn log_seek(&self, at: Timestamp) -> Result<u64, StoreError>;

    /// The newest sequence, and each newer one once its commit is done. Copy it out: whoever holds a borrow of it
    /// holds up the next commit.
    fn log_head(&self) -> watch::Receiver<u64>;

    /// All topics, in the order of their names.
    ///
    /// # Errors
    /// When reading fails.
    async fn topics(&self) -> Result<Vec<TopicUsage>, StoreError>;

    /// A cursor, with all that it owes; `None` when there is none.
    ///
    /// # Errors
    /// When reading fails.
    async fn cursor(&self, name: &str) -> Result<Option<Cursor>, StoreError>;

    /// The names of all cursors.
    ///
    /// # Errors
    /// When reading fails.
    async fn cursors(&self) -> Result<Vec<Arc<str>>, StoreError>;

    /// Rises whenever something may have become ready in a queue: a message was enqueued or returned, or the end
    /// of a lease moved. Also for a queue that does not exist yet. What becomes ready by time alone is told by
    /// [`Backend::queue_next_due`].
    fn queue_changes(&self, queue: &str) -> watch::Receiver<u64>;

    /// When the next message of a queue becomes ready or its lease ends, as of the last commit; a moment that has
    /// passed means now. `None` when there is nothing to wait for.
    ///
    /// # Errors
    /// When reading fails.
    async fn queue_next_due(&self, queue: &str) -> Result<Option<Timestamp>, StoreError>;

    /// A queue as of this moment; `None` when there is none.
    ///
    /// # Errors
    /// When reading fails.
    async fn queue(&self, queue: &str, now: Timestamp) -> Result<Option<QueueUsage>, StoreError>;

    /// All queues, in the order of their names.
    ///
    /// # Errors
    /// When reading fails.
    async fn queues(&self, now: Timestamp) -> Result<Vec<QueueUsage>, StoreError>;

    /// A message of a queue, `None` when it is not there.
    ///
    /// # Errors
    /// [`UnknownQueue`](StoreError::UnknownQueue); as [`Backend::log_read`].
    async fn queue_message(&self, queue: &str, id: &str) -> Result<Option<StoredMessage>, StoreError>;

    /// A dead letter.
    ///
    /// # Errors
    /// As [`Backend::log_get`].
    async fn dead_letter(&self, id: &str) -> Result<Option<DeadLetter>, StoreError>;

    /// A page of dead letters, oldest first; the last one's id is the cursor to read on after.
    ///
    /// # Errors
    /// As [`Backend::log_get`].
    async fn dead_letters(&self, list: ListDead) -> Result<Vec<DeadLetter>, StoreError>;

    /// How many dead letters each subscription and queue has, by name; subscriptions first.
    ///
    /// # Errors
    /// When reading fails.
    async fn dead_counts(&self) -> Result<DeadCounts, StoreError>;

    /// The timers that are due first, those of one moment in the order of their keys; whether due already or not.
    ///
    /// # Errors
    /// As [`Backend::log_get`].
    async fn timers(&self, limit: usize) -> Result<Vec<Timer>, StoreError>;

    /// A timer by its key.
    ///
    /// # Errors
    /// As [`Backend::log_get`].
    async fn timer(&self, key: &str) -> Result<Option<Timer>, StoreError>;

    /// Who owns a resource, also when the lease has run out; `None` when nobody ever did or it was let go.
    ///
    /// # Errors
    /// When reading fails.
    async fn owner(&self, resource: &str) -> Result<Option<Ownership>, StoreError>;

    /// Keeps bytes under a name, instead of what was there; answered once they are durable. At most
    /// [`Limits::blob_bytes`].
    ///
    /// # Errors
    /// As [`Backend::commit`].
    async fn blob_put(&self, name: &str, bytes: Bytes) -> Result<(), StoreError>;

    /// The bytes under a name.
    ///
    /// # Errors
    /// As [`Backend::log_get`].
    async fn blob_get(&self, name: &str) -> Result<Option<Bytes>, StoreError>;

    /// Removes what is under a name, and answers whether something was.
    ///
    /// # Errors
    /// As [`Backend::commit`].
    async fn blob_delete(&self, name: &str) -> Result<bool, StoreError>;

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

/// A change of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvChange {
    /// The key.
    pub key: Arc<str>,
    /// Its entry now; `None` when it was removed.
    pub entry: Option<Entry>,
}

/// How many dead letters there are, by where they came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadCounts {
    /// By subscription.
    pub subscriptions: BTreeMap<Arc<str>, u64>,
    /// By topic, those of all subscriptions.
    pub topics: BTreeMap<Arc<str>, u64>,
    /// By queue.
    pub queues: BTreeMap<Arc<str>, u64>,
}

fn only(committed: Committed) -> Option<Outcome> {
    let mut outcomes = committed.outcomes.into_iter();
    outcomes.next().filter(|_| outcomes.next().is_none())
}
