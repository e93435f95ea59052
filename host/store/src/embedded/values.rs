//! Reading keys: memory first, then a reader's thread.

use std::sync::Arc;

use super::{
    Embedded,
    cache::{CacheKey, Lookup, Reservation},
    query,
    readers::read_error,
};
use crate::{Entry, Measure, StoreError, limits::within};

impl Embedded {
    pub(super) fn cached(&self, bucket: &str, key: &str) -> Option<Option<Entry>> {
        let hit = self.shared.cache.get(bucket, key);
        if hit.is_some() {
            self.shared.counters.cache_hits.add(1);
        }
        hit
    }

    pub(super) async fn get(&self, bucket: &str, key: &str) -> Result<Option<Entry>, StoreError> {
        if let Some(slot) = self.cached(bucket, key) {
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

    pub(super) async fn get_many(&self, bucket: &str, keys: &[Arc<str>]) -> Result<Vec<Option<Entry>>, StoreError> {
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

    pub(super) async fn exists(&self, bucket: &str, key: &str) -> Result<bool, StoreError> {
        if let Some(slot) = self.cached(bucket, key) {
            return Ok(slot.is_some());
        }
        self.shared.limits.check_names(bucket, key)?;
        self.shared.counters.cache_misses.add(1);
        let key = CacheKey::new(bucket, key);
        self.readers.read(move |conn| query::kv::exists(conn, &key.bucket, &key.key).map_err(read_error)).await
    }

    /// Reads a record from disk.
    async fn fetch(&self, key: CacheKey) -> Result<Option<Entry>, StoreError> {
        self.shared.counters.cache_misses.add(1);
        let read = move |conn: &_| {
            let row = query::kv::entry(conn, &key.bucket, &key.key).map_err(read_error)?;
            row.map(|row| row.check(&key.bucket, &key.key)).transpose()
        };
        self.readers.read(read).await
    }

    async fn fetch_many(&self, keys: Vec<CacheKey>) -> Result<Vec<Option<Entry>>, StoreError> {
        self.shared.counters.cache_misses.add(keys.len() as u64);
        let max = self.shared.limits.read_bytes;
        let read = move |conn: &_| {
            let mut size = 0;
            let mut fetch = |key: &CacheKey| {
                let Some(row) = query::kv::entry(conn, &key.bucket, &key.key).map_err(read_error)? else {
                    return Ok(None);
                };
                size += row.value_bytes();
                within(Measure::BytesAsked, size, max)?;
                row.check(&key.bucket, &key.key).map(Some)
            };
            keys.iter().map(&mut fetch).collect()
        };
        self.readers.read(read).await
    }
}
