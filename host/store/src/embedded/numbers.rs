//! The numbers that a store gives out: revisions of keys, epochs and tokens; and the places of the log.
//!
//! A number is never given out twice, not after the loss of power either. A durable commit writes the last one with
//! what it numbered. A relaxed commit may be lost after its numbers were seen, so those are set aside durably before,
//! many at a time; what a crash leaves of them is a gap.
//!
//! **Invariant**: on the disk, `revision` and `reserved` are at least the last numbers that anybody was told.

use rusqlite::{Connection, OptionalExtension, Result};

use super::{record::sql, undo::Undo};

/// How many numbers relaxed commits set aside at once: one fsync for so many.
const RESERVE: u64 = 10_000;

/// Fewer are left than a group of relaxed commits may need.
pub(super) const FEW: u64 = RESERVE / 2;

#[derive(Debug)]
pub(super) struct Numbers {
    /// The revision given out last. It never goes back, not even when a batch is refused: a revision that was seen
    /// nowhere harms nobody, one that is used twice does.
    revision: u64,
    end: Undo<LogEnd>,
    /// What the disk is sure to hold.
    durable: Saved,
    /// The newest sequence that the database holds.
    saved_head: u64,
}

/// Where the log ends. A refused batch leaves no gap, since nobody saw its sequences.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct LogEnd {
    /// The newest record's sequence, or the last one's that there was.
    head: u64,
    /// The sequence given out last; beyond `head` after a crash.
    given: u64,
    /// The latest moment at which a record was published.
    latest_at: i64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Saved {
    revision: u64,
    sequence: u64,
}

// === impl Numbers ===

impl Numbers {
    pub(super) fn load(conn: &Connection) -> Result<Self> {
        let meta = |name: &str| {
            conn.query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get::<_, i64>(0))
                .map(i64::cast_unsigned)
        };
        let latest = "SELECT latest_at FROM log ORDER BY sequence DESC LIMIT 1";
        let latest_at = conn.query_row(latest, [], |row| row.get(0)).optional()?.unwrap_or(0);
        let (revision, head) = (meta("revision")?, meta("sequence")?);
        let given = head.max(meta("reserved")?);
        let end = Undo::new(LogEnd { head, given, latest_at });
        let durable = Saved { revision, sequence: given };
        Ok(Self { revision, end, durable, saved_head: head })
    }

    pub(super) fn next_revision(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }

    /// The place of a record that is published at this moment, and the latest moment so far.
    pub(super) fn next_sequence(&mut self, published_at: i64) -> (u64, i64) {
        let end = self.end.get();
        let sequence = end.given + 1;
        let latest_at = end.latest_at.max(published_at);
        self.end.set(LogEnd { head: sequence, given: sequence, latest_at });
        (sequence, latest_at)
    }

    /// The newest record's sequence.
    pub(super) fn head(&self) -> u64 {
        self.end.get().head
    }

    pub(super) fn keep(&mut self) {
        self.end.keep();
    }

    pub(super) fn undo(&mut self) {
        self.end.undo();
    }

    pub(super) fn forget(&mut self) {
        self.end.forget();
    }

    /// Writes what changed, before COMMIT. A relaxed commit writes only where the log ends.
    pub(super) fn flush(&self, conn: &Connection, durable: bool) -> Result<()> {
        let LogEnd { head, given, .. } = self.end.get();
        if head != self.saved_head {
            set(conn, "sequence", head)?;
        }
        if durable && self.revision > self.durable.revision {
            set(conn, "revision", self.revision)?;
        }
        if durable && given > self.durable.sequence {
            set(conn, "reserved", given)?;
        }
        Ok(())
    }

    /// The transaction was committed.
    pub(super) fn committed(&mut self, durable: bool) {
        self.end.committed();
        self.saved_head = self.head();
        if durable {
            self.durable.revision = self.durable.revision.max(self.revision);
            self.durable.sequence = self.durable.sequence.max(self.end.get().given);
        }
    }

    /// How many more numbers relaxed commits may give out.
    pub(super) fn left(&self) -> u64 {
        let revisions = self.durable.revision.saturating_sub(self.revision);
        revisions.min(self.durable.sequence.saturating_sub(self.end.get().given))
    }

    /// Sets numbers aside, in a durable transaction of its own.
    pub(super) fn reserve(&mut self, conn: &Connection) -> Result<()> {
        let saved = Saved { revision: self.revision + RESERVE, sequence: self.end.get().given + RESERVE };
        conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        set(conn, "revision", saved.revision)?;
        set(conn, "reserved", saved.sequence)?;
        conn.prepare_cached("COMMIT")?.execute([])?;
        self.durable = saved;
        Ok(())
    }

    /// At an orderly end, what was set aside and not given out is given back.
    pub(super) fn finish(&mut self, conn: &Connection) -> Result<()> {
        let last = Saved { revision: self.revision, sequence: self.end.get().given };
        if last.revision == self.durable.revision && last.sequence == self.durable.sequence {
            return Ok(());
        }
        conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        set(conn, "revision", last.revision)?;
        set(conn, "reserved", last.sequence)?;
        conn.prepare_cached("COMMIT")?.execute([]).map(drop)
    }
}

fn set(conn: &Connection, name: &str, value: u64) -> Result<()> {
    conn.prepare_cached("UPDATE meta SET value = ?2 WHERE name = ?1")?.execute((name, sql(value))).map(drop)
}
