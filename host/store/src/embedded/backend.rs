//! The trait as the embedded store does it: memory first, then the threads.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, atomic::Ordering::Relaxed},
};

use async_trait::async_trait;
use bytes::Bytes;
use switchyard_core::timestamp::Timestamp;
use tokio::sync::{broadcast, watch};

use super::{
    Embedded,
    apply::Ask,
    query::{self, log::PageMax},
    readers::read_error,
    rows::topic,
};
use crate::{
    Backend, Batch, BucketLimits, BucketUsage, Capabilities, Committed, Cursor, DeadCounts, DeadLetter, Entry, KeyPage,
    KvChange, Limits, ListDead, ListKeys, LogPage, Ownership, QueueUsage, ReadLog, Record, Stats, StoreError,
    StoredMessage, Timer, TopicUsage, stats::Counters,
};

#[async_trait]
impl Backend for Embedded {
    fn capabilities(&self) -> Capabilities {
        Capabilities { name: "embedded", atomic_batch: true, shared: false }
    }

    fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    fn set_bucket_limits(&self, limits: BTreeMap<Arc<str>, BucketLimits>) {
        self.shared.buckets.set(limits);
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        self.shared.failure.check()?;
        let bytes = self.shared.limits.check_batch(&batch, &self.shared.buckets)?;
        if batch.ops().is_empty() {
            return Ok(Committed::default());
        }
        Ok(self.ask(Ask::Batch(batch), bytes).await?.committed)
    }

    fn kv_cached(&self, bucket: &str, key: &str) -> Option<Option<Entry>> {
        self.cached(bucket, key)
    }

    async fn kv_get(&self, bucket: &str, key: &str) -> Result<Option<Entry>, StoreError> {
        self.get(bucket, key).await
    }

    async fn kv_get_many(&self, bucket: &str, keys: &[Arc<str>]) -> Result<Vec<Option<Entry>>, StoreError> {
        self.get_many(bucket, keys).await
    }

    async fn kv_exists(&self, bucket: &str, key: &str) -> Result<bool, StoreError> {
        self.exists(bucket, key).await
    }

    async fn kv_list(&self, bucket: &str, list: ListKeys) -> Result<KeyPage, StoreError> {
        let bucket: Arc<str> = bucket.into();
        let limit = list.limit.clamp(1, self.shared.limits.list_page);
        let read = move |conn: &_| {
            let prefix = list.prefix.as_deref().unwrap_or_default();
            query::kv::keys(conn, &bucket, prefix, list.after.as_deref(), limit).map_err(read_error)
        };
        self.readers.read(read).await
    }

    async fn kv_usage(&self, bucket: &str) -> Result<Option<BucketUsage>, StoreError> {
        let bucket: Arc<str> = bucket.into();
        self.readers.read(move |conn| query::kv::usage(conn, &bucket).map_err(read_error)).await
    }

    async fn kv_buckets(&self) -> Result<Vec<BucketUsage>, StoreError> {
        self.readers.read(|conn| query::kv::usages(conn).map_err(read_error)).await
    }

    fn kv_watch(&self, bucket: &str) -> broadcast::Receiver<KvChange> {
        self.shared.notify.bucket(bucket)
    }

    async fn log_read(&self, read: ReadLog) -> Result<LogPage, StoreError> {
        let limits = &self.shared.limits;
        let max = PageMax { records: read.limit.clamp(1, limits.list_page), bytes: limits.read_bytes };
        let topics = self.shared.topics.clone();
        self.readers.read(move |conn| Ok(query::log::read(conn, &topics, &read, max)?)).await
    }

    async fn log_get(&self, sequence: u64) -> Result<Option<Record>, StoreError> {
        let topics = self.shared.topics.clone();
        self.readers.read(move |conn| Ok(query::log::get(conn, &topics, sequence)?)).await
    }

    async fn log_seek(&self, at: Timestamp) -> Result<u64, StoreError> {
        let seek = move |conn: &_| {
            let found = query::snapshot(conn, |conn| {
                let head = query::log::head(conn)?;
                Ok(query::log::seek(conn, at, head)?)
            });
            Ok(found?)
        };
        self.readers.read(seek).await
    }

    fn log_head(&self) -> watch::Receiver<u64> {
        self.shared.notify.head()
    }

    async fn topics(&self) -> Result<Vec<TopicUsage>, StoreError> {
        self.readers.read(|conn| topic::usages(conn).map_err(read_error)).await
    }

    async fn cursor(&self, name: &str) -> Result<Option<Cursor>, StoreError> {
        let name: Arc<str> = name.into();
        self.readers.read(move |conn| Ok(query::cursor::get(conn, name)?)).await
    }

    async fn cursors(&self) -> Result<Vec<Arc<str>>, StoreError> {
        self.readers.read(|conn| query::cursor::names(conn).map_err(read_error)).await
    }

    fn queue_changes(&self, queue: &str) -> watch::Receiver<u64> {
        self.shared.notify.queue(queue)
    }

    async fn queue_next_due(&self, queue: &str) -> Result<Option<Timestamp>, StoreError> {
        let queue: Arc<str> = queue.into();
        self.readers.read(move |conn| Ok(query::queue::next_due(conn, &queue)?)).await
    }

    async fn queue(&self, queue: &str, now: Timestamp) -> Result<Option<QueueUsage>, StoreError> {
        let queue: Arc<str> = queue.into();
        self.readers.read(move |conn| Ok(query::queue::usage(conn, queue, now)?)).await
    }

    async fn queues(&self, now: Timestamp) -> Result<Vec<QueueUsage>, StoreError> {
        self.readers.read(move |conn| Ok(query::queue::usages(conn, now)?)).await
    }

    async fn queue_message(&self, queue: &str, id: &str) -> Result<Option<StoredMessage>, StoreError> {
        let (queue, id): (Arc<str>, Arc<str>) = (queue.into(), id.into());
        self.readers.read(move |conn| Ok(query::queue::message(conn, &queue, &id)?)).await
    }

    async fn dead_letter(&self, id: &str) -> Result<Option<DeadLetter>, StoreError> {
        let id: Arc<str> = id.into();
        self.readers.read(move |conn| Ok(query::dead::get(conn, &id)?)).await
    }

    async fn dead_letters(&self, list: ListDead) -> Result<Vec<DeadLetter>, StoreError> {
        let limits = &self.shared.limits;
        let (limit, bytes_max) = (list.limit.clamp(1, limits.list_page), limits.read_bytes);
        self.readers.read(move |conn| Ok(query::dead::list(conn, &list, limit, bytes_max)?)).await
    }

    async fn dead_counts(&self) -> Result<DeadCounts, StoreError> {
        self.readers.read(|conn| query::dead::counts(conn).map_err(read_error)).await
    }

    async fn timers(&self, limit: usize) -> Result<Vec<Timer>, StoreError> {
        let limit = limit.min(self.shared.limits.list_page);
        self.readers.read(move |conn| Ok(query::timer::first(conn, limit)?)).await
    }

    async fn timer(&self, key: &str) -> Result<Option<Timer>, StoreError> {
        let key: Arc<str> = key.into();
        self.readers.read(move |conn| Ok(query::timer::get(conn, &key)?)).await
    }

    async fn owner(&self, resource: &str) -> Result<Option<Ownership>, StoreError> {
        let resource: Arc<str> = resource.into();
        self.readers.read(move |conn| Ok(query::owner::get(conn, &resource)?)).await
    }

    async fn blob_put(&self, name: &str, bytes: Bytes) -> Result<(), StoreError> {
        self.put_blob(name, bytes).await
    }

    async fn blob_get(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        let name: Arc<str> = name.into();
        self.readers.read(move |conn| Ok(query::blob::get(conn, &name)?)).await
    }

    async fn blob_delete(&self, name: &str) -> Result<bool, StoreError> {
        self.delete_blob(name).await
    }

    fn stats(&self) -> Stats {
        let Counters {
            commits,
            refused,
            transactions,
            syncs,
            cache_hits,
            cache_misses,
            checkpoints,
            checkpoints_by_writer,
        } = &self.shared.counters;
        Stats {
            commits: commits.get(),
            refused: refused.get(),
            transactions: transactions.get(),
            syncs: syncs.read(),
            waiting_commits: self.commits.len() as u64,
            cache_hits: cache_hits.get(),
            cache_misses: cache_misses.get(),
            cache_bytes: self.shared.cache.bytes(),
            checkpoints: checkpoints.get(),
            checkpoints_by_writer: checkpoints_by_writer.get(),
            log_bytes: self.shared.log_bytes.load(Relaxed),
            file_bytes: self.shared.disk.file_bytes(),
            disk_free_bytes: self.shared.disk.free_bytes(),
        }
    }

    async fn failed(&self) -> StoreError {
        self.shared.failure.wait().await
    }

    async fn close(&self) -> Result<(), StoreError> {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(threads) = threads {
            threads.stop();
            // In a task of its own: a caller that stops waiting leaves a store that still closes.
            let _ = tokio::task::spawn_blocking(move || drop(threads)).await;
        }
        self.shared.failure.check()
    }
}
