//! Calls, counted by role and by how they ended.

use std::sync::atomic::Ordering::Relaxed;

use tokio::time::Instant;

use super::Usage;
use crate::error::GuestError;

/// The roles, as [`CallRole`] has them.
pub(super) const ROLES: [&str; 7] =
    ["http", "http-middleware", "authenticator", "event", "event-middleware", "message", "command"];

/// How calls end, as [`Outcome`] has it.
pub(super) const OUTCOMES: [&str; 7] =
    ["ok", "failed", "timeout", "refused", "cancelled", "request-incomplete", "not-loaded"];

/// In which role a guest is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallRole {
    Http,
    HttpMiddleware,
    Authenticator,
    Event,
    EventMiddleware,
    Message,
    Command,
}

#[derive(Clone, Copy)]
enum Outcome {
    /// The guest has answered, whatever it said.
    Ok,
    /// It trapped, or ran out of something.
    Failed,
    TimedOut,
    /// Never let in: there was no room.
    Refused,
    /// Whoever had called went away.
    Cancelled,
    /// The caller did not send all of its request.
    Incomplete,
    /// There is no code for it, or no such export.
    NotLoaded,
}

/// A call that is under way; it has been cancelled if this is dropped before its end.
pub(crate) struct Counting<'a> {
    usage: &'a Usage,
    role: CallRole,
    began: Instant,
    outcome: Outcome,
}

// === impl Counting ===

impl<'a> Counting<'a> {
    pub(crate) fn begin(usage: &'a Usage, role: CallRole, began: Instant) -> Self {
        Self { usage, role, began, outcome: Outcome::Cancelled }
    }

    /// It has ended like this.
    pub(crate) fn end<T>(mut self, result: &Result<T, GuestError>) {
        self.outcome = match result {
            Ok(_) => Outcome::Ok,
            Err(error) => Outcome::of(error),
        };
    }
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        self.usage.calls[self.role as usize][self.outcome as usize].fetch_add(1, Relaxed);
        self.usage.durations.record(self.began.elapsed());
    }
}

// === impl Outcome ===

impl Outcome {
    fn of(error: &GuestError) -> Self {
        match error {
            GuestError::Busy { .. } => Self::Refused,
            GuestError::TimedOut { .. } => Self::TimedOut,
            GuestError::Failed { .. } => Self::Failed,
            GuestError::Shared { cause, .. } => Self::of(cause),
            GuestError::Body(_) => Self::Incomplete,
            GuestError::NotExported { .. } | GuestError::Unloadable { .. } => Self::NotLoaded,
        }
    }
}
