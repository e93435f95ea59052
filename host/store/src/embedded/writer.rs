//! The one thread that writes, with group commit.
//!
//! All batches that arrived while the last fsync ran go into one transaction and share the next fsync. Nobody is
//! made to wait for a group to fill: a lone batch is committed at once.
//!
//! **Invariant**: an answer is sent after COMMIT and after the cache knows; refusals too, since a batch may have
//! been refused for what another batch of the same group wrote.
//! **Invariant**: after a failure that leaves durability unknown, nothing is written any more.

use std::sync::Arc;

use rusqlite::{Connection, Result};
use tokio::sync::oneshot;

use super::{
    Shared,
    apply::{Applied, Work},
    checkpoint::WriterSide,
    queue::Queue,
    usage::Usage,
};
use crate::{Batch, Committed, StoreError};

/// A batch that waits, and who waits for it.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) batch: Batch,
    pub(super) answer: oneshot::Sender<Result<Committed, StoreError>>,
}

#[derive(Debug)]
pub(super) struct Writer {
    conn: Connection,
    usage: Usage,
    revision: u64,
    log: WriterSide,
    shared: Arc<Shared>,
}

type Answers = Vec<Result<Applied, StoreError>>;

// === impl Writer ===

impl Writer {
    pub(super) fn new(conn: Connection, revision: u64, log: WriterSide, shared: Arc<Shared>) -> Self {
        Self { conn, usage: Usage::default(), revision, log, shared }
    }

    /// Commits until the queue is closed and empty.
    pub(super) fn run(mut self, commits: &Queue<Waiting>) {
        while let Some(group) = commits.take_all() {
            self.commit(group);
        }
        if self.shared.failure.check().is_ok() {
            self.log.finish(&self.conn, &self.shared);
        }
    }

    fn commit(&mut self, mut group: Vec<Waiting>) {
        let answers = match self.shared.failure.check().and_then(|()| self.try_commit(&group)) {
            Ok(answers) => answers,
            // SQLite gives up the whole transaction for one batch that finds no room. Halving the group finds it,
            // and lets through those that need none: deletes are the way out of a full disk.
            Err(StoreError::Full) if group.len() > 1 => {
                let rest = group.split_off(group.len() / 2);
                self.commit(group);
                return self.commit(rest);
            }
            Err(error) => group.iter().map(|_| Err(error.clone())).collect(),
        };
        for (waiting, answer) in group.into_iter().zip(answers) {
            self.answer(waiting, answer);
        }
        self.log.tend(&self.conn, &self.shared);
    }

    fn try_commit(&mut self, group: &[Waiting]) -> Result<Answers, StoreError> {
        self.transact(group).map_err(|error| {
            let answer = self.shared.failure.judge("cannot commit", &error);
            self.abandon();
            answer
        })
    }

    fn transact(&mut self, group: &[Waiting]) -> Result<Answers> {
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut work = Work {
            conn: &self.conn,
            usage: &mut self.usage,
            revision: &mut self.revision,
            limits: &self.shared.limits,
        };
        let answers = group.iter().map(|waiting| work.apply(&waiting.batch)).collect::<Result<Answers>>()?;
        let wrote = answers.iter().any(Result::is_ok);
        if wrote {
            self.usage.flush(&self.conn)?;
            self.conn
                .prepare_cached("UPDATE meta SET value = ?1 WHERE name = 'revision'")?
                .execute([self.revision.cast_signed()])?;
        }
        #[cfg(test)]
        self.shared.fault()?;
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        self.shared.counters.transactions.add(u64::from(wrote));
        Ok(answers)
    }

    /// Leaves a transaction that cannot be committed.
    fn abandon(&mut self) {
        self.usage.forget();
        // SQLite may have rolled back by itself. Where it did not and cannot, going on would commit the remains.
        if !self.conn.is_autocommit()
            && let Err(error) = self.conn.execute_batch("ROLLBACK")
        {
            self.shared.failure.fail(&format!("cannot roll back: {error}"));
        }
    }

    fn answer(&self, waiting: Waiting, answer: Result<Applied, StoreError>) {
        let answer = match answer {
            Ok(applied) => {
                for (key, slot) in applied.changes {
                    self.shared.cache.publish(key, slot);
                }
                self.shared.counters.commits.add(1);
                Ok(applied.committed)
            }
            Err(error) => {
                self.shared.counters.refused.add(1);
                Err(error)
            }
        };
        // Err means that the caller stopped waiting; the commit stands.
        let _ = waiting.answer.send(answer);
    }
}
