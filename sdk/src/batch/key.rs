//! Where a value is, and what must hold of it.

use std::fmt;

use crate::bindings::switchyard::plugin::batch as wit;

/// A place in a bucket: `"user/1".into()` is one in the service's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    bucket: String,
    name: String,
}

/// A value and its revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Vec<u8>,
    /// Grows with every write of the key.
    pub revision: u64,
}

/// What a key must be for a batch to be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Condition {
    /// Anything.
    #[default]
    Any,
    /// Not there.
    Absent,
    /// There, at this revision.
    Revision(u64),
}

// === impl Key ===

impl Key {
    /// A key of the service's own bucket.
    pub fn new(name: impl Into<String>) -> Self {
        Self { bucket: String::new(), name: name.into() }
    }

    /// The same key of another bucket, which needs a grant.
    pub fn bucket(self, bucket: impl Into<String>) -> Self {
        Self { bucket: bucket.into(), ..self }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, name } = self;
        if bucket.is_empty() { write!(f, "`{name}`") } else { write!(f, "`{name}` of bucket `{bucket}`") }
    }
}

impl From<&str> for Key {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for Key {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

impl From<&String> for Key {
    fn from(name: &String) -> Self {
        Self::new(name)
    }
}

impl From<Key> for wit::Key {
    fn from(key: Key) -> Self {
        Self { bucket: key.bucket, name: key.name }
    }
}

impl From<wit::Key> for Key {
    fn from(key: wit::Key) -> Self {
        Self { bucket: key.bucket, name: key.name }
    }
}

// === impl Condition ===

impl From<Condition> for wit::Condition {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Any => Self::Any,
            Condition::Absent => Self::Absent,
            Condition::Revision(revision) => Self::Revision(revision),
        }
    }
}
