//! The operations that the suite makes, with what does not matter filled in.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use switchyard_core::timestamp::Timestamp;

use crate::{
    Append, Backend, Batch, CursorOp, CursorOutcome, CursorStart, DeadLetter, DeadOrigin, Enqueue, Lease, LeaseRef,
    LogOp, LogOutcome, Op, Outcome, OwnerOp, OwnerOutcome, QueueOp, QueueOutcome, ReadLog, Record, Settled, StoreError,
    StoredMessage,
};

pub(super) const WORKS: &str = "a right operation on an open store succeeds";

pub(super) type Store = Arc<dyn Backend>;

/// A moment of the suite's own; its clock starts in 2023.
pub(super) const fn at(ms: u64) -> Timestamp {
    Timestamp(1_700_000_000_000 + ms)
}

/// Commits one operation and answers its outcome.
pub(super) async fn one(store: &Store, op: impl Into<Op>) -> Result<Outcome, StoreError> {
    let mut outcomes = store.commit(Batch::new().with(op)).await?.outcomes;
    assert_eq!(outcomes.len(), 1, "one operation, one outcome");
    Ok(outcomes.remove(0))
}

/// An event that is like no other but by its id, published at that many milliseconds.
pub(super) fn event(topic: &str, id: &str, ms: u64) -> Append {
    Append {
        topic: topic.into(),
        source: "/suite".into(),
        id: id.into(),
        duplicates_since: at(0),
        published_at: at(ms),
        volatile: false,
        record: Bytes::from(format!("{topic} {id}")),
    }
}

/// Appends, and answers the sequence and whether it was a duplicate.
pub(super) async fn append(store: &Store, append: Append) -> (u64, bool) {
    match one(store, LogOp::Append(append)).await.expect(WORKS) {
        Outcome::Log(LogOutcome::Appended { sequence, duplicate }) => (sequence, duplicate),
        other => unreachable!("an append was answered {other:?}"),
    }
}

/// Appends one event for each id, in one batch, and answers their sequences.
pub(super) async fn append_all(store: &Store, topic: &str, ids: impl IntoIterator<Item = String>) -> Vec<u64> {
    let batch = ids.into_iter().fold(Batch::new(), |batch, id| batch.with(LogOp::Append(event(topic, &id, 0))));
    let outcomes = store.commit(batch).await.expect(WORKS).outcomes;
    let sequence = |outcome| match outcome {
        Outcome::Log(LogOutcome::Appended { sequence, duplicate: false }) => sequence,
        other => unreachable!("an append was answered {other:?}"),
    };
    outcomes.into_iter().map(sequence).collect()
}

/// All records of a pattern, page by page.
pub(super) async fn read_all(store: &Store, topics: &str, limit: usize) -> Vec<Record> {
    let topics = Some(topics.parse().expect("the suite's patterns hold"));
    let (mut records, mut after) = (Vec::new(), 0);
    loop {
        let page = store.log_read(ReadLog { after, topics: topics.clone(), limit }).await.expect(WORKS);
        assert!(page.records.len() <= limit, "{} records, asked for {limit}", page.records.len());
        assert!(page.scanned >= after, "{} is before {after}", page.scanned);
        assert!(page.scanned > after || !page.more, "a page that is not the last one goes on");
        records.extend(page.records);
        after = page.scanned;
        if !page.more {
            return records;
        }
    }
}

/// Opens a cursor and answers its epoch and floor.
pub(super) async fn open(store: &Store, name: &str, start: CursorStart) -> (u64, u64) {
    at_place(one(store, CursorOp::Open { name: name.into(), start }).await.expect(WORKS))
}

/// Moves a cursor and answers its epoch and floor.
pub(super) async fn seek(store: &Store, name: &str, to: CursorStart) -> (u64, u64) {
    at_place(one(store, CursorOp::Seek { name: name.into(), to }).await.expect(WORKS))
}

fn at_place(outcome: Outcome) -> (u64, u64) {
    match outcome {
        Outcome::Cursor(CursorOutcome::At { epoch, floor }) => (epoch, floor),
        other => unreachable!("it was answered {other:?}"),
    }
}

/// A settlement of a cursor in its epoch.
pub(super) fn settle(name: &str, epoch: u64, sequence: u64, floor: u64, settled: Settled) -> CursorOp {
    CursorOp::Settle { name: name.into(), epoch, sequence, floor, settled }
}

/// A first failure, due again at that many milliseconds.
pub(super) fn retry(attempts: u32, ms: u64, reason: &str) -> Settled {
    Settled::Retry { attempts, due: at(ms), reason: reason.into() }
}

/// A message of priority 0 that is ready at once.
pub(super) fn message(queue: &str, id: &str, ms: u64) -> Enqueue {
    Enqueue {
        queue: queue.into(),
        id: id.into(),
        data: Bytes::from(id.to_owned()),
        priority: 0,
        enqueued_at: at(ms),
        ready_at: at(ms),
        dedup: None,
        size_max: 1_000,
    }
}

/// Enqueues, and answers the message's id and whether it was a duplicate.
pub(super) async fn enqueue(store: &Store, enqueue: Enqueue) -> (Arc<str>, bool) {
    match one(store, QueueOp::Enqueue(enqueue)).await.expect(WORKS) {
        Outcome::Queue(QueueOutcome::Enqueued { id, duplicate }) => (id, duplicate),
        other => unreachable!("an enqueue was answered {other:?}"),
    }
}

/// A lease of a second.
pub(super) fn question(queue: &str, max: usize, ms: u64) -> Lease {
    Lease {
        queue: queue.into(),
        max,
        token: format!("{queue}-{max}-{ms}").into(),
        now: at(ms),
        until: at(ms + 1_000),
        lane_wait_max: Duration::from_secs(10),
    }
}

/// Leases.
pub(super) async fn lease(store: &Store, lease: Lease) -> Vec<StoredMessage> {
    match one(store, QueueOp::Lease(lease)).await.expect(WORKS) {
        Outcome::Queue(QueueOutcome::Leased(messages)) => messages,
        other => unreachable!("a lease was answered {other:?}"),
    }
}

/// Leases for a second, and answers the ids.
pub(super) async fn lease_ids(store: &Store, queue: &str, max: usize, ms: u64) -> Vec<String> {
    lease(store, question(queue, max, ms)).await.iter().map(|message| message.id.to_string()).collect()
}

/// The lease of a message, at that many milliseconds.
pub(super) fn held(queue: &str, message: &StoredMessage, ms: u64) -> LeaseRef {
    let token = message.token.clone().expect("a leased message has a token");
    LeaseRef { queue: queue.into(), id: message.id.clone(), token, now: at(ms) }
}

/// A dead letter.
pub(super) fn dead(id: &str, origin: DeadOrigin) -> DeadLetter {
    let record = Bytes::from(format!("record of {id}"));
    DeadLetter { id: id.into(), origin, attempts: 3, error: "no".into(), failed_at: at(7), record }
}

/// Where a dead event comes from.
pub(super) fn of_subscription(subscription: &str, topic: &str) -> DeadOrigin {
    DeadOrigin::Event { subscription: subscription.into(), topic: topic.into(), sequence: 5 }
}

/// Where a dead message comes from.
pub(super) fn of_queue(queue: &str) -> DeadOrigin {
    DeadOrigin::Message { queue: queue.into(), id: "m".into(), priority: 4, enqueued_at: at(1) }
}

/// Claims a resource for a second.
pub(super) async fn claim(store: &Store, resource: &str, owner: &str, ms: u64) -> Result<u64, StoreError> {
    let claim = OwnerOp::Claim { resource: resource.into(), owner: owner.into(), now: at(ms), until: at(ms + 1_000) };
    match one(store, claim).await? {
        Outcome::Owner(OwnerOutcome::Owns(token)) => Ok(token),
        other => unreachable!("a claim was answered {other:?}"),
    }
}

/// Insists that a commit ended in a conflict.
#[track_caller]
pub(super) fn conflicts<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Conflict { .. })), "{result:?}");
}

/// Insists that a size was refused.
#[track_caller]
pub(super) fn too_large<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::TooLarge { size, max, .. }) if size == max + 1), "{result:?}");
}
