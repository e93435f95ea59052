//! In which order messages are leased.

use bytes::Bytes;

use super::make::{Store, WORKS, at, enqueue, held, lease, lease_ids, message, one, question};
use crate::{Enqueue, QueueOp};

/// Messages of one priority come in the order in which they were enqueued, whatever their clocks say.
pub async fn equal_priority_is_first_in_first_out(store: Store) {
    for (id, ms) in [("fifo-1", 10), ("fifo-2", 10), ("fifo-3", 5), ("fifo-4", 20)] {
        enqueue(&store, message("fifo", id, ms)).await;
    }
    assert_eq!(lease_ids(&store, "fifo", 2, 30).await, ["fifo-1", "fifo-2"]);
    enqueue(&store, message("fifo", "fifo-5", 31)).await;
    assert_eq!(lease_ids(&store, "fifo", 9, 32).await, ["fifo-3", "fifo-4", "fifo-5"]);
    // A clock that was set back delays nothing that was ready at once.
    enqueue(&store, message("fifo", "fifo-6", 40)).await;
    assert_eq!(lease_ids(&store, "fifo", 9, 35).await, ["fifo-6"]);
}

/// The highest priority goes first, best first within one lease too.
pub async fn higher_priority_goes_first(store: Store) {
    for (id, priority) in [("high-1", 0), ("high-2", 5), ("high-3", 9), ("high-4", 5)] {
        enqueue(&store, Enqueue { priority, ..message("high", id, 0) }).await;
    }
    assert_eq!(lease_ids(&store, "high", 3, 1).await, ["high-3", "high-2", "high-4"]);
    assert_eq!(lease_ids(&store, "high", 3, 2).await, ["high-1"]);
}

/// A lane that was not served for as long as is allowed goes first, once, and then waits again.
pub async fn a_lane_that_waited_long_enough_goes_first_once(store: Store) {
    for n in 0..4 {
        enqueue(&store, Enqueue { priority: 9, ..message("aging", &format!("aging-high-{n}"), 9_000) }).await;
        enqueue(&store, message("aging", &format!("aging-low-{n}"), 0)).await;
    }
    assert_eq!(lease_ids(&store, "aging", 1, 9_999).await, ["aging-high-0"]);
    assert_eq!(lease_ids(&store, "aging", 2, 10_000).await, ["aging-low-0", "aging-high-1"]);
    assert_eq!(lease_ids(&store, "aging", 1, 10_001).await, ["aging-high-2"]);
}

/// A delayed message is not leased before its moment, and then after those that were ready before it.
pub async fn delayed_messages_come_when_they_are_due(store: Store) {
    enqueue(&store, Enqueue { ready_at: at(200), ..message("delay", "delay-late", 0) }).await;
    enqueue(&store, Enqueue { ready_at: at(100), ..message("delay", "delay-soon", 0) }).await;
    assert_eq!(lease_ids(&store, "delay", 9, 99).await, Vec::<String>::new());
    enqueue(&store, message("delay", "delay-first", 99)).await;
    enqueue(&store, message("delay", "delay-last", 300)).await;
    assert_eq!(lease_ids(&store, "delay", 9, 300).await, ["delay-first", "delay-soon", "delay-late", "delay-last"]);
}

/// A lease holds at most as many messages and bytes as are asked for and allowed.
pub async fn lease_is_bounded(store: Store) {
    let limits = store.limits().clone();
    enqueue(&store, message("bounded", "bounded-0", 0)).await;
    assert_eq!(lease_ids(&store, "bounded", 0, 1).await, Vec::<String>::new());
    let fitting = limits.read_bytes.div_ceil(limits.message_bytes);
    for n in 0..=fitting {
        let data = Bytes::from(vec![7; limits.message_bytes]);
        enqueue(&store, Enqueue { data, ..message("heavy", &format!("heavy-{n}"), 0) }).await;
    }
    let first = lease(&store, question("heavy", usize::MAX, 1)).await;
    assert!((1..=fitting).contains(&first.len()), "{} messages", first.len());
    for message in &first {
        one(&store, QueueOp::Ack { lease: held("heavy", message, 2) }).await.expect(WORKS);
    }
    let rest = lease(&store, question("heavy", usize::MAX, 3)).await;
    assert_eq!(first.len() + rest.len(), fitting + 1);
}
