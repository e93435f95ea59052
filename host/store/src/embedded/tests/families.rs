//! Random batches of all families against a model that does the same in the obvious way.
//!
//! The model is told what the store answered where the store is free to choose (epochs and tokens of owners), and
//! predicts everything else: outcomes, refusals, and what can be read afterwards.

mod actions;
mod cursors;
mod log;
mod others;
mod queues;

use proptest::{collection::vec, prelude::*};
use switchyard_core::timestamp::Timestamp;

use super::*;
use crate::{Committed, Op, Outcome};
use actions::{Action, action};

const TOPICS: [&str; 3] = ["a.x", "a.y", "b"];
const CURSORS: [&str; 2] = ["s1", "s2"];
const QUEUES: [&str; 2] = ["q1", "q2"];

#[derive(Debug, Clone)]
enum Step {
    /// So much later, or a little earlier, these two batches at once.
    Commit {
        later: i64,
        actions: [Vec<Action>; 2],
        relaxed: [bool; 2],
    },
    Reopen,
}

/// Everything that the store should hold.
#[derive(Debug, Clone)]
struct Model {
    now: Timestamp,
    /// The latest moment that there was.
    latest: Timestamp,
    log: log::Log,
    cursors: cursors::Cursors,
    queues: queues::Queues,
    others: others::Others,
    /// Makes ids and tokens that were never used.
    fresh: u64,
}

fn step() -> impl Strategy<Value = Step> {
    let later = prop_oneof![6 => 0..300_i64, 1 => 5_000..20_000_i64, 1 => -50..0_i64];
    let relaxed = || prop::bool::weighted(0.2);
    let commit = (later, [vec(action(), 1..5), vec(action(), 0..5)], [relaxed(), relaxed()]);
    prop_oneof![
        20 => commit.prop_map(|(later, actions, relaxed)| Step::Commit { later, actions, relaxed }),
        1 => Just(Step::Reopen),
    ]
}

// === impl Model ===

impl Model {
    fn new() -> Self {
        Self {
            now: Timestamp(1_000_000),
            latest: Timestamp(1_000_000),
            log: log::Log::default(),
            cursors: cursors::Cursors::default(),
            queues: queues::Queues::default(),
            others: others::Others::default(),
            fresh: 0,
        }
    }

    /// Applies an operation that was answered so, or that was refused with its batch; `None` when it has to be
    /// refused.
    fn apply(&mut self, op: &Op, outcome: Option<&Outcome>) -> Option<()> {
        let expected = match op {
            Op::Log(op) => Outcome::Log(self.log.apply(op)),
            Op::Cursor(op) => Outcome::Cursor(self.cursors.apply(op, &self.log, outcome)?),
            Op::Queue(op) => Outcome::Queue(self.queues.apply(op)?),
            Op::Owner(op) => Outcome::Owner(self.others.apply_owner(op, outcome)?),
            Op::Dead(op) => self.others.apply_dead(op)?,
            Op::Timer(op) => self.others.apply_timer(op)?,
            Op::Kv(_) => unreachable!("keys have a model of their own"),
        };
        if let Some(outcome) = outcome {
            assert_eq!(*outcome, expected, "{op:?}");
        }
        Some(())
    }

    fn apply_all(&self, batch: &Batch, outcomes: Option<&[Outcome]>) -> Option<Self> {
        let mut model = self.clone();
        for (index, op) in batch.ops().iter().enumerate() {
            model.apply(op, outcomes.map(|outcomes| &outcomes[index]))?;
        }
        Some(model)
    }

    fn batch(&mut self, actions: &[Action]) -> Batch {
        actions.iter().fold(Batch::new(), |batch, action| batch.with(self.op(action)))
    }

    /// What there is after a commit was answered so.
    fn after(self, batch: &Batch, result: Result<Committed, StoreError>) -> Self {
        match result {
            Ok(committed) => {
                let applied = self.apply_all(batch, Some(&committed.outcomes));
                applied.unwrap_or_else(|| unreachable!("the model refuses {batch:?}"))
            }
            Err(error) => {
                assert!(self.apply_all(batch, None).is_none(), "the model takes {batch:?}: {error}");
                self
            }
        }
    }

    fn reopen(&mut self) {
        self.log.reopen();
        self.queues.reopen();
    }

    async fn compare(&self, store: &Embedded) {
        self.log.compare(store).await;
        self.cursors.compare(store).await;
        self.queues.compare(store, self.now).await;
        self.others.compare(store).await;
    }
}

async fn run(steps: Vec<Step>) {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path());
    options.limits.reason_bytes = 4;
    let mut store = Embedded::open(options.clone()).unwrap();
    let mut model = Model::new();
    for step in steps {
        match step {
            Step::Reopen => {
                drop(store);
                store = Embedded::open(options.clone()).unwrap();
                model.reopen();
            }
            Step::Commit { later, actions, relaxed } => {
                model.now = Timestamp(model.now.0.saturating_add_signed(later));
                model.latest = model.latest.max(model.now);
                let [first, second] = actions.map(|actions| model.batch(&actions));
                let first = if relaxed[0] { first.relaxed() } else { first };
                let second = if relaxed[1] { second.relaxed() } else { second };
                // Polled in this order, so they are applied in this order, and mostly in one transaction.
                let results = tokio::join!(biased; store.commit(first.clone()), store.commit(second.clone()));
                for (batch, result) in [(first, results.0), (second, results.1)] {
                    model = model.after(&batch, result);
                }
            }
        }
        model.compare(&store).await;
    }
    drop(store);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn store_does_what_the_model_does(steps in vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(steps));
    }
}
