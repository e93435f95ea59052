//! The trait as the embedded store does it: memory first, then the threads.

use std::sync::{Arc, PoisonError, atomic::Ordering::Relaxed};

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::{
    Embedded,
    cache::{CacheKey, Lookup, Reservation},
    query,
    readers::read_error,
    writer::Waiting,
};
use crate::{
    Backend, Batch, BucketUsage, Capabilities, Committed, Entry, KeyPage, Limits, ListKeys, Measure, Stats, StoreError,
    limits::within, stats::Counters,
};

#[async_trait]
impl Backend for Embedded {
    fn capabilities(&self) -> Capabilities {
        Capabilities { name: "embedded", atomic_batch: true, shared: false }
    }

    fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        self.shared.failure.check()?;
        let bytes = self.shared.limits.check_batch(&batch)?;
        if batch.ops().is_empty() {
            return Ok(Committed::default());
        }
        let (answer, answered) = oneshot::channel();
        self.commits.push(Waiting { batch, answer }, bytes)?;
        // The writer answers all that it was given, unless it panicked; then this may run before its alarm.
        answered.await.unwrap_or_else(|_| Err(self.shared.failure.fail("the writer ended without an answer")))
    }

    fn kv_cached(&self, bucket: &str, key: &str) -> Option<Option<Entry>> {
        let hit = self.shared.cache.get(bucket, key);
        if hit.is_some() {
            self.shared.counters.cache_hits.add(1);
        }
        hit
    }

    async fn kv_get(&self, bucket: &str, key: &str) -> Result<Option<Entry>, StoreError> {
        if let Some(slot) = self.kv_cached(bucket, key) {
            return Ok(slot);
        }
        self.shared.limits.check_names(bucket, key)?;
        let key = CacheKey::new(bucket, key);
        match self.shared.cache.get_or_reserve(&key).await {
            Lookup::Hit(slot) => {
                self.shared.counters.cache_hits.add(1);
                Ok(slot)
            }
            Lookup::Miss(reservation) => {
                let slot = self.fetch(key.clone()).await?;
                reservation.fill(slot.clone());
                Ok(slot)
            }
        }
    }

    async fn kv_get_many(&self, bucket: &str, keys: &[Arc<str>]) -> Result<Vec<Option<Entry>>, StoreError> {
        within(Measure::KeysAsked, keys.len(), self.shared.limits.list_page)?;
        let bucket: Arc<str> = bucket.into();
        let mut slots = vec![None; keys.len()];
        let mut missing: Vec<(usize, Option<Reservation<'_>>)> = Vec::new();
        for (index, key) in keys.iter().enumerate() {
            self.shared.limits.check_names(&bucket, key)?;
            let key = CacheKey { bucket: bucket.clone(), key: key.clone() };
            match self.shared.cache.try_get_or_reserve(&key) {
                Some(Lookup::Hit(slot)) => {
                    self.shared.counters.cache_hits.add(1);
                    slots[index] = slot;
                }
                Some(Lookup::Miss(reservation)) => missing.push((index, Some(reservation))),
                None => missing.push((index, None)),
            }
        }
        if missing.is_empty() {
            return Ok(slots);
        }
        let key = |&(index, _): &(usize, _)| CacheKey { bucket: bucket.clone(), key: keys[index].clone() };
        let fetched = self.fetch_many(missing.iter().map(key).collect()).await?;
        for ((index, reservation), slot) in missing.into_iter().zip(fetched) {
            if let Some(reservation) = reservation {
                reservation.fill(slot.clone());
            }
            slots[index] = slot;
        }
        Ok(slots)
    }

    async fn kv_exists(&self, bucket: &str, key: &str) -> Result<bool, StoreError> {
        if let Some(slot) = self.kv_cached(bucket, key) {
            return Ok(slot.is_some());
        }
        self.shared.limits.check_names(bucket, key)?;
        self.shared.counters.cache_misses.add(1);
        let key = CacheKey::new(bucket, key);
        self.readers.read(move |conn| query::exists(conn, &key.bucket, &key.key).map_err(read_error)).await
    }

    async fn kv_list(&self, bucket: &str, list: ListKeys) -> Result<KeyPage, StoreError> {
        let bucket: Arc<str> = bucket.into();
        let limit = list.limit.clamp(1, self.shared.limits.list_page);
        let read = move |conn: &_| {
            let prefix = list.prefix.as_deref().unwrap_or_default();
            query::keys(conn, &bucket, prefix, list.after.as_deref(), limit).map_err(read_error)
        };
        self.readers.read(read).await
    }

    async fn kv_usage(&self, bucket: &str) -> Result<Option<BucketUsage>, StoreError> {
        let bucket: Arc<str> = bucket.into();
        self.readers.read(move |conn| query::usage(conn, &bucket).map_err(read_error)).await
    }

    fn stats(&self) -> Stats {
        let Counters { commits, refused, transactions, cache_hits, cache_misses, checkpoints, checkpoints_by_writer } =
            &self.shared.counters;
        let disk = rustix::fs::statvfs(&self.folder).ok();
        Stats {
            commits: commits.get(),
            refused: refused.get(),
            transactions: transactions.get(),
            waiting_commits: self.commits.len() as u64,
            cache_hits: cache_hits.get(),
            cache_misses: cache_misses.get(),
            cache_bytes: self.shared.cache.bytes(),
            checkpoints: checkpoints.get(),
            checkpoints_by_writer: checkpoints_by_writer.get(),
            log_bytes: self.shared.log_bytes.load(Relaxed),
            disk_free_bytes: disk.map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
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
