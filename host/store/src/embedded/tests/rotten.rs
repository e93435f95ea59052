//! Records that rotted: each is refused by name, and none stops the others.

use rusqlite::Connection;
use switchyard_core::timestamp::Timestamp;

use super::{
    everything::{append, enqueue, fill, lease, one},
    *,
};
use crate::{CursorOp, DeadOp, ListDead, OwnerOp, QueueOutcome, ReadLog, TimerOp};

/// A filled store in which something was damaged while it was closed.
async fn damaged(damage: &str) -> (Embedded, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let first = store(&folder);
    fill(&first).await;
    first.close().await.unwrap();
    Connection::open(folder.path().join("store.sqlite")).unwrap().execute_batch(damage).unwrap();
    (store(&folder), folder)
}

#[track_caller]
fn corrupt<T: std::fmt::Debug>(result: Result<T, StoreError>, name: &str) {
    match result {
        Err(StoreError::CorruptRecord { what }) => assert_eq!(&*what, name),
        other => unreachable!("{name} has rotted: {other:?}"),
    }
}

#[tokio::test]
async fn rotten_event_is_named_and_the_others_are_read() {
    let (store, _folder) = damaged("UPDATE log SET record = x'00' WHERE sequence = 9").await;
    let read = async |after| store.log_read(ReadLog { after, topics: None, limit: 100 }).await;
    let page = read(0).await.unwrap();
    assert_eq!((page.records.len(), &page.rotten[..], page.scanned, page.more), (16, &[9][..], 20, false));
    let page = read(9).await.unwrap();
    assert_eq!((page.records.len(), page.rotten.len()), (11, 0));
    corrupt(store.log_get(9).await, "event 9");
    assert!(store.log_get(10).await.unwrap().is_some());
}

#[tokio::test]
async fn text_that_is_none_any_more_is_a_rotten_record_and_not_a_broken_store() {
    let (store, _folder) = damaged(
        "UPDATE log SET source = CAST(x'ff' AS TEXT) WHERE sequence = 9;
         UPDATE message SET reason = CAST(x'ff' AS TEXT) WHERE id = 'message-02';
         UPDATE timer SET key = CAST(x'ff' AS TEXT);",
    )
    .await;
    corrupt(store.log_get(9).await, "event 9");
    assert!(matches!(store.timers(10).await, Err(StoreError::CorruptRecord { .. })));
    // The writer reads it as well.
    one(&store, lease("queue", "other", 3)).await;
    one(&store, append("topic", "goes on", 1)).await;
}

#[tokio::test]
async fn rotten_messages_are_set_aside_and_the_queue_goes_on() {
    let (store, folder) = damaged(
        "UPDATE message SET failures = 9 WHERE id = 'message-02';
         UPDATE body SET data = x'00' WHERE seq = (SELECT seq FROM message WHERE id = 'message-03');
         UPDATE message SET expiries = 9 WHERE id = 'message-00';",
    )
    .await;
    corrupt(store.queue_message("queue", "message-02").await, "message \"message-02\" of queue \"queue\"");
    let crate::Outcome::Queue(QueueOutcome::Leased(leased)) = one(&store, lease("queue", "other", 2)).await else {
        unreachable!("a lease was answered otherwise")
    };
    let ids: Vec<&str> = leased.iter().map(|message| &*message.id).collect();
    assert_eq!(ids, ["message-04", "message-05"]);
    // Leases end at 1,000; one of the two that ran out has rotted meanwhile.
    let usage = store.queue("queue", Timestamp(2)).await.unwrap().unwrap();
    assert_eq!((usage.waiting, usage.in_flight), (14, 4));
    let crate::Op::Queue(crate::QueueOp::Lease(later)) = lease("queue", "later", 100) else { unreachable!() };
    let later = crate::Lease { now: Timestamp(2_000), until: Timestamp(9_000), ..later };
    let crate::Outcome::Queue(QueueOutcome::Leased(leased)) = one(&store, crate::QueueOp::Lease(later).into()).await
    else {
        unreachable!("a lease was answered otherwise")
    };
    assert_eq!(leased.len(), 17);
    assert_eq!(&*leased[0].id, "message-01");
    let usage = store.queue("queue", Timestamp(2_000)).await.unwrap().unwrap();
    assert_eq!((usage.waiting, usage.in_flight), (0, 17));
    one(&store, enqueue("queue", "after", 3)).await;
    store.close().await.unwrap();
    let report = crate::doctor(folder.path()).unwrap();
    assert_eq!(report.findings_total, 3, "{report:?}");
}

#[tokio::test]
async fn rotten_cursor_is_refused_by_name_and_can_be_removed() {
    let (store, _folder) = damaged("UPDATE cursor SET floor = 7").await;
    corrupt(store.cursor("cursor").await, "cursor \"cursor\"");
    let advance = CursorOp::Advance { name: "cursor".into(), epoch: 1, floor: 9 };
    corrupt(store.commit(Batch::new().with(advance)).await, "cursor \"cursor\"");
    one(&store, CursorOp::Remove { name: "cursor".into() }.into()).await;
    assert_eq!(store.cursor("cursor").await.unwrap(), None);
}

#[tokio::test]
async fn rotten_marks_and_retries_are_refused_by_name() {
    let (store, _folder) = damaged("UPDATE settled SET crc = 1").await;
    corrupt(store.cursor("cursor").await, "what cursor \"cursor\" has settled");
    let (store, _folder) = damaged("UPDATE retry SET attempts = 9").await;
    corrupt(store.cursor("cursor").await, "the retry of event 3 by cursor \"cursor\"");
}

#[tokio::test]
async fn rotten_letters_timers_owners_and_blobs_are_refused_by_name_and_can_be_replaced() {
    let (store, _folder) = damaged(
        "UPDATE dead SET error = 'yes' WHERE id = 'letter-0'; UPDATE timer SET due = 6;
         UPDATE owner SET owner = 'bob'; UPDATE blob SET parts = 9;",
    )
    .await;
    corrupt(store.dead_letter("letter-0").await, "dead letter \"letter-0\"");
    corrupt(store.dead_letters(ListDead { limit: 9, ..ListDead::default() }).await, "dead letter \"letter-0\"");
    corrupt(store.timers(9).await, "timer \"timer\"");
    corrupt(store.owner("resource").await, "the owner of \"resource\"");
    corrupt(store.blob_get("blob").await, "blob \"blob\"");
    let insist = OwnerOp::Assert { resource: "resource".into(), token: 1 };
    corrupt(store.commit(Batch::new().with(insist)).await, "the owner of \"resource\"");
    one(&store, DeadOp::Remove { id: "letter-0".into() }.into()).await;
    one(&store, TimerOp::Clear { key: "timer".into(), due: None }.into()).await;
    store.blob_put("blob", "new".into()).await.unwrap();
    assert_eq!(store.dead_letters(ListDead { limit: 9, ..ListDead::default() }).await.unwrap().len(), 1);
    assert_eq!(store.timers(9).await.unwrap(), []);
    assert_eq!(store.blob_get("blob").await.unwrap(), Some("new".into()));
}
