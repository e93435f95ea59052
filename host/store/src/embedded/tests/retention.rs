//! What is forgotten, and what is remembered of it.

use rusqlite::Connection;
use switchyard_core::timestamp::Timestamp;

use super::{
    everything::{append, one},
    *,
};
use crate::{LogOp, LogOutcome, Outcome};

fn expire(before: u64) -> crate::Op {
    LogOp::Expire { topic: "t".into(), before: Timestamp(before), max: 1_000 }.into()
}

fn is_duplicate(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Log(LogOutcome::Appended { duplicate: true, .. }))
}

fn forgotten(folder: &TempDir) -> i64 {
    let conn = Connection::open(folder.path().join("store.sqlite")).unwrap();
    conn.query_row("SELECT count(*) FROM forgotten", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn records_older_than_their_deduplication_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    for n in 0..10 {
        one(&store, append("t", &n.to_string(), n)).await;
    }
    // Duplicates are asked for since 4,000.
    one(&store, append("t", "late", 5_000)).await;
    one(&store, expire(100)).await;
    assert_eq!(forgotten(&folder), 0);
    one(&store, expire(9_000)).await;
    assert_eq!(forgotten(&folder), 1);
}

#[tokio::test]
async fn what_was_expired_early_goes_with_later_appends() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    for n in 0..10 {
        one(&store, append("t", &n.to_string(), n)).await;
    }
    one(&store, expire(100)).await;
    assert_eq!(forgotten(&folder), 10);
    assert!(is_duplicate(&one(&store, append("t", "3", 20)).await));
    for n in 0..5 {
        one(&store, append("other", &format!("other {n}"), 5_000)).await;
        assert_eq!(forgotten(&folder), 8 - 2 * n);
    }
    assert!(!is_duplicate(&one(&store, append("t", "3", 5_000)).await));
}

#[tokio::test]
async fn refused_batch_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    one(&store, append("t", "only", 10)).await;
    one(&store, expire(100)).await;
    // The append lets go of what was expired early, and then its batch is refused.
    let refused = Batch::new().with(append("t", "next", 5_000)).put("b", "k", "v", Expect::Revision(1));
    store.commit(refused).await.unwrap_err();
    assert_eq!(forgotten(&folder), 1);
    assert!(is_duplicate(&one(&store, append("t", "only", 20)).await));
    // And the other way round: an expiry that was refused leaves the record.
    one(&store, append("t", "kept", 30)).await;
    let refused = Batch::new().with(expire(100)).put("b", "k", "v", Expect::Revision(1));
    store.commit(refused).await.unwrap_err();
    assert!(is_duplicate(&one(&store, append("t", "kept", 40)).await));
    let topics = store.topics().await.unwrap();
    assert_eq!(topics.iter().map(|topic| topic.records).collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn what_was_expired_early_is_remembered_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(&folder);
    one(&first, append("t", "only", 10)).await;
    one(&first, expire(100)).await;
    first.close().await.unwrap();
    assert!(is_duplicate(&one(&store(&folder), append("t", "only", 20)).await));
}

#[tokio::test]
async fn parts_of_blobs_are_removed_with_their_names_and_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let parts = || -> i64 {
        let conn = Connection::open(folder.path().join("store.sqlite")).unwrap();
        conn.query_row("SELECT count(*) FROM blob_part", [], |row| row.get(0)).unwrap()
    };
    let first = store(&folder);
    first.blob_put("a", vec![1; 6 << 20].into()).await.unwrap();
    assert_eq!(parts(), 24);
    first.blob_put("a", "small".into()).await.unwrap();
    assert_eq!(parts(), 1);
    first.close().await.unwrap();
    Connection::open(folder.path().join("store.sqlite"))
        .unwrap()
        .execute("INSERT INTO blob_part VALUES(99, 0, 0, x'00')", [])
        .unwrap();
    drop(store(&folder));
    assert_eq!(parts(), 1);
}
