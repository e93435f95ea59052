//! Appending to the log and reading it.

use bytes::Bytes;

use super::make::{Store, WORKS, append, append_all, at, event, one, read_all, too_large};
use crate::{Append, Batch, LogOp, LogOutcome, Outcome, ReadLog, Record};

fn numbers(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|n| n.to_string())
}

/// What was appended is read, byte for byte, in the order of rising sequences; and one by one.
pub async fn appended_records_are_read_in_order(store: Store) {
    let mut expected = Vec::new();
    for (n, record) in [&b""[..], b"\0\xff", b"text"].into_iter().enumerate() {
        let record = Bytes::copy_from_slice(record);
        let ms = n as u64;
        let (sequence, duplicate) =
            append(&store, Append { record: record.clone(), ..event("log.order", &ms.to_string(), ms) }).await;
        assert!(!duplicate && sequence > 0);
        expected.push(Record { sequence, topic: "log.order".into(), published_at: at(ms), record });
    }
    assert!(expected.is_sorted_by(|a, b| a.sequence < b.sequence), "{expected:?}");
    assert_eq!(read_all(&store, "log.order", 10).await, expected);
    for record in expected {
        assert_eq!(store.log_get(record.sequence).await.expect(WORKS), Some(record));
    }
    assert_eq!(store.log_get(u64::MAX).await.expect(WORKS), None);
}

/// Pages of any size give all records once; reading on at the end gives nothing and does not go back.
pub async fn pages_of_the_log_go_on_where_they_ended(store: Store) {
    let sequences = append_all(&store, "log.pages", numbers(7)).await;
    for limit in 1..=8 {
        let read: Vec<u64> = read_all(&store, "log.pages", limit).await.iter().map(|record| record.sequence).collect();
        assert_eq!(read, sequences, "pages of {limit}");
    }
    let topics = Some("log.pages".parse().expect("a pattern"));
    let page = store.log_read(ReadLog { after: sequences[3], topics: topics.clone(), limit: 2 }).await.expect(WORKS);
    assert_eq!(page.records.iter().map(|record| record.sequence).collect::<Vec<_>>(), sequences[4..6]);
    assert_eq!((page.scanned, page.more), (sequences[5], true));
    let beyond = sequences[6] + 1_000;
    let page = store.log_read(ReadLog { after: beyond, topics, limit: 2 }).await.expect(WORKS);
    assert_eq!((page.records.len(), page.scanned, page.more), (0, beyond, false));
}

/// A page holds at most so many records and bytes, whatever is asked for.
pub async fn pages_of_the_log_are_bounded(store: Store) {
    let limits = store.limits().clone();
    let count = limits.list_page + 1;
    let all: Vec<String> = numbers(count).collect();
    for ids in all.chunks(limits.batch_ops) {
        append_all(&store, "log.bounded", ids.to_vec()).await;
    }
    let topics = Some("log.bounded".parse().expect("a pattern"));
    let page = store.log_read(ReadLog { after: 0, topics, limit: usize::MAX }).await.expect(WORKS);
    assert_eq!((page.records.len(), page.more), (limits.list_page, true));
    assert_eq!(read_all(&store, "log.bounded", usize::MAX).await.len(), count);

    let fitting = limits.read_bytes / limits.record_bytes;
    for n in 0..=fitting {
        let record = Bytes::from(vec![7; limits.record_bytes]);
        append(&store, Append { record, ..event("log.heavy", &format!("heavy {n}"), 0) }).await;
    }
    let topics = Some("log.heavy".parse().expect("a pattern"));
    let page = store.log_read(ReadLog { after: 0, topics, limit: 1_000 }).await.expect(WORKS);
    assert_eq!((page.records.len(), page.more), (fitting.max(1), true));
    assert_eq!(read_all(&store, "log.heavy", 1_000).await.len(), fitting + 1);
}

/// A pattern gives exactly the topics that it matches; no pattern gives all.
pub async fn patterns_choose_topics(store: Store) {
    let topics = ["log-pattern", "log-pattern.a", "log-pattern.b", "log-pattern.a.c"];
    for (n, topic) in topics.into_iter().enumerate() {
        append(&store, event(topic, &format!("pattern {n}"), 0)).await;
    }
    for (pattern, expected) in [
        ("log-pattern", &[0][..]),
        ("log-pattern.*", &[1, 2]),
        ("log-pattern.>", &[1, 2, 3]),
        ("*.a", &[1]),
        ("log-pattern.none", &[]),
        ("log-pattern.none.*", &[]),
    ] {
        let read = read_all(&store, pattern, 3).await;
        let read: Vec<&str> = read.iter().map(|record| &*record.topic).collect();
        let expected: Vec<&str> = expected.iter().map(|n| topics[*n]).collect();
        assert_eq!(read, expected, "{pattern}");
    }
    let all = store.log_read(ReadLog { after: 0, topics: None, limit: 1_000 }).await.expect(WORKS);
    assert!(topics.iter().all(|topic| all.records.iter().any(|record| record.topic == (*topic).into())));
}

/// Records that nobody asked for are passed over: reading ends at the head.
pub async fn records_of_other_topics_are_passed_over(store: Store) {
    let wanted = append(&store, event("log-pass.wanted", "pass", 0)).await.0;
    append_all(&store, "log-pass.other", numbers(50)).await;
    let head = *store.log_head().borrow();
    for pattern in ["log-pass.wanted", "*.wanted", "log-pass.nothing", "*.nothing"] {
        let topics = Some(pattern.parse().expect("a pattern"));
        let page = store.log_read(ReadLog { after: wanted, topics, limit: 10 }).await.expect(WORKS);
        assert_eq!((page.records.len(), page.scanned, page.more), (0, head, false), "{pattern}");
    }
}

/// A second record of the same source and id is not stored, and the first one's sequence is answered; in another
/// topic and in the same batch too. Another source or id is another record.
pub async fn same_source_and_id_is_stored_once(store: Store) {
    let first = append(&store, event("log.once", "once", 5)).await.0;
    assert_eq!(append(&store, event("log.once", "once", 6)).await, (first, true));
    assert_eq!(append(&store, event("log.once.other", "once", 7)).await, (first, true));
    assert!(!append(&store, event("log.once", "twice", 8)).await.1);
    assert!(!append(&store, Append { source: "/other".into(), ..event("log.once", "once", 8) }).await.1);
    let batch = Batch::new()
        .with(LogOp::Append(event("log.once", "batch", 9)))
        .with(LogOp::Append(event("log.once", "batch", 9)));
    let outcomes = store.commit(batch).await.expect(WORKS).outcomes;
    let answers: Vec<bool> = outcomes
        .iter()
        .map(|outcome| matches!(outcome, Outcome::Log(LogOutcome::Appended { duplicate: true, .. })))
        .collect();
    assert_eq!(answers, [false, true]);
    assert_eq!(read_all(&store, "log.once", 10).await.len(), 4);
    assert_eq!(read_all(&store, "log.once.other", 10).await, []);
}

/// What was published before the moment that an append names is no longer a duplicate; the moment itself is.
pub async fn duplicates_end_with_their_time(store: Store) {
    let since = |since, ms| Append { duplicates_since: at(since), ..event("log.window", "window", ms) };
    let first = append(&store, since(0, 100)).await.0;
    assert_eq!(append(&store, since(100, 200)).await, (first, true));
    let (second, duplicate) = append(&store, since(101, 201)).await;
    assert!(!duplicate && second > first);
    assert_eq!(append(&store, since(150, 300)).await, (second, true));
}

/// A moment leads to the sequence before the first record of that moment or later, whatever the order of times.
pub async fn seek_finds_the_first_record_of_a_moment(store: Store) {
    let before = *store.log_head().borrow();
    let times = [10_000, 20_000, 15_000, 20_000, 5_000, 30_000];
    let mut sequences = Vec::new();
    for (n, ms) in times.into_iter().enumerate() {
        sequences.push(append(&store, event("log.moments", &format!("moment {n}"), ms)).await.0);
    }
    let found = async |ms| {
        let after = store.log_seek(at(ms)).await.expect(WORKS);
        let page = store.log_read(ReadLog { after, topics: None, limit: 1 }).await.expect(WORKS);
        page.records.first().map(|record| record.sequence)
    };
    assert!(store.log_seek(at(9_000)).await.expect(WORKS) >= before);
    for (ms, expected) in [(9_000, 0), (10_000, 0), (10_001, 1), (20_000, 1), (20_001, 5), (30_000, 5)] {
        assert_eq!(found(ms).await, Some(sequences[expected]), "{ms}");
    }
    assert_eq!(store.log_seek(at(30_001)).await.expect(WORKS), sequences[5]);
}

/// What is exactly as large as its limit is taken, and one byte more is refused.
pub async fn log_limits_are_enforced_by_name(store: Store) {
    let limits = store.limits().clone();
    let text = |bytes: usize| "x".repeat(bytes);
    let largest = Append {
        topic: text(limits.name_bytes).into(),
        source: text(limits.identity_bytes).into(),
        id: text(limits.identity_bytes).into(),
        record: text(limits.record_bytes).into(),
        ..event("log", "largest", 0)
    };
    let (sequence, _) = append(&store, largest.clone()).await;
    let record = store.log_get(sequence).await.expect(WORKS).expect("it was appended");
    assert_eq!((record.record, record.topic), (largest.record.clone(), largest.topic.clone()));
    for wrong in [
        Append { topic: text(limits.name_bytes + 1).into(), ..event("log", "1", 0) },
        Append { source: text(limits.identity_bytes + 1).into(), ..event("log", "2", 0) },
        Append { id: text(limits.identity_bytes + 1).into(), ..event("log", "3", 0) },
        Append { record: text(limits.record_bytes + 1).into(), ..event("log", "4", 0) },
    ] {
        too_large(one(&store, LogOp::Append(wrong)).await);
    }
}
