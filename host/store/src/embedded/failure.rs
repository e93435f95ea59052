//! When to give up: which errors of SQLite leave a store that may go on.
//!
//! A full disk rolls back cleanly. A failed sync does not: the kernel reports it once, marks the pages clean and
//! forgets, so that trying again would succeed without the data being there. Then the only honest thing is to
//! stop and recover from what is on the disk.

use std::sync::Arc;

use rusqlite::ffi;
use tokio::sync::watch;

use crate::StoreError;

/// The first failure, for all threads and all who wait for it.
#[derive(Debug)]
pub(super) struct Failure {
    reason: watch::Sender<Option<Arc<str>>>,
}

/// What an error of SQLite means for the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// No room; nothing was written.
    Full,
    /// Somebody else holds the database; nothing was written.
    Busy,
    /// Nothing can be said of what is durable.
    Fatal,
}

// === impl Failure ===

impl Failure {
    pub(super) fn new() -> Self {
        Self { reason: watch::Sender::new(None) }
    }

    /// Records a failure, unless there was one already, and answers the error for callers.
    pub(super) fn fail(&self, what: &str) -> StoreError {
        let first = self.reason.send_if_modified(|reason| {
            let first = reason.is_none();
            if first {
                *reason = Some(what.into());
            }
            first
        });
        if first {
            tracing::error!(reason = what, "store failed; no commit is taken any more");
        }
        self.check().expect_err("a reason was just set")
    }

    /// Turns an error of the write path into the answer for those it concerns; a fatal one ends the store.
    pub(super) fn judge(&self, what: &str, error: &rusqlite::Error) -> StoreError {
        match Verdict::of(error) {
            Verdict::Full => StoreError::Full,
            Verdict::Busy => StoreError::Busy,
            Verdict::Fatal => self.fail(&format!("{what}: {error}")),
        }
    }

    /// # Errors
    /// [`StoreError::Failed`] once the store has failed.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.reason.borrow().as_ref().map_or(Ok(()), |reason| Err(StoreError::Failed { reason: reason.clone() }))
    }

    /// Waits for the failure.
    pub(super) async fn wait(&self) -> StoreError {
        let mut reason = self.reason.subscribe();
        // The sender lives as long as self does, so waiting cannot end without a reason.
        let _ = reason.wait_for(Option::is_some).await;
        self.check().expect_err("waited for a reason")
    }
}

// === impl Verdict ===

impl Verdict {
    pub(super) fn of(error: &rusqlite::Error) -> Self {
        let Some(code) = error.sqlite_error().map(|error| error.extended_code) else { return Verdict::Fatal };
        match (code, code & 0xff) {
            // The log's index in shared memory could not grow, which happens before anything is written.
            (ffi::SQLITE_IOERR_SHMSIZE, _) | (_, ffi::SQLITE_FULL) => Verdict::Full,
            (_, ffi::SQLITE_BUSY) => Verdict::Busy,
            _ => Verdict::Fatal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: i32, verdict: Verdict) {
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        assert_eq!(Verdict::of(&error), verdict, "{error}");
    }

    #[test]
    fn verdict_tells_a_full_disk_from_a_failed_sync() {
        check(ffi::SQLITE_FULL, Verdict::Full);
        check(ffi::SQLITE_IOERR_SHMSIZE, Verdict::Full);
        check(ffi::SQLITE_BUSY, Verdict::Busy);
        check(ffi::SQLITE_BUSY_SNAPSHOT, Verdict::Busy);
        check(ffi::SQLITE_IOERR_FSYNC, Verdict::Fatal);
        check(ffi::SQLITE_IOERR_WRITE, Verdict::Fatal);
        check(ffi::SQLITE_CORRUPT, Verdict::Fatal);
        check(ffi::SQLITE_NOMEM, Verdict::Fatal);
    }

    #[tokio::test]
    async fn fail_keeps_the_first_reason() {
        let failure = Failure::new();
        failure.fail("first");
        failure.fail("second");
        assert!(failure.wait().await.to_string().ends_with("first"));
    }
}
