//! Retries that come from outside: redriven dead letters.

use bytes::Bytes;

use super::make::{Store, WORKS, append_all, at, conflicts, one, open, retry, seek, settle};
use crate::{CursorOp, CursorStart, Retry, Settled};

fn redeliver(name: &str, sequence: u64, record: Option<&'static str>) -> CursorOp {
    let record = record.map(Bytes::from);
    let retry = Retry { sequence, attempts: 0, due: at(1), reason: "redriven".into(), record };
    CursorOp::Redeliver { name: name.into(), retry }
}

async fn retries(store: &Store, name: &str) -> Vec<Retry> {
    store.cursor(name).await.expect(WORKS).expect("there is one").retries
}

/// A redriven event is owed in whatever epoch, with the record that it brought, which stays while it fails again.
pub async fn redelivery_brings_its_own_record(store: Store) {
    open(&store, "redrive", CursorStart::After(10)).await;
    let (epoch, _) = seek(&store, "redrive", CursorStart::After(20)).await;
    one(&store, redeliver("redrive", 5, Some("event 5"))).await.expect(WORKS);
    let expected =
        Retry { sequence: 5, attempts: 0, due: at(1), reason: "redriven".into(), record: Some("event 5".into()) };
    assert_eq!(retries(&store, "redrive").await.as_slice(), std::slice::from_ref(&expected));
    one(&store, settle("redrive", epoch, 5, 0, retry(1, 90, "again"))).await.expect(WORKS);
    let failed = Retry { attempts: 1, due: at(90), reason: "again".into(), ..expected };
    assert_eq!(retries(&store, "redrive").await, [failed]);
    one(&store, settle("redrive", epoch, 5, 0, Settled::Done)).await.expect(WORKS);
    assert_eq!(retries(&store, "redrive").await, []);
    conflicts(one(&store, redeliver("redrive-none", 5, None)).await);
}

/// What was settled above the floor is owed again, and no longer settled.
pub async fn redelivery_takes_back_what_was_settled(store: Store) {
    let ids = (0..3).map(|n| format!("redrive {n}"));
    let sequences = append_all(&store, "cursor.redrive", ids).await;
    let (epoch, start) = open(&store, "redrive-settled", CursorStart::After(sequences[0] - 1)).await;
    one(&store, settle("redrive-settled", epoch, sequences[1], start, Settled::Done)).await.expect(WORKS);
    one(&store, redeliver("redrive-settled", sequences[1], None)).await.expect(WORKS);
    let cursor = store.cursor("redrive-settled").await.expect(WORKS).expect("there is one");
    assert_eq!((cursor.settled.len(), cursor.retries.len()), (0, 1));
    one(&store, settle("redrive-settled", epoch, sequences[1], start, Settled::Done)).await.expect(WORKS);
    let cursor = store.cursor("redrive-settled").await.expect(WORKS).expect("there is one");
    assert_eq!((cursor.settled, cursor.retries.len()), (vec![sequences[1]], 0));
}
