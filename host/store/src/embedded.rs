//! The backend of a host that runs alone: SQLite in a folder.
//!
//! One thread writes (`writer`), a few read (`readers`), one moves the log into the database (`checkpoint`).
//! Committed values are in memory (`cache`), and a hit never leaves the caller's thread. What each family of
//! operations does is below `apply`, its reads are below `query`, and the rows that the writer keeps in memory too
//! below `rows`. `doctor` and `copies` work on the folder of a store from outside.
//!
//! Why SQLite: with a write-ahead log, synchronous FULL and group commit it takes tens of thousands of durable
//! writes a second, and its file can be looked at by anybody. Its log's checkpoints are the one thing that
//! stalls commits, so they are ours.
//!
//! **Invariant**: only the writer thread writes, so that numbers, mirrored rows and cache need no lock of their own.
//! **Invariant**: an error that leaves durability unknown ends the store (`failure`); nothing retries a sync.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, atomic::AtomicU64},
};

use tokio::sync::oneshot;

use crate::{Limits, StoreError, limits::NamedLimits, stats::Counters};

mod apply;
mod backend;
mod blobs;
mod cache;
mod checkpoint;
mod copies;
mod disk;
mod doctor;
mod failure;
mod fault;
mod folder;
mod mirror;
mod notify;
mod numbers;
mod query;
mod queue;
mod readers;
mod record;
mod rows;
mod schema;
mod start;
mod state;
#[cfg(test)]
mod tests;
mod threads;
mod undo;
mod values;
mod visit;
mod writer;

pub use copies::{backup, restore};
pub use doctor::{Finding, Report, Trouble, doctor};

use apply::Ask;
use cache::Cache;
use disk::Disk;
use failure::Failure;
use notify::Notify;
use query::log::TopicNames;
use queue::Queue;
use readers::Readers;
use schema::Rig;
use threads::Threads;
use writer::{Done, Waiting};

/// How to open an [`Embedded`] store.
#[derive(Debug, Clone)]
pub struct Options {
    /// The store's own folder, made if need be with mode 0700 (an existing one is set to it).
    pub folder: PathBuf,
    /// Limits of sizes, queues and memory.
    pub limits: Limits,
    /// Threads that read from disk, at least 1; 2, since one slow read must not stop the others and most reads
    /// are answered from memory.
    pub readers: usize,
    /// Length of the write-ahead log at which a checkpoint starts, in bytes; 32 MiB: about two a second at full
    /// write load.
    pub checkpoint_bytes: u64,
    /// Length of the write-ahead log at which commits wait for a checkpoint, in bytes; 128 MiB.
    pub log_bytes_max: u64,
    /// Largest database file, in bytes, beyond which commits answer [`StoreError::Full`]; `None`, the default,
    /// means the disk's end.
    pub file_bytes_max: Option<u64>,
    /// What tests put under the store.
    rig: Rig,
}

/// A durable store in a folder, held by this process alone. Dropping it closes it, which blocks until what
/// waits is committed.
#[derive(Debug)]
pub struct Embedded {
    shared: Arc<Shared>,
    commits: Arc<Queue<Waiting>>,
    readers: Readers,
    /// `None` once closed. Dropped with the store, which ends them.
    threads: Mutex<Option<Threads>>,
}

/// What all threads of a store share.
#[derive(Debug)]
struct Shared {
    limits: Limits,
    /// Those of single buckets.
    buckets: NamedLimits,
    cache: Cache,
    failure: Failure,
    counters: Counters,
    notify: Notify,
    topics: Arc<TopicNames>,
    disk: Disk,
    /// Length of the write-ahead log after the last commit.
    log_bytes: Arc<AtomicU64>,
    /// A code of SQLite that the next COMMIT fails with; 0 for none.
    #[cfg(test)]
    fault: std::sync::atomic::AtomicI32,
}

// === impl Options ===

impl Options {
    /// Defaults for a store in this folder.
    #[must_use]
    pub fn new(folder: impl AsRef<Path>) -> Self {
        Self {
            folder: folder.as_ref().to_owned(),
            limits: Limits::default(),
            readers: 2,
            checkpoint_bytes: 32 << 20,
            log_bytes_max: 128 << 20,
            file_bytes_max: None,
            rig: Rig::default(),
        }
    }
}

// === impl Embedded ===

impl Embedded {
    /// Opens a store, or makes it. Blocks for the time of a few fsyncs, longer to recover a log.
    ///
    /// # Errors
    /// [`Locked`](StoreError::Locked) when another process holds the folder, [`NewerSchema`](StoreError::NewerSchema)
    /// when a newer host wrote it, [`Open`](StoreError::Open) for the rest.
    pub fn open(options: Options) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared::new(&options));
        // Bytes are bounded here and batches too: neither ten thousand large ones fit in memory nor small ones in
        // a transaction's time.
        let commits = Arc::new(Queue::new(options.limits.waiting_commits, options.limits.waiting_bytes));
        let readers = Readers::new(options.limits.waiting_reads);
        let threads = Threads::start(&options, shared.clone(), commits.clone(), readers.clone())?;
        shared.disk.free_bytes();
        Ok(Self { shared, commits, readers, threads: Mutex::new(Some(threads)) })
    }

    /// Has the writer do something that occupies so many bytes while it waits.
    async fn ask(&self, ask: Ask, bytes: usize) -> Result<Done, StoreError> {
        self.shared.failure.check()?;
        let (answer, answered) = oneshot::channel();
        self.commits.push(Waiting { ask, answer }, bytes)?;
        // The writer answers all that it was given, unless it panicked; then this may run before its alarm.
        answered.await.unwrap_or_else(|_| Err(self.shared.failure.fail("the writer ended without an answer")))
    }
}

// === impl Shared ===

impl Shared {
    fn new(options: &Options) -> Self {
        let limits = &options.limits;
        Self {
            limits: limits.clone(),
            buckets: NamedLimits::default(),
            cache: Cache::new(limits.cache_bytes),
            failure: Failure::new(),
            counters: Counters::default(),
            notify: Notify::new(limits.watch_backlog),
            topics: Arc::default(),
            disk: Disk::new(options.folder.clone(), limits.disk_low_bytes),
            log_bytes: Arc::default(),
            #[cfg(test)]
            fault: std::sync::atomic::AtomicI32::new(0),
        }
    }

    /// The error that a test asked for.
    #[cfg(test)]
    fn fault(&self) -> rusqlite::Result<()> {
        match self.fault.swap(0, std::sync::atomic::Ordering::Relaxed) {
            0 => Ok(()),
            code => Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None)),
        }
    }
}
