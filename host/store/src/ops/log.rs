//! The log of events: one log for all topics, so that a pattern's subscriber needs one cursor.

use std::sync::Arc;

use bytes::Bytes;
use switchyard_core::{event::topic::Pattern, timestamp::Timestamp};

/// An operation on the log.
#[derive(Debug, Clone)]
pub enum LogOp {
    /// Append a record; the topic comes into being with its first.
    Append(Append),
    /// Forget the oldest records of a topic, at most `max` of them.
    Expire {
        /// The topic.
        topic: Arc<str>,
        /// Only those published before this moment.
        before: Timestamp,
        /// How many at most: a long removal would stall commits.
        max: usize,
    },
}

/// A record to be appended.
#[derive(Debug, Clone)]
pub struct Append {
    /// The topic.
    pub topic: Arc<str>,
    /// With `id`, what makes a record the same as another.
    pub source: Arc<str>,
    /// See `source`.
    pub id: Arc<str>,
    /// Records of the same source and id published since this moment make this one a duplicate: it is not
    /// stored, and the outcome names the first one's sequence. A record that was expired meanwhile is one of them
    /// too, as long as this moment does not go back from one append to the next. Volatile ones end with the store.
    pub duplicates_since: Timestamp,
    /// When it is published.
    pub published_at: Timestamp,
    /// Whether it is forgotten when the store is opened again.
    pub volatile: bool,
    /// The event, encoded; the store does not look into it.
    pub record: Bytes,
}

/// What an operation on the log did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogOutcome {
    /// Of [`LogOp::Append`].
    Appended {
        /// The record's place in the log, from 1, rising. A backend may leave gaps.
        sequence: u64,
        /// Whether it was there already.
        duplicate: bool,
    },
    /// Of [`LogOp::Expire`].
    Expired {
        /// How many records are gone.
        removed: usize,
    },
}

/// A record of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub sequence: u64,
    /// Its topic.
    pub topic: Arc<str>,
    /// When it was published.
    pub published_at: Timestamp,
    /// The event, encoded.
    pub record: Bytes,
}

/// A question for records.
#[derive(Debug, Clone)]
pub struct ReadLog {
    /// Only records after this sequence; 0 for all.
    pub after: u64,
    /// Only records of these topics; `None` for all.
    pub topics: Option<Pattern>,
    /// At most so many; cut to [`Limits::list_page`](crate::Limits::list_page).
    pub limit: usize,
}

/// Records in the order of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogPage {
    /// The records: fewer than asked for also when their bytes reach [`Limits::read_bytes`](crate::Limits).
    pub records: Vec<Record>,
    /// Sequences of those that do not match their checksums, and so are not among `records`: whoever has to act on
    /// each record learns of them here. [`log_get`](crate::Backend::log_get) names what is wrong.
    pub rotten: Vec<u64>,
    /// Everything up to here was looked at: read on `after` it. Never before the question's own `after`.
    pub scanned: u64,
    /// Whether more is known to follow.
    pub more: bool,
}

/// A topic, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicUsage {
    /// Its name.
    pub topic: Arc<str>,
    /// How many records are kept.
    pub records: u64,
    /// Bytes of the records that are kept.
    pub bytes: u64,
    /// How many were ever appended.
    pub appended: u64,
    /// The newest record's sequence; 0 when none is kept.
    pub last_sequence: u64,
    /// When the last one was published, also when it is not kept any more.
    pub last_published_at: Timestamp,
}

// === impl LogOp ===

impl LogOp {
    pub(crate) fn bytes(&self) -> usize {
        match self {
            LogOp::Append(append) => append.topic.len() + append.source.len() + append.id.len() + append.record.len(),
            LogOp::Expire { topic, .. } => topic.len(),
        }
    }
}
