//! When a file in a watched folder is whole: settled by content, not by a fixed delay.
//!
//! One machine for each file. It is told what the file system's notifications, the periodic scan and its own reads
//! say ([`Fact`]), and answers what to do next ([`Decision`]). Evidence comes in three strengths:
//!
//! - the file was closed after writing, or renamed into place: it is whole, one read at once;
//! - a notification said that it is being written, and no close came: wait for the close, at most
//!   [`QUIET`], then distrust it;
//! - only a scan saw it (network and bind mounts often notify nothing): distrusted, so that it counts when two reads
//!   [`READ_GAP`] apart give the same size and digest.
//!
//! A removal counts when the file is still absent after [`REMOVAL_GRACE`], so that `rm` and `cp` in a row leave no
//! gap.
//!
//! **Invariant**: a read that began before the newest fact about the file never settles it: reads carry a
//! [`Ticket`], and an older one is ignored.

use std::time::{Duration, Instant};

use crate::name::Digest;

/// The time between the two reads of a file about which nothing said that it is whole.
pub const READ_GAP: Duration = Duration::from_millis(50);

/// How long a file that is being written may be quiet before the missing close is given up.
pub const QUIET: Duration = Duration::from_secs(2);

/// How long a file must be absent until it counts as removed.
pub const REMOVAL_GRACE: Duration = Duration::from_millis(100);

/// What `stat` tells of a file: if any of it changed, the content may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The length in bytes.
    pub len: u64,
    /// The last change of the content, in nanoseconds since the epoch.
    pub modified_ns: i128,
    /// The last change of content or attributes, in nanoseconds since the epoch: `cp -p` cannot set it back.
    pub changed_ns: i128,
    /// The inode, which renaming another file into place changes.
    pub inode: u64,
}

/// What one read of the whole file found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// The number of bytes read.
    pub len: u64,
    /// Their digest.
    pub digest: Digest,
    /// The file's fingerprint before the read began, so that a change during the read shows in the next scan.
    pub fingerprint: Fingerprint,
}

/// How a read ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It was read to its end.
    Content(Content),
    /// It is not there.
    Missing,
    /// It is there and cannot be read; the shell keeps the reason.
    Unreadable,
}

/// Something that was learned about the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A notification: created or modified, so a writer may have it open.
    Written,
    /// A notification: closed after it was open for writing.
    Closed,
    /// A notification: another file was renamed to this name.
    RenamedIn,
    /// A notification: deleted, or renamed away.
    Removed,
    /// A scan saw it.
    Seen(Fingerprint),
    /// A scan did not see it.
    Absent,
    /// A read that [`Decision::Read`] asked for came back.
    Looked(Ticket, Look),
}

/// Names one read, so that its answer counts only while the question stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing until the deadline or the next fact.
    Wait,
    /// Read the file and record [`Fact::Looked`] with this ticket.
    Read(Ticket),
    /// The file is whole and this is its content; said once for each time it settles.
    Settled(Content),
    /// The file cannot be read; tried again at each scan.
    Unreadable,
    /// The file is gone.
    Gone,
}

/// The machine of one file.
#[derive(Debug)]
pub struct Settle {
    state: State,
    /// What was decided last: tells a scan's news from a repetition.
    known: Known,
    /// What the latest scan saw.
    seen: Option<Fingerprint>,
    last_ticket: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Idle,
    Writing { quiet_since: Instant },
    Due { at: Instant, evidence: Evidence },
    Reading { ticket: Ticket, evidence: Evidence },
    Decided(Decision),
}

/// Why a read is made, which says what its result is worth.
#[derive(Clone, Copy, Debug)]
enum Evidence {
    Whole,
    Unsure { first: Option<Content> },
    Absent { since: Instant },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Gone,
    Unreadable,
    Settled(Fingerprint),
}

// === impl Settle ===

impl Default for Settle {
    fn default() -> Self {
        Self { state: State::Idle, known: Known::Gone, seen: None, last_ticket: 0 }
    }
}

impl Settle {
    /// Takes in a fact. Call [`poll`](Self::poll) afterwards until it answers [`Decision::Wait`].
    pub fn record(&mut self, now: Instant, fact: Fact) {
        match fact {
            Fact::Written => self.state = State::Writing { quiet_since: now },
            Fact::Closed | Fact::RenamedIn => self.state = State::Due { at: now, evidence: Evidence::Whole },
            Fact::Removed | Fact::Absent => self.on_absent(now),
            Fact::Seen(fingerprint) => self.on_seen(now, fingerprint),
            Fact::Looked(ticket, look) => self.on_look(now, ticket, look),
        }
    }

    /// What to do now.
    pub fn poll(&mut self, now: Instant) -> Decision {
        if let State::Writing { quiet_since } = self.state
            && now >= quiet_since + QUIET
        {
            self.state = State::Due { at: now, evidence: Evidence::Unsure { first: None } };
        }
        match self.state {
            State::Decided(decision) => {
                self.state = State::Idle;
                decision
            }
            State::Due { at, evidence } if now >= at => {
                self.last_ticket += 1;
                let ticket = Ticket(self.last_ticket);
                self.state = State::Reading { ticket, evidence };
                Decision::Read(ticket)
            }
            _ => Decision::Wait,
        }
    }

    /// When [`poll`](Self::poll) has something to say without a further fact.
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Writing { quiet_since } => Some(quiet_since + QUIET),
            State::Due { at, .. } => Some(at),
            State::Idle | State::Reading { .. } | State::Decided(_) => None,
        }
    }

    /// Whether the file is gone and nothing is under way, so that the machine can be let go.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Idle) && self.known == Known::Gone
    }

    /// Whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    fn on_absent(&mut self, now: Instant) {
        let absence_is_known = match self.state {
            State::Due { evidence, .. } | State::Reading { evidence, .. } => {
                matches!(evidence, Evidence::Absent { .. })
            }
            State::Idle => self.known == Known::Gone,
            State::Writing { .. } | State::Decided(_) => false,
        };
        if !absence_is_known {
            self.state = State::Due { at: now + REMOVAL_GRACE, evidence: Evidence::Absent { since: now } };
        }
    }

    fn on_seen(&mut self, now: Instant, fingerprint: Fingerprint) {
        let moved = self.seen.replace(fingerprint) != Some(fingerprint);
        let unsure = State::Due { at: now, evidence: Evidence::Unsure { first: None } };
        match &mut self.state {
            State::Idle if self.known != Known::Settled(fingerprint) => self.state = unsure,
            // It grows although nothing says so: a writer without notifications.
            State::Writing { quiet_since } if moved => *quiet_since = now,
            State::Due { evidence: Evidence::Absent { .. }, .. }
            | State::Reading { evidence: Evidence::Absent { .. }, .. } => self.state = unsure,
            _ => {}
        }
    }

    fn on_look(&mut self, now: Instant, ticket: Ticket, look: Look) {
        let State::Reading { ticket: current, evidence } = self.state else { return };
        if current != ticket {
            return;
        }
        self.state = match (look, evidence) {
            (Look::Content(content), Evidence::Whole) => self.settle(content),
            (Look::Content(content), Evidence::Unsure { first: Some(first) }) if same(first, content) => {
                self.settle(content)
            }
            (Look::Content(content), _) => {
                State::Due { at: now + READ_GAP, evidence: Evidence::Unsure { first: Some(content) } }
            }
            (Look::Missing, Evidence::Absent { since }) if now >= since + REMOVAL_GRACE => {
                self.known = Known::Gone;
                self.seen = None;
                State::Decided(Decision::Gone)
            }
            (Look::Missing, Evidence::Absent { since }) => {
                State::Due { at: since + REMOVAL_GRACE, evidence: Evidence::Absent { since } }
            }
            (Look::Missing, _) => State::Due { at: now + REMOVAL_GRACE, evidence: Evidence::Absent { since: now } },
            (Look::Unreadable, _) => {
                self.known = Known::Unreadable;
                State::Decided(Decision::Unreadable)
            }
        };
    }

    fn settle(&mut self, content: Content) -> State {
        self.known = Known::Settled(content.fingerprint);
        State::Decided(Decision::Settled(content))
    }
}

fn same(a: Content, b: Content) -> bool {
    (a.len, a.digest) == (b.len, b.digest)
}

#[cfg(test)]
mod tests;
