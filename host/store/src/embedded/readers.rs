//! The threads that read from disk.
//!
//! Threads of the store's own, rather than the runtime's blocking pool: each keeps a connection with its prepared
//! statements and page cache, and reads cannot be starved by whatever else blocks.

use std::{fmt, sync::Arc};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::queue::{Queue, Refused};
use crate::StoreError;

/// A read: it sends its own answer.
pub(super) type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The way to the reader threads.
#[derive(Clone)]
pub(super) struct Readers {
    jobs: Arc<Queue<Job>>,
}

// === impl Readers ===

impl Readers {
    pub(super) fn new(waiting_max: usize) -> Self {
        Self { jobs: Arc::new(Queue::new(waiting_max, usize::MAX)) }
    }

    /// Runs a read on one of the threads.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (send, receive) = oneshot::channel();
        let job: Job = Box::new(move |conn| {
            // A caller that is gone needs no answer and no work.
            if !send.is_closed() {
                let _ = send.send(read(conn));
            }
        });
        self.jobs.push(job, 0)?;
        receive.await.unwrap_or(Err(StoreError::Closed))
    }

    /// A reader thread.
    pub(super) fn run(&self, conn: &Connection) {
        while let Some(job) = self.jobs.take() {
            job(conn);
        }
    }

    /// Takes no more reads; those that wait are still done.
    pub(super) fn close(&self) {
        self.jobs.close();
    }

    /// Takes no more reads and drops those that wait.
    pub(super) fn abandon(&self) {
        self.jobs.close();
        while self.jobs.take().is_some() {}
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("waiting", &self.jobs.len()).finish()
    }
}

// === errors ===

impl From<Refused> for StoreError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Busy => StoreError::Busy,
            Refused::Closed => StoreError::Closed,
        }
    }
}

/// The error of a read that failed.
pub(super) fn read_error(source: rusqlite::Error) -> StoreError {
    StoreError::Read { source: Arc::new(source) }
}
