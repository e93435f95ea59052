//! What the writer keeps in memory of the database, and how it follows refused batches and lost transactions.

use rusqlite::{Connection, Result};

use super::{
    mirror::Mirror,
    numbers::Numbers,
    rows::{bucket::Bucket, cursor::Place, queue::Queue, topic::Topic},
    undo::Undo,
};

#[derive(Debug)]
pub(super) struct State {
    pub(super) numbers: Numbers,
    pub(super) buckets: Mirror<Bucket>,
    pub(super) topics: Mirror<Topic>,
    pub(super) cursors: Mirror<Place>,
    pub(super) queues: Mirror<Queue>,
    pub(super) forgotten: Undo<Forgotten>,
}

/// What is known of the records that were expired before their deduplication ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Forgotten {
    /// The latest moment since when an append asked for duplicates: what is older is a duplicate of nothing.
    pub(super) horizon: i64,
    /// When the first of them was published, or an earlier moment; `None` when there is none.
    pub(super) oldest_at: Option<i64>,
}

// === impl State ===

impl State {
    pub(super) fn load(conn: &Connection) -> Result<Self> {
        Ok(Self {
            numbers: Numbers::load(conn)?,
            buckets: Mirror::default(),
            topics: Mirror::default(),
            cursors: Mirror::default(),
            queues: Mirror::default(),
            forgotten: Undo::new(Forgotten::load(conn)?),
        })
    }

    /// The present batch stays.
    pub(super) fn keep(&mut self) {
        self.numbers.keep();
        self.buckets.keep();
        self.topics.keep();
        self.cursors.keep();
        self.queues.keep();
        self.forgotten.keep();
    }

    /// The present batch was refused.
    pub(super) fn undo(&mut self) {
        self.numbers.undo();
        self.buckets.undo();
        self.topics.undo();
        self.cursors.undo();
        self.queues.undo();
        self.forgotten.undo();
    }

    /// Writes what changed, before COMMIT.
    pub(super) fn flush(&mut self, conn: &Connection, durable: bool) -> Result<()> {
        self.numbers.flush(conn, durable)?;
        self.buckets.flush(conn)?;
        self.topics.flush(conn)?;
        self.cursors.flush(conn)?;
        self.queues.flush(conn)
    }

    /// The transaction was committed.
    pub(super) fn committed(&mut self, durable: bool) {
        self.numbers.committed(durable);
        self.forgotten.committed();
    }

    /// The transaction was rolled back.
    pub(super) fn forget(&mut self) {
        self.numbers.forget();
        self.buckets.forget();
        self.topics.forget();
        self.cursors.forget();
        self.queues.forget();
        self.forgotten.forget();
    }
}

// === impl Forgotten ===

impl Forgotten {
    fn load(conn: &Connection) -> Result<Self> {
        let first = "SELECT (SELECT published_at FROM forgotten ORDER BY sequence LIMIT 1)";
        let oldest_at = conn.query_row(first, [], |row| row.get(0))?;
        Ok(Self { horizon: 0, oldest_at })
    }
}
