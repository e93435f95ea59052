//! Moving the write-ahead log into the database, off the commit path.
//!
//! A checkpoint costs two fsyncs and many writes, which would be the 99th percentile of every commit. So a thread
//! with a connection of its own copies the log (PASSIVE) while commits go on. What is appended meanwhile keeps
//! the log from starting over, so when that is so the writer copies the short rest itself between two groups;
//! the next commit then writes at the log's start again, into space that the file has already.
//!
//! The log starts over only when no reader looks at it. If it never does, the log grows to `log_bytes_max`, and
//! then the writer waits a moment for the readers and truncates it. Should a reader hold on for longer, the log may
//! grow by a quarter of the cap before the next try.

use std::{
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use rusqlite::{Connection, Result, hooks::Wal};

use super::{Shared, failure::Verdict, schema::BUSY_TIMEOUT};

/// How long commits wait for readers that keep the log from being truncated. A reader of all there is, as for a
/// backup, is not worth more.
const TRUNCATE_WAIT: Duration = Duration::from_millis(50);

/// How the log is kept short.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogLimits {
    /// The log's bytes that start a checkpoint.
    pub(super) checkpoint_bytes: u64,
    /// The log's bytes at which commits wait for it.
    pub(super) log_bytes_max: u64,
}

/// What writer and checkpointer tell each other.
#[derive(Debug, Default)]
pub(super) struct Signals {
    wake: Mutex<Wake>,
    woken: Condvar,
    /// A checkpoint ended: if the log does not start over now, the writer copies the rest. The checkpointer
    /// cannot tell, since it sees only what was in the log when it began.
    ended: AtomicBool,
    /// Held while a checkpoint runs: SQLite does not wait for another's checkpoint but gives up.
    running: Mutex<()>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Wake {
    #[default]
    Sleep,
    Checkpoint,
    Stop,
}

/// The writer's half.
#[derive(Debug)]
pub(super) struct WriterSide {
    limits: LogLimits,
    /// Where the next checkpoint is due. It moves on while the log cannot start over, else each commit would ask.
    checkpoint_at_bytes: u64,
    /// Where the next truncation is tried.
    truncate_at_bytes: u64,
    signals: Arc<Signals>,
}

// === impl Signals ===

impl Signals {
    fn set(&self, wake: Wake) {
        let mut now = self.wake.lock().unwrap_or_else(PoisonError::into_inner);
        if *now != Wake::Stop && *now != wake {
            *now = wake;
            self.woken.notify_one();
        }
    }

    /// Waits for a checkpoint to be due; `false` to stop.
    fn wait(&self) -> bool {
        let now = self.wake.lock().unwrap_or_else(PoisonError::into_inner);
        let mut now = self.woken.wait_while(now, |now| *now == Wake::Sleep).unwrap_or_else(PoisonError::into_inner);
        let go_on = *now == Wake::Checkpoint;
        if go_on {
            *now = Wake::Sleep;
        }
        go_on
    }

    /// Ends the checkpointer.
    pub(super) fn stop(&self) {
        self.set(Wake::Stop);
    }
}

// === impl WriterSide ===

impl WriterSide {
    pub(super) fn new(limits: LogLimits, signals: Arc<Signals>) -> Self {
        let LogLimits { checkpoint_bytes, log_bytes_max } = limits;
        Self { limits, checkpoint_at_bytes: checkpoint_bytes, truncate_at_bytes: log_bytes_max, signals }
    }

    /// Called after each group.
    pub(super) fn tend(&mut self, conn: &Connection, shared: &Shared) {
        let log_bytes = shared.log_bytes.load(Relaxed);
        let checkpoint_ended = self.signals.ended.swap(false, Relaxed);
        if shared.failure.check().is_err() {
            return;
        }
        if log_bytes < self.limits.checkpoint_bytes {
            self.checkpoint_at_bytes = self.limits.checkpoint_bytes;
            self.truncate_at_bytes = self.limits.log_bytes_max;
        } else if log_bytes >= self.truncate_at_bytes {
            // Whether it worked shows in the length after the next commit.
            self.truncate_at_bytes = log_bytes + self.limits.log_bytes_max / 4;
            self.truncate(conn, shared);
        } else if checkpoint_ended {
            self.checkpoint_now(conn, shared, "PASSIVE");
        } else if log_bytes >= self.checkpoint_at_bytes {
            self.checkpoint_at_bytes = log_bytes + self.limits.checkpoint_bytes / 4;
            self.signals.set(Wake::Checkpoint);
        }
    }

    /// Called at the end: what is in the log goes into the database.
    pub(super) fn finish(&self, conn: &Connection, shared: &Shared) {
        self.checkpoint_now(conn, shared, "TRUNCATE");
    }

    fn truncate(&self, conn: &Connection, shared: &Shared) {
        let waits = |time| conn.busy_timeout(time).is_ok();
        if waits(TRUNCATE_WAIT) {
            self.checkpoint_now(conn, shared, "TRUNCATE");
            waits(BUSY_TIMEOUT);
        }
    }

    fn checkpoint_now(&self, conn: &Connection, shared: &Shared, mode: &str) {
        shared.counters.checkpoints_by_writer.add(1);
        checkpoint(conn, &self.signals, shared, mode);
    }
}

/// The checkpointer's thread.
pub(super) fn run(conn: &Connection, signals: &Signals, shared: &Shared) {
    while signals.wait() {
        if shared.failure.check().is_ok() {
            shared.counters.checkpoints.add(1);
            checkpoint(conn, signals, shared, "PASSIVE");
            signals.ended.store(true, Relaxed);
            // A disk runs full by what is written, so this is when to look.
            shared.disk.free_bytes();
        }
    }
}

/// Reports the log's length after each commit of the connection.
pub(super) fn measure(conn: &mut Connection, log_bytes: Arc<AtomicU64>) -> Result<()> {
    let page_bytes: i64 = conn.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    conn.wal_hook(Some(move |_: &mut Wal, pages: i32| {
        log_bytes.store((i64::from(pages) * page_bytes).cast_unsigned(), Relaxed);
        Ok(())
    }))
}

fn checkpoint(conn: &Connection, signals: &Signals, shared: &Shared, mode: &str) {
    let _running = signals.running.lock().unwrap_or_else(PoisonError::into_inner);
    let result = conn
        .prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))
        .and_then(|mut statement| statement.query_row([], |_| Ok(())));
    match result {
        Ok(()) => {}
        // The log keeps what was committed, so a checkpoint without room is only put off.
        Err(error) if Verdict::of(&error) != Verdict::Fatal => tracing::warn!(%error, mode, "checkpoint put off"),
        Err(error) => drop(shared.failure.judge("cannot checkpoint", &error)),
    }
}
