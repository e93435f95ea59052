//! The log as a list.

use std::{collections::BTreeMap, sync::Arc};

use switchyard_core::{event::topic::Pattern, timestamp::Timestamp};

use crate::{Append, Backend, Embedded, LogOp, LogOutcome, ReadLog, Record, TopicUsage};

#[derive(Debug, Clone, Default)]
pub(super) struct Log {
    /// All that were ever appended.
    records: Vec<Kept>,
    head: u64,
    topics: BTreeMap<Arc<str>, TopicUsage>,
}

#[derive(Debug, Clone)]
struct Kept {
    record: Record,
    append: Append,
    /// It can be read.
    is_kept: bool,
    /// It can be a duplicate's first, also when it was expired.
    is_known: bool,
}

// === impl Log ===

impl Log {
    pub(super) fn apply(&mut self, op: &LogOp) -> LogOutcome {
        match op {
            LogOp::Append(append) => self.append(append),
            LogOp::Expire { topic, before, max } => {
                let mut removed = 0;
                for kept in self.records.iter_mut().filter(|kept| kept.is_kept && kept.record.topic == *topic) {
                    if removed == *max || kept.record.published_at >= *before {
                        break;
                    }
                    kept.is_kept = false;
                    removed += 1;
                }
                self.count();
                LogOutcome::Expired { removed }
            }
        }
    }

    fn append(&mut self, append: &Append) -> LogOutcome {
        let is_first = |kept: &&Kept| {
            kept.is_known
                && (&kept.append.source, &kept.append.id) == (&append.source, &append.id)
                && kept.record.published_at >= append.duplicates_since
        };
        if let Some(first) = self.records.iter().find(is_first) {
            let sequence = first.record.sequence;
            return LogOutcome::Appended { sequence, duplicate: true };
        }
        self.head += 1;
        let sequence = self.head;
        let Append { topic, published_at, record, .. } = append.clone();
        let record = Record { sequence, topic: topic.clone(), published_at, record };
        let usage = self.topics.entry(topic.clone()).or_insert(TopicUsage {
            topic,
            records: 0,
            bytes: 0,
            appended: 0,
            last_sequence: 0,
            last_published_at: Timestamp(0),
        });
        usage.appended += 1;
        usage.last_published_at = published_at;
        self.records.push(Kept { record, append: append.clone(), is_kept: true, is_known: true });
        self.count();
        LogOutcome::Appended { sequence, duplicate: false }
    }

    fn count(&mut self) {
        for usage in self.topics.values_mut() {
            let kept = || self.records.iter().filter(|kept| kept.is_kept && kept.record.topic == usage.topic);
            usage.records = kept().count() as u64;
            usage.bytes = kept().map(|kept| kept.record.record.len() as u64).sum();
            usage.last_sequence = kept().map(|kept| kept.record.sequence).max().unwrap_or(0);
        }
    }

    pub(super) fn reopen(&mut self) {
        for kept in self.records.iter_mut().filter(|kept| kept.append.volatile && kept.is_kept) {
            (kept.is_kept, kept.is_known) = (false, false);
        }
        self.count();
    }

    pub(super) fn head(&self) -> u64 {
        self.head
    }

    pub(super) fn first(&self) -> Option<u64> {
        self.kept().map(|record| record.sequence).next()
    }

    pub(super) fn seek(&self, at: Timestamp) -> u64 {
        let found = self.kept().find(|record| record.published_at >= at);
        found.map_or(self.head, |record| record.sequence - 1)
    }

    fn kept(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(|kept| kept.is_kept).map(|kept| &kept.record)
    }

    pub(super) async fn compare(&self, store: &Embedded) {
        assert_eq!(*store.log_head().borrow(), self.head);
        for pattern in [None, Some("b"), Some("a.*"), Some("none")] {
            let topics: Option<Pattern> = pattern.map(|pattern| pattern.parse().unwrap());
            let meant = |record: &&Record| topics.as_ref().is_none_or(|topics| topics.matches(&record.topic));
            let expected: Vec<_> = self.kept().filter(meant).cloned().collect();
            let page = store.log_read(ReadLog { after: 0, topics: topics.clone(), limit: 1_000 }).await.unwrap();
            assert_eq!(page.records, expected, "{pattern:?}");
            assert_eq!((page.scanned, page.more), (self.head, false), "{pattern:?}");
        }
        let topics = store.topics().await.unwrap();
        assert_eq!(topics, self.topics.values().cloned().collect::<Vec<_>>());
        let moments = self.records.iter().map(|kept| kept.record.published_at);
        for at in moments.rev().take(3).flat_map(|at| [at, Timestamp(at.0 + 1)]) {
            assert_eq!(store.log_seek(at).await.unwrap(), self.seek(at), "{at}");
        }
    }
}
