//! Cursors: where they begin, what is settled, and who may move them.

use super::make::{Store, WORKS, append, append_all, at, conflicts, event, one, open, retry, seek, settle};
use crate::{Cursor, CursorOp, CursorStart, LogOp, Settled};

async fn cursor(store: &Store, name: &str) -> Cursor {
    let cursor = store.cursor(name).await.expect(WORKS).expect("there is one");
    assert_eq!(&*cursor.name, name);
    cursor
}

fn numbers(name: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{name} {n}")).collect()
}

/// A new cursor begins at the newest, the first, a place or a moment; opening it again changes nothing.
pub async fn open_begins_where_it_says_and_only_once(store: Store) {
    let first = append(&store, event("cursor.open", "open 0", 10)).await.0;
    for ms in [20, 30] {
        append(&store, event("cursor.open", &format!("open {ms}"), ms)).await;
    }
    let head = *store.log_head().borrow();
    let (epoch, floor) = open(&store, "open-latest", CursorStart::Latest).await;
    assert_eq!(floor, head);
    assert_eq!(open(&store, "open-latest", CursorStart::First).await, (epoch, floor));
    assert!(open(&store, "open-first", CursorStart::First).await.1 < first);
    assert_eq!(open(&store, "open-after", CursorStart::After(first)).await.1, first);
    let (_, floor) = open(&store, "open-time", CursorStart::Time(at(20))).await;
    assert_eq!(floor, store.log_seek(at(20)).await.expect(WORKS));
    let expected = Cursor { name: "open-latest".into(), epoch, floor: head, settled: Vec::new(), retries: Vec::new() };
    assert_eq!(cursor(&store, "open-latest").await, expected);
    assert_eq!(store.cursor("open-none").await.expect(WORKS), None);
    let names = store.cursors().await.expect(WORKS);
    assert!(
        ["open-latest", "open-first", "open-after", "open-time"].iter().all(|name| names.contains(&(*name).into()))
    );
    // What the first record is follows expiry.
    one(&store, LogOp::Expire { topic: "cursor.open".into(), before: at(20), max: 9 }).await.expect(WORKS);
    if store.log_get(first + 1).await.expect(WORKS).is_some() {
        assert_eq!(open(&store, "open-expired", CursorStart::First).await.1, first);
    }
}

/// Settling one after the other leaves nothing but the floor, which never goes back.
pub async fn settling_in_order_moves_the_floor(store: Store) {
    let sequences = append_all(&store, "cursor.order", numbers("order", 4)).await;
    let (epoch, _) = open(&store, "order", CursorStart::After(sequences[0] - 1)).await;
    for sequence in &sequences {
        one(&store, settle("order", epoch, *sequence, *sequence, Settled::Done)).await.expect(WORKS);
        let cursor = cursor(&store, "order").await;
        assert_eq!((cursor.floor, cursor.settled), (*sequence, Vec::new()));
    }
    one(&store, settle("order", epoch, sequences[1], sequences[1], Settled::Done)).await.expect(WORKS);
    assert_eq!(cursor(&store, "order").await.floor, sequences[3]);
}

/// What is settled above the floor is remembered, rising, and let go as the floor passes it.
pub async fn settling_out_of_order_is_remembered_above_the_floor(store: Store) {
    let sequences = append_all(&store, "cursor.gaps", numbers("gaps", 5)).await;
    let start = sequences[0] - 1;
    let (epoch, _) = open(&store, "gaps", CursorStart::After(start)).await;
    for n in [3, 1, 3] {
        one(&store, settle("gaps", epoch, sequences[n], start, Settled::Done)).await.expect(WORKS);
    }
    assert_eq!(cursor(&store, "gaps").await.settled, [sequences[1], sequences[3]]);
    one(&store, settle("gaps", epoch, sequences[0], sequences[1], Settled::Done)).await.expect(WORKS);
    let now = cursor(&store, "gaps").await;
    assert_eq!((now.floor, now.settled), (sequences[1], vec![sequences[3]]));
    one(&store, settle("gaps", epoch, sequences[2], sequences[3], Settled::Done)).await.expect(WORKS);
    let now = cursor(&store, "gaps").await;
    assert_eq!((now.floor, now.settled), (sequences[3], Vec::new()));
}

/// Records of no concern are passed over at once, and never backwards.
pub async fn advance_passes_over_records(store: Store) {
    let sequences = append_all(&store, "cursor.advance", numbers("advance", 3)).await;
    let (epoch, _) = open(&store, "advance", CursorStart::After(sequences[0] - 1)).await;
    one(&store, settle("advance", epoch, sequences[1], sequences[0] - 1, Settled::Done)).await.expect(WORKS);
    let advance = |floor| CursorOp::Advance { name: "advance".into(), epoch, floor };
    one(&store, advance(sequences[2])).await.expect(WORKS);
    one(&store, advance(sequences[0])).await.expect(WORKS);
    let now = cursor(&store, "advance").await;
    assert_eq!((now.floor, now.settled), (sequences[2], Vec::new()));
}

/// A failed delivery is owed, in the order of sequences, also below the floor; the newest failure counts; when it is
/// done it is owed no more. A reason that is too long is cut.
pub async fn retries_are_kept_until_they_are_done(store: Store) {
    let sequences = append_all(&store, "cursor.retry", numbers("retry", 3)).await;
    let (epoch, start) = open(&store, "retry", CursorStart::After(sequences[0] - 1)).await;
    one(&store, settle("retry", epoch, sequences[1], start, retry(1, 50, "b"))).await.expect(WORKS);
    one(&store, settle("retry", epoch, sequences[0], sequences[2], retry(1, 60, "a"))).await.expect(WORKS);
    one(&store, settle("retry", epoch, sequences[0], start, retry(2, 70, "again"))).await.expect(WORKS);
    let now = cursor(&store, "retry").await;
    assert_eq!((now.floor, now.settled), (sequences[2], Vec::new()));
    let owed: Vec<_> = now.retries.iter().map(|r| (r.sequence, r.attempts, r.due, &*r.reason, &r.record)).collect();
    let none = None;
    assert_eq!(owed, [(sequences[0], 2, at(70), "again", &none), (sequences[1], 1, at(50), "b", &none)]);
    one(&store, settle("retry", epoch, sequences[0], start, Settled::Done)).await.expect(WORKS);
    let max = store.limits().reason_bytes;
    one(&store, settle("retry", epoch, sequences[1], start, retry(3, 80, &"\u{e9}".repeat(max)))).await.expect(WORKS);
    let now = cursor(&store, "retry").await;
    assert_eq!(now.retries.len(), 1);
    assert!(now.retries[0].reason.len() <= max && now.retries[0].reason.len() + 2 > max);
}

/// A cursor that was moved or removed is touched by nobody who read it before.
pub async fn late_results_never_touch_a_moved_cursor(store: Store) {
    let (epoch, floor) = open(&store, "late", CursorStart::After(0)).await;
    let (moved, _) = seek(&store, "late", CursorStart::After(7)).await;
    assert!(moved > epoch, "{moved} after {epoch}");
    conflicts(one(&store, settle("late", epoch, 9, 9, Settled::Done)).await);
    conflicts(one(&store, CursorOp::Advance { name: "late".into(), epoch, floor: 9 }).await);
    assert_eq!(cursor(&store, "late").await.floor, 7);
    one(&store, settle("late", moved, 8, 8, Settled::Done)).await.expect(WORKS);
    conflicts(one(&store, settle("late-none", epoch, 1, floor, Settled::Done)).await);
    conflicts(one(&store, CursorOp::Seek { name: "late-none".into(), to: CursorStart::First }).await);
}

/// Moving a cursor forgets what was settled and owed, and raises its epoch.
pub async fn seek_forgets_what_was_settled_and_owed(store: Store) {
    let sequences = append_all(&store, "cursor.seek", numbers("seek", 4)).await;
    let (epoch, start) = open(&store, "seek", CursorStart::After(sequences[0] - 1)).await;
    one(&store, settle("seek", epoch, sequences[2], start, Settled::Done)).await.expect(WORKS);
    one(&store, settle("seek", epoch, sequences[1], start, retry(1, 50, ""))).await.expect(WORKS);
    let mut last = epoch;
    let head = *store.log_head().borrow();
    for (to, floor) in [
        (CursorStart::After(sequences[1]), sequences[1]),
        (CursorStart::Latest, head),
        (CursorStart::After(start), start),
    ] {
        let (epoch, at) = seek(&store, "seek", to).await;
        assert_eq!(at, floor, "{to:?}");
        assert!(epoch > last);
        last = epoch;
        let expected = Cursor { name: "seek".into(), epoch, floor, settled: Vec::new(), retries: Vec::new() };
        assert_eq!(cursor(&store, "seek").await, expected);
    }
}

/// A removed cursor is gone with all that it owed; one of the same name is another, with another epoch.
pub async fn removed_cursors_come_back_as_others(store: Store) {
    let (epoch, _) = open(&store, "removed", CursorStart::After(3)).await;
    one(&store, settle("removed", epoch, 5, 4, retry(1, 50, ""))).await.expect(WORKS);
    for _ in 0..2 {
        one(&store, CursorOp::Remove { name: "removed".into() }).await.expect(WORKS);
        assert_eq!(store.cursor("removed").await.expect(WORKS), None);
    }
    assert!(!store.cursors().await.expect(WORKS).contains(&"removed".into()));
    let (again, floor) = open(&store, "removed", CursorStart::After(2)).await;
    assert!(again != epoch && floor == 2);
    assert_eq!(cursor(&store, "removed").await.retries, []);
    conflicts(one(&store, settle("removed", epoch, 5, 5, Settled::Done)).await);
}
