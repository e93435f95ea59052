//! Timers.

use super::make::{Store, WORKS, at, conflicts, one, too_large};
use crate::{Timer, TimerOp};

fn timer(key: &str, ms: u64) -> Timer {
    Timer { key: key.into(), due: at(ms), payload: key.to_owned().into() }
}

/// Timers come in the order of their moments, and of their keys where these are the same; one that is set again is
/// moved.
pub async fn timers_are_listed_by_when_they_are_due(store: Store) {
    for (key, ms) in [("timer-c", 20), ("timer-b", 10), ("timer-a", 20), ("timer-d", 5)] {
        one(&store, TimerOp::Set(timer(key, ms))).await.expect(WORKS);
    }
    one(&store, TimerOp::Set(timer("timer-d", 30))).await.expect(WORKS);
    let expected = [timer("timer-b", 10), timer("timer-a", 20), timer("timer-c", 20), timer("timer-d", 30)];
    assert_eq!(store.timers(10).await.expect(WORKS), expected);
    assert_eq!(store.timers(2).await.expect(WORKS), expected[..2]);
    assert_eq!(store.timer("timer-c").await.expect(WORKS), Some(timer("timer-c", 20)));
    assert_eq!(store.timer("timer-none").await.expect(WORKS), None);
    let payload = vec![0; store.limits().record_bytes + 1].into();
    too_large(one(&store, TimerOp::Set(Timer { payload, ..timer("timer-large", 0) })).await);
}

/// Whoever names the moment takes a timer, once; a timer that was moved meanwhile stays.
pub async fn timers_are_cleared_by_whoever_is_first(store: Store) {
    let clear = |due: Option<u64>| TimerOp::Clear { key: "timer-once".into(), due: due.map(at) };
    conflicts(one(&store, clear(Some(10))).await);
    one(&store, clear(None)).await.expect(WORKS);
    one(&store, TimerOp::Set(timer("timer-once", 10))).await.expect(WORKS);
    conflicts(one(&store, clear(Some(11))).await);
    one(&store, clear(Some(10))).await.expect(WORKS);
    conflicts(one(&store, clear(Some(10))).await);
    one(&store, TimerOp::Set(timer("timer-once", 20))).await.expect(WORKS);
    one(&store, clear(None)).await.expect(WORKS);
    assert_eq!(store.timer("timer-once").await.expect(WORKS), None);
}
