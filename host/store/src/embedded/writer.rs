//! The one thread that writes, with group commit.
//!
//! All batches that arrived while the last fsync ran go into one transaction and share the next fsync. Nobody is
//! made to wait for a group to fill: a lone batch is committed at once.
//!
//! **Invariant**: an answer is sent after COMMIT and after the cache knows; refusals too, since a batch may have
//! been refused for what another batch of the same group wrote.
//! **Invariant**: after a failure that leaves durability unknown, nothing is written any more.

use std::{sync::Arc, time::Instant};

use rusqlite::{Connection, Result};
use tokio::sync::oneshot;

use super::{
    Shared,
    apply::{Applied, Ask, Work},
    checkpoint::WriterSide,
    numbers::FEW,
    queue::Queue,
    schema::{self, Rig, Sync},
    state::State,
};
use crate::{Committed, StoreError};

/// What was asked, and who waits for it.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) ask: Ask,
    pub(super) answer: oneshot::Sender<Result<Done, StoreError>>,
}

/// What was done.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) committed: Committed,
    /// The blob that a step was about.
    pub(super) blob: Option<i64>,
}

#[derive(Debug)]
pub(super) struct Writer {
    conn: Connection,
    state: State,
    log: WriterSide,
    shared: Arc<Shared>,
    /// How COMMIT is set up now.
    sync: Sync,
    rig: Rig,
}

type Answers = Vec<Result<Applied, StoreError>>;

// === impl Writer ===

impl Writer {
    pub(super) fn new(conn: Connection, state: State, log: WriterSide, shared: Arc<Shared>, rig: Rig) -> Self {
        shared.notify.tell_head(state.numbers.head());
        Self { conn, state, log, shared, sync: Sync::Full, rig }
    }

    /// Commits until the queue is closed and empty.
    pub(super) fn run(mut self, commits: &Queue<Waiting>) {
        while let Some(group) = commits.take_all() {
            self.commit(group);
        }
        if self.shared.failure.check().is_ok() {
            self.finish();
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
        self.publish(&answers);
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
        let durable = group.iter().any(|waiting| waiting.ask.is_durable());
        if !durable && self.state.numbers.left() < FEW {
            self.reserve()?;
        }
        self.set_sync(if durable { Sync::Full } else { Sync::Relaxed })?;
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let Shared { limits, buckets, .. } = &*self.shared;
        let mut work = Work { conn: &self.conn, state: &mut self.state, limits, buckets };
        let answers = group.iter().map(|waiting| work.apply(&waiting.ask)).collect::<Result<Answers>>()?;
        let wrote = answers.iter().any(Result::is_ok);
        if wrote {
            self.state.flush(&self.conn, durable)?;
        }
        #[cfg(test)]
        self.shared.fault()?;
        let began = Instant::now();
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        if durable && wrote {
            self.shared.counters.syncs.record(began.elapsed());
        }
        self.state.committed(durable && wrote);
        self.shared.counters.transactions.add(u64::from(wrote));
        Ok(answers)
    }

    /// Sets numbers aside for relaxed commits, before they are used.
    fn reserve(&mut self) -> Result<()> {
        self.set_sync(Sync::Full)?;
        self.state.numbers.reserve(&self.conn)
    }

    fn set_sync(&mut self, sync: Sync) -> Result<()> {
        if self.sync != sync {
            schema::set_sync(&self.conn, sync, &self.rig)?;
            self.sync = sync;
        }
        Ok(())
    }

    /// Leaves a transaction that cannot be committed.
    fn abandon(&mut self) {
        self.state.forget();
        // SQLite may have rolled back by itself. Where it did not and cannot, going on would commit the remains.
        if !self.conn.is_autocommit()
            && let Err(error) = self.conn.execute_batch("ROLLBACK")
        {
            self.shared.failure.fail(&format!("cannot roll back: {error}"));
        }
    }

    /// Makes a committed group visible, before any of its callers knows.
    fn publish(&mut self, answers: &Answers) {
        for applied in answers.iter().flatten() {
            for (key, slot) in &applied.effects.keys {
                self.shared.cache.publish(key.clone(), slot.clone());
            }
        }
        self.shared.notify.tell_head(self.state.numbers.head());
        for applied in answers.iter().flatten() {
            self.shared.notify.tell_keys(&applied.effects.keys);
            self.shared.notify.tell_queues(&applied.effects.queues);
        }
    }

    fn answer(&self, waiting: Waiting, answer: Result<Applied, StoreError>) {
        let answer = match answer {
            Ok(applied) => {
                self.shared.counters.commits.add(1);
                Ok(Done { committed: applied.committed, blob: applied.blob })
            }
            Err(error) => {
                self.shared.counters.refused.add(1);
                Err(error)
            }
        };
        // Err means that the caller stopped waiting; the commit stands.
        let _ = waiting.answer.send(answer);
    }

    fn finish(&mut self) {
        let finished = self.set_sync(Sync::Full).and_then(|()| self.state.numbers.finish(&self.conn));
        if let Err(error) = finished {
            // What was set aside stays so; all that was acknowledged is there.
            drop(self.shared.failure.judge("cannot finish", &error));
        }
        self.log.finish(&self.conn, &self.shared);
    }
}
