//! Commits that are answered before they are on the disk.

use super::{
    everything::{append, one},
    *,
};
use crate::{LogOutcome, Outcome};

fn sequence(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Log(LogOutcome::Appended { sequence, .. }) => *sequence,
        other => unreachable!("an append was answered {other:?}"),
    }
}

async fn relaxed(store: &Embedded, id: &str) -> u64 {
    let batch = Batch::new().with(append("t", id, 1)).put("b", "k", "v", Expect::Any).relaxed();
    sequence(&store.commit(batch).await.unwrap().outcomes[0])
}

#[tokio::test]
async fn numbers_have_no_gap_after_an_orderly_end() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(&folder);
    assert_eq!(relaxed(&first, "1").await, 1);
    assert_eq!(sequence(&one(&first, append("t", "2", 1)).await), 2);
    assert_eq!(relaxed(&first, "3").await, 3);
    first.close().await.unwrap();
    let second = store(&folder);
    assert_eq!(*second.log_head().borrow(), 3);
    assert_eq!(sequence(&one(&second, append("t", "4", 1)).await), 4);
}

/// The files of a crash that lost every relaxed commit: numbers that were told are not given out again.
#[tokio::test]
async fn numbers_that_a_crash_lost_are_not_given_out_again() {
    let (folder, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = store(&folder);
    one(&first, append("t", "durable", 1)).await;
    // Sets numbers aside, so that the copy has them.
    relaxed(&first, "first").await;
    for file in ["store.sqlite", "store.sqlite-wal"] {
        std::fs::copy(folder.path().join(file), crashed.path().join(file)).unwrap();
    }
    let mut told = 0;
    for n in 0..100 {
        told = relaxed(&first, &n.to_string()).await;
    }
    let revision = first.kv_get("b", "k").await.unwrap().unwrap().revision;
    let recovered = store(&crashed);
    let head = *recovered.log_head().borrow();
    assert!(head < told);
    let page = recovered.log_read(crate::ReadLog { after: 0, topics: None, limit: 100 }).await.unwrap();
    assert_eq!((page.scanned, page.more), (head, false), "the gap is not read");
    assert!(sequence(&one(&recovered, append("t", "next", 1)).await) > told);
    assert!(recovered.kv_put("b", "k", "v".into(), Expect::Any).await.unwrap() > revision);
}
