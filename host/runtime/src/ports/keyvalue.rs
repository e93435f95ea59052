//! Key-value state: behind `wasi:keyvalue`.

use async_trait::async_trait;
use bytes::Bytes;

/// A committed value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvEntry {
    /// The value.
    pub value: Bytes,
    /// Changes with every write of the key; never used twice for a key.
    pub revision: u64,
}

/// What must hold for a write to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Any,
    /// The key has no value.
    Absent,
    /// The key's value has this revision.
    Revision(u64),
}

/// A change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KvWrite {
    /// Sets the value.
    Set {
        /// Which key.
        key: String,
        /// The value.
        value: Bytes,
        /// The precondition.
        expect: Expect,
    },
    /// Removes the key; fine when there is none.
    Delete {
        /// Which key.
        key: String,
    },
}

/// Why a key-value operation was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KvError {
    /// An [`Expect`] did not hold; nothing was written.
    #[error("the value has changed")]
    Conflict,
    /// A key, value or bucket is over its limit, or a value is no integer; the text says which.
    #[error("{0}")]
    Invalid(String),
    /// The store cannot do it now; the text says why.
    #[error("{0}")]
    Failed(String),
}

/// Durable key-value state: a write that is answered has been committed.
#[async_trait]
pub trait KeyValue: Send + Sync + 'static {
    /// The value of a key when memory alone can tell: the inner `None` is a key known to be absent.
    fn cached(&self, bucket: &str, key: &str) -> Option<Option<KvEntry>>;

    /// The value of a key.
    async fn get(&self, bucket: &str, key: &str) -> Result<Option<KvEntry>, KvError>;

    /// Up to a page of keys after `cursor` in byte order, and the cursor to go on with.
    async fn list(&self, bucket: &str, cursor: Option<&str>) -> Result<(Vec<String>, Option<String>), KvError>;

    /// Does all of these writes, or none.
    async fn write(&self, bucket: &str, writes: Vec<KvWrite>) -> Result<(), KvError>;

    /// Adds to a decimal integer, absent being 0, and answers the sum.
    async fn increment(&self, bucket: &str, key: &str, delta: i64) -> Result<i64, KvError>;
}
