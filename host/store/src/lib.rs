//! Remembers: the durable state of the host behind one trait, [`Backend`].
//!
//! Guests come and go; what was acknowledged must be there after a reload, a crash and a restart: keys and values,
//! the log of events and the cursors in it, queues, dead letters, timers, ownership, blobs. Everything that changes
//! state goes through [`Backend::commit`], which takes a [`Batch`] of operations and applies all of them or none.
//!
//! The constraints, as numbers:
//! - one fsync is shared by all batches that arrived while the last one ran, since an fsync costs 0.2 ms and an
//!   operation costs 10 µs;
//! - a value that is in memory is answered in under a microsecond, on the caller's thread, without an await;
//! - every queue and every size has a limit with a default, all in [`Limits`].
//!
//! **Invariant**: `commit` answers `Ok` only when the batch would survive the loss of power, unless it asked for
//! less ([`Durability`]); then it may be lost, but never in part and never without all relaxed ones after it.
//! **Invariant**: a number that was told (revision, sequence, epoch, token) is never given to anything else, not
//! after a crash either.
//! **Invariant**: a read that starts after a commit was answered sees that commit or a newer one.
//! **Invariant**: whoever waits is told after the commit, never before.
//! **Invariant**: nothing here names a plugin, a route or a guest; buckets, topics and queues are only names.
//!
//! [`Embedded`] is the backend of a host that runs alone; [`doctor`], [`backup`] and [`restore`] work on its folder,
//! the first two also while a host runs. Any other backend proves itself with the
//! `conformance` module (feature `conformance`).

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on has failed"))]

mod backend;
mod batch;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod embedded;
mod error;
mod kv;
mod limits;
mod ops;
mod stats;

pub use backend::{Backend, Capabilities, DeadCounts, KvChange};
pub use batch::{Batch, Committed, Durability, Expect, KvOp, KvOutcome, Op, Outcome};
pub use embedded::{Embedded, Finding, Options, Report, Trouble, backup, doctor, restore};
pub use error::{Measure, StoreError};
pub use kv::{BucketUsage, Entry, KeyPage, ListKeys, RECORD_OVERHEAD_BYTES};
pub use limits::{BucketLimits, Limits, host_bucket};
pub use ops::{
    cursor::{Cursor, CursorOp, CursorOutcome, CursorStart, Retry, Settled},
    dead::{DeadLetter, DeadOp, DeadOrigin, ListDead},
    log::{Append, LogOp, LogOutcome, LogPage, ReadLog, Record, TopicUsage},
    ownership::{OwnerOp, OwnerOutcome, Ownership},
    queue::{Enqueue, Lease, LeaseRef, QueueOp, QueueOutcome, QueueUsage, StoredMessage},
    timer::{Timer, TimerOp},
};
pub use stats::Stats;
