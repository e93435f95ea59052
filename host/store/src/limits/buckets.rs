//! Limits of single buckets, which an operator sets and changes while the store is in use.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

/// How large one bucket may become. What it holds already stays: a bucket over a limit that was lowered may only shrink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketLimits {
    /// Bytes of keys and values and [`RECORD_OVERHEAD_BYTES`](crate::RECORD_OVERHEAD_BYTES) a record.
    pub bytes: u64,
    /// Bytes of one value.
    pub value_bytes: usize,
}

/// What is said of buckets by their names; the others have what [`Limits`](super::Limits) says.
#[derive(Debug, Default)]
pub(crate) struct NamedLimits(RwLock<BTreeMap<Arc<str>, BucketLimits>>);

// === impl NamedLimits ===

impl NamedLimits {
    /// Replaces all of them.
    pub(crate) fn set(&self, limits: BTreeMap<Arc<str>, BucketLimits>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// What is said of a bucket.
    pub(crate) fn of(&self, bucket: &str) -> Option<BucketLimits> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(bucket).copied()
    }
}
