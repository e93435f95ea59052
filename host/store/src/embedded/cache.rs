//! Committed values in memory, absent keys included.
//!
//! The danger is a reader that fetched an old value, sleeps, and puts it over a newer one. So a reader reserves
//! the key *before* it reads, and the writer publishes *after* COMMIT and before it answers: publishing ends
//! every reservation of that key, and a reader without its reservation keeps its value to itself.
//!
//! **Invariant**: `publish` leaves the new value or nothing under the key, never a reservation. quick_cache does
//! that by itself, but for an entry that is too heavy to admit, whose reservation it keeps; hence `weight_max`.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use quick_cache::{
    Equivalent, OptionsBuilder, Weighter,
    sync::{Cache as QuickCache, DefaultLifecycle, GuardResult, PlaceholderGuard},
};

use crate::Entry;

/// What an entry costs beyond its key and value: the slot, two `Arc` headers and the buffer's own.
const ENTRY_OVERHEAD_BYTES: u64 = 192;

/// One shard has room for a few of the largest values, else more shards only keep them out.
const SHARD_BYTES_MIN: u64 = 4 << 20;
const SHARDS_MAX: u64 = 64;

/// Entries that the cache prepares for, by its bytes; more or fewer only cost a resize.
const BYTES_PER_ENTRY: u64 = 1 << 10;

pub(super) type Slot = Option<Entry>;

type Random = quick_cache::DefaultHashBuilder;
type Lifecycle = DefaultLifecycle<CacheKey, Slot>;
type Guard<'a> = PlaceholderGuard<'a, CacheKey, Slot, Weigh, Random, Lifecycle>;

#[derive(Debug)]
pub(super) struct Cache {
    slots: QuickCache<CacheKey, Slot, Weigh, Random, Lifecycle>,
    weight_max: u64,
}

/// A bucket and a key in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct CacheKey {
    pub(super) bucket: Arc<str>,
    pub(super) key: Arc<str>,
}

/// What is in memory for a key, or the right to put it there.
pub(super) enum Lookup<'a> {
    Hit(Slot),
    Miss(Reservation<'a>),
}

/// The right to fill a key, lost without notice when the key is written meanwhile.
pub(super) struct Reservation<'a> {
    guard: Guard<'a>,
    key_bytes: usize,
    weight_max: u64,
}

#[derive(Debug, Clone, Copy)]
struct Weigh;

/// A [`CacheKey`] by reference: hashed the same, and a hit allocates nothing.
struct Borrowed<'a> {
    bucket: &'a str,
    key: &'a str,
}

// === impl Cache ===

impl Cache {
    pub(super) fn new(bytes: u64) -> Self {
        let shards = (bytes / SHARD_BYTES_MIN).clamp(1, SHARDS_MAX);
        let shards = usize::try_from(shards).expect("at most SHARDS_MAX");
        let items = usize::try_from(bytes / BYTES_PER_ENTRY).unwrap_or(usize::MAX).max(64);
        let options = OptionsBuilder::new()
            .shards(shards)
            .estimated_items_capacity(items)
            .weight_capacity(bytes)
            .build()
            .expect("all that has no default is given");
        let slots = QuickCache::with_options(options, Weigh, Random::default(), Lifecycle::default());
        let weight_max = slots.shard_capacity() / 2;
        Self { slots, weight_max }
    }

    /// What is in memory for a key.
    pub(super) fn get(&self, bucket: &str, key: &str) -> Option<Slot> {
        self.slots.get(&Borrowed { bucket, key })
    }

    /// What is in memory for a key, waiting for another reader that fetches it just now.
    pub(super) async fn get_or_reserve(&self, key: &CacheKey) -> Lookup<'_> {
        match self.slots.get_value_or_guard_async(key).await {
            Ok(slot) => Lookup::Hit(slot),
            Err(guard) => Lookup::Miss(self.reservation(guard, key)),
        }
    }

    /// The same without waiting: `None` while another reader fetches the key. Whoever reserves several keys
    /// must not wait for one while holding another, or two of them wait for each other.
    pub(super) fn try_get_or_reserve(&self, key: &CacheKey) -> Option<Lookup<'_>> {
        match self.slots.get_value_or_guard(key, Some(Duration::ZERO)) {
            GuardResult::Value(slot) => Some(Lookup::Hit(slot)),
            GuardResult::Guard(guard) => Some(Lookup::Miss(self.reservation(guard, key))),
            GuardResult::Timeout => None,
        }
    }

    /// Makes a committed state visible. Only the writer calls it, in the order of commits.
    pub(super) fn publish(&self, key: CacheKey, slot: Slot) {
        if weight(key.bytes(), &slot) > self.weight_max {
            self.slots.remove(&key);
        } else {
            self.slots.insert(key, slot);
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.slots.weight()
    }

    fn reservation<'a>(&self, guard: Guard<'a>, key: &CacheKey) -> Reservation<'a> {
        Reservation { guard, key_bytes: key.bytes(), weight_max: self.weight_max }
    }
}

// === impl Reservation ===

impl Reservation<'_> {
    /// Puts what was read from disk under the key, unless the key was written meanwhile.
    pub(super) fn fill(self, slot: Slot) {
        if weight(self.key_bytes, &slot) <= self.weight_max {
            // Err means that the writer was here first: its value is the newer one.
            let _ = self.guard.insert(slot);
        }
    }
}

// === impl CacheKey ===

impl CacheKey {
    pub(super) fn new(bucket: &str, key: &str) -> Self {
        Self { bucket: bucket.into(), key: key.into() }
    }

    fn bytes(&self) -> usize {
        self.bucket.len() + self.key.len()
    }
}

// === impl Borrowed ===

impl Hash for Borrowed<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As the derived Hash of CacheKey: field by field.
        self.bucket.hash(state);
        self.key.hash(state);
    }
}

impl Equivalent<CacheKey> for Borrowed<'_> {
    fn equivalent(&self, other: &CacheKey) -> bool {
        *self.key == *other.key && *self.bucket == *other.bucket
    }
}

// === impl Weigh ===

impl Weighter<CacheKey, Slot> for Weigh {
    fn weight(&self, key: &CacheKey, slot: &Slot) -> u64 {
        weight(key.bytes(), slot)
    }
}

fn weight(key_bytes: usize, slot: &Slot) -> u64 {
    ENTRY_OVERHEAD_BYTES + key_bytes as u64 + slot.as_ref().map_or(0, |entry| entry.value.len() as u64)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn slot(revision: u64, bytes: usize) -> Slot {
        Some(Entry { value: Bytes::from(vec![0; bytes]), revision })
    }

    fn reserve<'a>(cache: &'a Cache, key: &CacheKey) -> Reservation<'a> {
        match cache.try_get_or_reserve(key) {
            Some(Lookup::Miss(reservation)) => reservation,
            _ => unreachable!("nothing is under {key:?}"),
        }
    }

    #[track_caller]
    fn check_stale_fill_loses(cache_bytes: u64, written_bytes: usize) {
        let cache = Cache::new(cache_bytes);
        let key = CacheKey::new("b", "k");
        let reader = reserve(&cache, &key);
        cache.publish(key, slot(2, written_bytes));
        reader.fill(slot(1, 1));
        let seen = cache.get("b", "k").flatten().map(|entry| entry.revision);
        assert_ne!(seen, Some(1), "{written_bytes} bytes in a cache of {cache_bytes}");
    }

    #[test]
    fn fill_never_replaces_what_was_published_meanwhile() {
        check_stale_fill_loses(64 << 20, 10);
        // Too heavy to be admitted, and in a cache that admits nothing.
        check_stale_fill_loses(64 << 20, 4 << 20);
        check_stale_fill_loses(0, 10);
        check_stale_fill_loses(1 << 10, 600);
    }

    #[test]
    fn publish_drops_the_old_value_when_the_new_one_is_too_heavy() {
        let cache = Cache::new(1 << 20);
        cache.publish(CacheKey::new("b", "k"), slot(1, 10));
        cache.publish(CacheKey::new("b", "k"), slot(2, 1 << 20));
        assert_eq!(cache.get("b", "k"), None);
    }

    #[test]
    fn cache_of_default_size_admits_the_largest_value() {
        let cache = Cache::new(crate::Limits::default().cache_bytes);
        cache.publish(CacheKey::new("b", "k"), slot(1, crate::Limits::default().value_bytes));
        assert!(cache.get("b", "k").is_some());
    }

    #[test]
    fn absent_keys_are_remembered() {
        let cache = Cache::new(1 << 20);
        reserve(&cache, &CacheKey::new("b", "k")).fill(None);
        assert_eq!(cache.get("b", "k"), Some(None));
    }

    #[test]
    fn try_get_or_reserve_does_not_wait_for_another_reader() {
        let cache = Cache::new(1 << 20);
        let key = CacheKey::new("b", "k");
        let _other = reserve(&cache, &key);
        assert!(cache.try_get_or_reserve(&key).is_none());
    }
}
