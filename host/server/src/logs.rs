//! The latest lines of each service: what its guests write, and what the host says about it.
//!
//! Constraints: at most [`SERVICE_LINES`] lines and [`SERVICE_BYTES`] of one service, and [`HOST_BYTES`] of all of them, so
//! that neither a chatty service pushes out what others said, nor many services fill the memory. A service without lines
//! costs nothing. Nobody who writes waits for who reads: no look at the lines takes more than [`LOOK`] of them, and who
//! follows reads on at their own pace, and is told when they have missed something. A restart forgets all lines: what
//! has to stay goes to standard error as well.

mod following;
mod host_lines;
mod line;
mod ring;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use switchyard_core::{
    name::{Generation, ServiceName},
    timestamp::Timestamp,
};
use switchyard_runtime::ports::{LogLevel, LogLine};
use tokio::sync::watch;

use self::ring::Ring;
pub(crate) use self::{
    following::{FOLLOWERS_MAX, Follower, Place},
    host_lines::HostLines,
    line::{Level, Line, LineView},
};

/// The most lines that are kept of one service.
pub(crate) const SERVICE_LINES: usize = 1_000;

/// The most bytes that are kept of one service.
pub(crate) const SERVICE_BYTES: usize = 512 << 10;

/// The most bytes that are kept of all services.
pub(crate) const HOST_BYTES: usize = 32 << 20;

/// How many lines one look takes at most: writers wait that long.
const LOOK: usize = 4_096;

/// The lines of this host.
pub(crate) struct Logs {
    /// Tells the lines of this process from those before it, whose numbers mean nothing here.
    epoch: u64,
    ring: Mutex<Ring>,
    /// The number of the newest line.
    head: watch::Sender<u64>,
    /// Lines that were dropped since their service wrote too fast.
    dropped: AtomicU64,
    followers: AtomicUsize,
}

/// Which lines are meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Those of this service.
    pub(crate) service: Option<ServiceName>,
    /// Those that are as grave, or graver.
    pub(crate) level: Option<LogLevel>,
}

/// How many lines there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Ever written.
    pub(crate) written: u64,
    /// Dropped, since their service wrote too fast.
    pub(crate) dropped: u64,
    /// Kept now.
    pub(crate) kept: usize,
    /// What those take.
    pub(crate) bytes: usize,
}

// === impl Logs ===

impl Logs {
    /// No lines yet.
    pub(crate) fn new() -> Self {
        let epoch = Timestamp::from(SystemTime::now()).0;
        let (head, dropped, followers) = (watch::channel(0).0, AtomicU64::new(0), AtomicUsize::new(0));
        Self { epoch, ring: Mutex::default(), head, dropped, followers }
    }

    /// Keeps a line; older ones make room for it.
    fn push(&self, line: Line) {
        let number = self.ring().push(line);
        self.head.send_replace(number);
    }

    /// The newest `limit` lines that are meant, the newest first; only those before the line of this number, if one is
    /// named. The second value is whether there are older ones.
    pub(crate) fn page(&self, filter: &Filter, before: Option<u64>, limit: usize) -> (Vec<Arc<Line>>, bool) {
        let (mut found, mut before) = (Vec::new(), before.unwrap_or(u64::MAX));
        loop {
            let looked = self.ring().look_back(filter, &mut before, LOOK);
            found.extend(looked.lines.into_iter().filter(|line| filter.wants(line)));
            if found.len() > limit || looked.is_all {
                let has_more = found.len() > limit;
                found.truncate(limit);
                return (found, has_more);
            }
        }
    }

    /// The id of a line.
    pub(crate) fn id(&self, line: &Line) -> String {
        format!("{}-{}", self.epoch, line.number)
    }

    /// The number of the line that has this id, if it is one. All lines of another process are gone: those are before
    /// the first.
    pub(crate) fn number(&self, id: &str) -> Option<u64> {
        let (epoch, number) = id.split_once('-')?;
        let (epoch, number) = (epoch.parse::<u64>().ok()?, number.parse::<u64>().ok()?);
        Some(if epoch == self.epoch { number } else { 0 })
    }

    /// How many lines there are.
    pub(crate) fn figures(&self) -> Figures {
        let ring = self.ring();
        let (written, kept, bytes) = (ring.newest(), ring.len(), ring.bytes());
        Figures { written, dropped: self.dropped.load(Ordering::Relaxed), kept, bytes }
    }

    /// Ends it: who follows gets what is there, and then the end.
    pub(crate) fn close(&self) {
        self.ring().is_closed = true;
        self.head.send_modify(|_| {});
    }

    /// Nobody panics while holding it, and if so its lines are whole.
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl switchyard_runtime::ports::Logs for Logs {
    fn line(&self, line: LogLine<'_>) {
        self.push(Line::of_guest(line));
    }

    fn dropped(&self, service: &ServiceName, generation: Generation, lines: u64) {
        self.dropped.fetch_add(lines, Ordering::Relaxed);
        let text = format!("{lines} lines were dropped, since it logs too fast (log-rate)");
        self.push(Line::of_host(service.as_str(), Some(generation.0), LogLevel::Warn, text));
    }
}

impl Default for Logs {
    fn default() -> Self {
        Self::new()
    }
}

// === impl Filter ===

impl Filter {
    fn wants(&self, line: &Line) -> bool {
        let is_of = |service: &ServiceName| line.service == service.as_str();
        self.level.is_none_or(|level| line.level >= level) && self.service.as_ref().is_none_or(is_of)
    }
}

#[cfg(test)]
mod tests;
