//! What a connection is doing, noted by its own task and read by the one that watches over all.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU8, AtomicU32, Ordering::Relaxed},
};

use crate::validate::Violation;

/// The notes of one connection of HTTP/1, or of one stream of HTTP/2. Only its own task writes, so that plain relaxed
/// stores do.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    phase: AtomicU8,
    requests: AtomicU32,
    /// Goes round; only compared with itself.
    progress: AtomicU32,
    upload: AtomicU8,
    /// What is wrong with the latest request's body. Nothing comes after it.
    violation: OnceLock<Violation>,
}

/// Where in an exchange a connection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// The first request, or a part of a further one, is awaited.
    #[default]
    Head = 0,
    /// A service works on a response.
    Handling = 1,
    /// A response is on its way.
    Responding = 2,
    /// Nothing is under way.
    Idle = 3,
}

/// What is known of the latest request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Upload {
    /// There is none, or all of it was read.
    Done = 0,
    /// A part of it may still be to come.
    Unread = 1,
    /// It is longer than allowed.
    TooLarge = 2,
    /// Where it ends cannot be said.
    Broken = 3,
}

/// What the watch sees of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) phase: Phase,
    /// How many requests were begun.
    pub(crate) requests: u32,
    /// Changes with every read and write that moved bytes.
    pub(crate) progress: u32,
}

/// Ends the phase [`Phase::Responding`] when dropped.
#[derive(Debug)]
pub(crate) struct Responding(Arc<Activity>);

// === impl Activity ===

impl Activity {
    pub(crate) fn look(&self) -> Seen {
        let phase = match self.phase.load(Relaxed) {
            0 => Phase::Head,
            1 => Phase::Handling,
            2 => Phase::Responding,
            _ => Phase::Idle,
        };
        Seen { phase, requests: self.requests.load(Relaxed), progress: self.progress.load(Relaxed) }
    }

    /// Whether any byte of the awaited request has come.
    pub(super) fn is_silent(&self) -> bool {
        self.progress.load(Relaxed) == 0
    }

    pub(crate) fn upload(&self) -> Upload {
        if self.violation.get().is_some() {
            return Upload::Broken;
        }
        match self.upload.load(Relaxed) {
            0 => Upload::Done,
            1 => Upload::Unread,
            _ => Upload::TooLarge,
        }
    }

    pub(crate) fn set_upload(&self, upload: Upload) {
        self.upload.store(upload as u8, Relaxed);
    }

    /// What is wrong with the latest request's body, if something is.
    pub(crate) fn violation(&self) -> Option<Violation> {
        self.violation.get().copied()
    }

    pub(super) fn break_upload(&self, violation: Violation) {
        self.violation.get_or_init(|| violation);
    }

    /// A part of a request is there; while nothing is under way its head is awaited from now on.
    pub(super) fn arrived(&self) {
        if self.phase.load(Relaxed) == Phase::Idle as u8 {
            self.set(Phase::Head);
        }
    }

    /// Something moved, either way.
    pub(crate) fn moved(&self) {
        self.progress.store(self.progress.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// A request's head is there.
    pub(crate) fn begin(&self, upload: Upload) {
        self.requests.store(self.requests.load(Relaxed).wrapping_add(1), Relaxed);
        self.set_upload(upload);
        self.set(Phase::Handling);
    }

    /// The response's head is there, and its body takes no time worth watching.
    pub(crate) fn finish(&self) {
        self.set(Phase::Idle);
    }

    /// The response's head is there; the guard lives as long as its body.
    pub(crate) fn respond(self: &Arc<Self>) -> Responding {
        self.set(Phase::Responding);
        Responding(Arc::clone(self))
    }

    fn set(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
    }
}

// === impl Upload ===

impl Upload {
    /// Whether the rest of it is not read, whatever it is.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::TooLarge | Self::Broken)
    }
}

// === impl Responding ===

impl Responding {
    /// Notes that a part of the response is on its way.
    pub(crate) fn moved(&self) {
        self.0.moved();
    }

    /// Whether the request's body turned out to be one that is not taken while the response was on its way.
    pub(crate) fn upload_is_over(&self) -> bool {
        self.0.upload().is_over()
    }
}

impl Drop for Responding {
    fn drop(&mut self) {
        self.0.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_begins_a_request_only_while_nothing_is_under_way() {
        let activity = Arc::new(Activity::default());
        assert!(activity.is_silent());
        activity.moved();
        activity.arrived();
        activity.begin(Upload::Unread);
        assert_eq!(activity.look().phase, Phase::Handling);
        let responding = activity.respond();
        activity.arrived();
        assert_eq!(activity.look().phase, Phase::Responding);
        drop(responding);
        assert_eq!(activity.look().phase, Phase::Idle);
        activity.arrived();
        assert_eq!(activity.look(), Seen { phase: Phase::Head, requests: 1, progress: 1 });
    }

    #[test]
    fn a_broken_upload_stays_broken() {
        let activity = Activity::default();
        activity.break_upload(Violation::ChunkSize);
        activity.begin(Upload::Unread);
        assert!(activity.upload() == Upload::Broken && activity.upload().is_over());
        assert_eq!(activity.violation(), Some(Violation::ChunkSize));
    }
}
