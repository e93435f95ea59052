//! Why a store refused or failed.
//!
//! Three kinds, which callers treat apart: the request was wrong or lost a race (nothing happened), the store
//! cannot take it now (nothing happened, later may help), and the store failed (an operator is needed).

use std::{error::Error, fmt, path::PathBuf, sync::Arc};

/// An error of any store operation. Unless it says otherwise, nothing was changed.
///
/// It can be cloned because one failed fsync answers many batches.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A precondition did not hold, so that no operation of the batch was applied.
    #[error("operation {op} of the batch did not find the revision that it expected")]
    Conflict {
        /// Index of the operation in the batch.
        op: usize,
        /// The key's revision at that moment; `None` when it was absent.
        current: Option<u64>,
    },
    /// An increment met a value that is no decimal `i64`.
    #[error("key {key:?} of bucket {bucket:?} does not hold a number")]
    NotANumber {
        /// The bucket.
        bucket: Arc<str>,
        /// The key.
        key: Arc<str>,
    },
    /// An increment would leave the range of `i64`.
    #[error("key {key:?} of bucket {bucket:?} would overflow")]
    Overflow {
        /// The bucket.
        bucket: Arc<str>,
        /// The key.
        key: Arc<str>,
    },
    /// Something is larger than its limit.
    #[error("{what} of {size} is over the limit of {max}")]
    TooLarge {
        /// What was measured.
        what: Measure,
        /// How large it is.
        size: usize,
        /// The limit.
        max: usize,
    },
    /// The bucket would grow over its limit.
    #[error("bucket {bucket:?} is full: its limit is {max} bytes")]
    BucketFull {
        /// The bucket.
        bucket: Arc<str>,
        /// The limit in bytes.
        max: u64,
    },
    /// A queue has no room.
    #[error("Queue {queue} is full")]
    QueueFull {
        /// The queue.
        queue: Arc<str>,
        /// How many messages it may hold.
        max: u64,
    },
    /// There is no such queue.
    #[error("there is no queue {queue:?}; its first message makes it")]
    UnknownQueue {
        /// The queue.
        queue: Arc<str>,
    },
    /// The token does not hold the message, or no longer: another one has it, or it is done.
    #[error("message {id:?} of queue {queue:?} is not leased under this token; another one has it, or it is done")]
    NotLeased {
        /// The queue.
        queue: Arc<str>,
        /// The message's id.
        id: Arc<str>,
    },
    /// There are as many topics, or queues, as there may be.
    #[error("there are {max} {what} already, which is the limit; use one of them, and put what tells apart into data")]
    TooMany {
        /// `topics` or `queues`.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// Another owner's lease of a resource runs.
    #[error("{resource:?} is owned by {owner:?}")]
    Owned {
        /// The resource.
        resource: Arc<str>,
        /// Who owns it.
        owner: Arc<str>,
    },
    /// Too much waits already; later may help.
    #[error("the store is busy: too many operations wait already")]
    Busy,
    /// The disk is full; nothing was lost, and writes go on once there is room.
    #[error("the store's disk is full; free some space, and writes go on")]
    Full,
    /// A record does not match its checksum.
    #[error("the record of key {key:?} in bucket {bucket:?} is corrupt; restore it from a backup or delete it")]
    Corrupt {
        /// The bucket.
        bucket: Arc<str>,
        /// The key.
        key: Arc<str>,
    },
    /// A record other than a key does not match its checksum.
    #[error("{what} is corrupt; restore it from a backup, or remove it")]
    CorruptRecord {
        /// What it is: `event 17`, `message ID of queue NAME`.
        what: Arc<str>,
    },
    /// Another process holds the folder.
    #[error("store folder {} is in use by {}; stop it, or give this host a folder of its own", folder.display(), holder(*.pid))]
    Locked {
        /// The folder.
        folder: PathBuf,
        /// The process that holds it, if it said so.
        pid: Option<u32>,
    },
    /// The store was written by a newer host.
    #[error(
        "store folder {} has schema {found}, and this host knows only up to {supported}; \
         start the newer host, or restore a backup from before the upgrade", folder.display()
    )]
    NewerSchema {
        /// The folder.
        folder: PathBuf,
        /// The schema version found.
        found: u32,
        /// The newest schema version that this host knows.
        supported: u32,
    },
    /// The store could not be opened.
    #[error("cannot open store folder {}", folder.display())]
    Open {
        /// The folder.
        folder: PathBuf,
        /// What went wrong.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// Something is there already that a backup or a restore would overwrite.
    #[error("{} is there already; name another place, or move it away first", path.display())]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// A backup is not whole, so that it was not restored.
    #[error("backup {} is damaged: {faults} faults, the first is: {first}; take another backup", file.display())]
    Damaged {
        /// The backup.
        file: PathBuf,
        /// How many faults were found.
        faults: u64,
        /// The first of them.
        first: Arc<str>,
    },
    /// A backup could not be written or read.
    #[error("cannot copy the store to or from {}", file.display())]
    Copy {
        /// The backup.
        file: PathBuf,
        /// What went wrong.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// A read failed.
    #[error("cannot read from the store")]
    Read {
        /// What went wrong.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// Writing failed in a way that cannot be retried: what is durable is unknown, and no commit is taken any
    /// more. The process has to stop; the next start recovers.
    #[error("the store failed and takes no more writes: {reason}")]
    Failed {
        /// What went wrong first.
        reason: Arc<str>,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

/// What a [`StoreError::TooLarge`] measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Measure {
    /// Bytes of a bucket's name.
    BucketName,
    /// Bytes of a key.
    Key,
    /// Bytes of a value.
    Value,
    /// Operations in a batch.
    BatchOps,
    /// Bytes of a batch.
    BatchBytes,
    /// Keys that one question asks for.
    KeysAsked,
    /// Bytes of the values that one question asks for.
    BytesAsked,
    /// Bytes of the name of a topic, subscription, queue, timer, resource or blob, of an id or of a token.
    Name,
    /// Bytes of an event's source or id.
    Identity,
    /// Bytes of an event, a dead letter or a timer's payload.
    Record,
    /// Bytes of a message.
    Message,
    /// A message's priority.
    Priority,
    /// Bytes of a blob.
    Blob,
}

// === impl Measure ===

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Measure::BucketName => "a bucket name (bytes)",
            Measure::Key => "a key (bytes)",
            Measure::Value => "a value (bytes)",
            Measure::BatchOps => "a batch (operations)",
            Measure::BatchBytes => "a batch (bytes)",
            Measure::KeysAsked => "a read (keys)",
            Measure::BytesAsked => "a read (bytes)",
            Measure::Name => "a name, id or token (bytes)",
            Measure::Identity => "an event's source or id (bytes)",
            Measure::Record => "a record (bytes)",
            Measure::Message => "a message (bytes)",
            Measure::Priority => "a priority",
            Measure::Blob => "a blob (bytes)",
        })
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locked_names_folder_holder_and_remedy() {
        let error = StoreError::Locked { folder: "/data/store".into(), pid: Some(7) };
        assert_eq!(
            error.to_string(),
            "store folder /data/store is in use by process 7; stop it, or give this host a folder of its own"
        );
    }
}
