//! Random batches against a map that does the same in the obvious way.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{KvOutcome, ListKeys, Outcome, RECORD_OVERHEAD_BYTES};

const BUCKETS: [&str; 2] = ["one", "two"];
const KEYS: [&str; 4] = ["a", "ab", "b", ""];
const BUCKET_BYTES: u64 = 200;

/// An operation with what it expects said in words that the model understands.
#[derive(Debug, Clone)]
struct Action {
    bucket: usize,
    key: usize,
    expect: Expected,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum Expected {
    Any,
    Absent,
    /// The revision before the batch.
    Current,
    Wrong,
}

#[derive(Debug, Clone)]
enum What {
    Put(String),
    Delete,
    Increment(i64),
}

#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<Action>),
    Reopen,
}

type Model = BTreeMap<(usize, usize), (u64, Vec<u8>)>;

fn action() -> impl Strategy<Value = Action> {
    let expect = prop_oneof![
        4 => Just(Expected::Any),
        1 => Just(Expected::Absent),
        2 => Just(Expected::Current),
        1 => Just(Expected::Wrong),
    ];
    let what = prop_oneof![
        3 => "[0-9]{0,3}|x{0,120}".prop_map(What::Put),
        2 => Just(What::Delete),
        2 => prop_oneof![-5..5_i64, Just(i64::MAX)].prop_map(What::Increment),
    ];
    (0..BUCKETS.len(), 0..KEYS.len(), expect, what).prop_map(|(bucket, key, expect, what)| Action {
        bucket,
        key,
        expect,
        what,
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![20 => vec(action(), 1..5).prop_map(Step::Commit), 1 => Just(Step::Reopen)]
}

fn expect_of(action: &Action, before: &Model) -> Expect {
    match action.expect {
        Expected::Any => Expect::Any,
        Expected::Absent => Expect::Absent,
        Expected::Wrong => Expect::Revision(u64::MAX >> 1),
        Expected::Current => {
            before.get(&(action.bucket, action.key)).map_or(Expect::Absent, |(revision, _)| Expect::Revision(*revision))
        }
    }
}

fn batch_of(actions: &[Action], before: &Model) -> Batch {
    actions.iter().fold(Batch::new(), |batch, action| {
        let (bucket, key) = (BUCKETS[action.bucket], KEYS[action.key]);
        match &action.what {
            What::Put(value) => batch.put(bucket, key, value.clone(), expect_of(action, before)),
            What::Delete => batch.delete(bucket, key, expect_of(action, before)),
            What::Increment(delta) => batch.increment(bucket, key, *delta),
        }
    })
}

fn bytes(model: &Model, bucket: usize) -> u64 {
    let records = model.iter().filter(|((of, _), _)| *of == bucket);
    records.map(|((_, key), (_, value))| (KEYS[*key].len() + value.len()) as u64 + RECORD_OVERHEAD_BYTES).sum()
}

/// Applies a batch to the model with the revisions that the store gave; `None` when it must be refused.
fn apply(before: &Model, actions: &[Action], outcomes: Option<&[Outcome]>) -> Option<Model> {
    let mut model = before.clone();
    for (index, action) in actions.iter().enumerate() {
        let at = (action.bucket, action.key);
        let current = model.get(&at).cloned();
        // A batch that the store refused has no revisions: one that nobody uses stands in, never expected.
        let outcome = outcomes.map(|outcomes| outcomes[index].clone());
        let revision = match &outcome {
            Some(Outcome::Kv(KvOutcome::Put { revision } | KvOutcome::Incremented { revision, .. })) => *revision,
            _ => u64::MAX,
        };
        let holds = expect_of(action, before).holds(current.as_ref().map(|(revision, _)| *revision));
        let value = match &action.what {
            What::Put(_) | What::Delete if !holds => return None,
            What::Delete => {
                let existed = model.remove(&at).is_some();
                assert!(outcome.is_none_or(|outcome| outcome == Outcome::Kv(KvOutcome::Deleted { existed })));
                continue;
            }
            What::Put(value) => value.clone().into_bytes(),
            What::Increment(delta) => {
                let number = current.as_ref().map_or(Some(0), |(_, v)| String::from_utf8_lossy(v).parse::<i64>().ok());
                let value = number?.checked_add(*delta)?;
                assert!(
                    outcome
                        .is_none_or(|outcome| { outcome == Outcome::Kv(KvOutcome::Incremented { value, revision }) })
                );
                value.to_string().into_bytes()
            }
        };
        let bytes_before = bytes(&model, action.bucket);
        model.insert(at, (revision, value));
        let bytes_after = bytes(&model, action.bucket);
        if bytes_after > BUCKET_BYTES && bytes_after > bytes_before {
            return None;
        }
    }
    Some(model)
}

async fn compare(store: &Embedded, model: &Model) {
    for (bucket, name) in BUCKETS.iter().enumerate() {
        let mut expected: Vec<&str> = model.keys().filter(|(of, _)| *of == bucket).map(|(_, key)| KEYS[*key]).collect();
        expected.sort_unstable();
        let page = store.kv_list(name, ListKeys::default()).await.unwrap();
        assert_eq!(page.keys.iter().map(|key| &**key).collect::<Vec<_>>(), expected);
        for (key, text) in KEYS.iter().enumerate() {
            let entry = store.kv_get(name, text).await.unwrap();
            let entry = entry.map(|entry| (entry.revision, entry.value.to_vec()));
            assert_eq!(entry, model.get(&(bucket, key)).cloned(), "{name} {text}");
            assert_eq!(store.kv_exists(name, text).await.unwrap(), model.contains_key(&(bucket, key)));
        }
        let usage = store.kv_usage(name).await.unwrap().map_or((0, 0), |usage| (usage.entries, usage.bytes));
        assert_eq!(usage, (expected.len() as u64, bytes(model, bucket)), "usage of {name}");
    }
}

async fn run(steps: Vec<Step>, cache_bytes: u64) {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path());
    options.limits.bucket_bytes = BUCKET_BYTES;
    options.limits.cache_bytes = cache_bytes;
    let mut store = Embedded::open(options.clone()).unwrap();
    let mut model = Model::new();
    for step in steps {
        match step {
            Step::Reopen => {
                drop(store);
                store = Embedded::open(options.clone()).unwrap();
            }
            Step::Commit(actions) => match store.commit(batch_of(&actions, &model)).await {
                Ok(committed) => {
                    model = apply(&model, &actions, Some(&committed.outcomes)).expect("the model refuses this batch");
                }
                Err(error) => assert!(apply(&model, &actions, None).is_none(), "the model takes this batch: {error}"),
            },
        }
        compare(&store, &model).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn store_does_what_a_map_does(steps in vec(step(), 1..40), cached in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(steps, if cached { 1 << 20 } else { 0 }));
    }
}
