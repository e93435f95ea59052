//! What was asked for and acknowledged, and whether a store holds it.
//!
//! Each producer commits numbered batches, one after the other, which hold something of each family. Some are
//! relaxed. What has to be there after a crash is all up to a producer's last durable batch that was acknowledged;
//! what may be there is any batch, but whole.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use switchyard_core::timestamp::Timestamp;

use crate::{
    Backend, Batch, CursorOp, DeadLetter, DeadOp, DeadOrigin, Embedded, Expect, ListDead, ListKeys, Op, ReadLog,
    StoreError, Timer, TimerOp,
    embedded::tests::everything::{append, enqueue},
};

pub(super) const PRODUCERS: u64 = 4;
pub(super) const BATCHES: u64 = 40;

#[derive(Debug)]
pub(super) struct Ledger {
    acknowledged: Vec<AtomicU64>,
}

// === impl Ledger ===

impl Ledger {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { acknowledged: (0..PRODUCERS).map(|_| AtomicU64::new(0)).collect() })
    }

    /// The last durable batch of each producer that was acknowledged.
    pub(super) fn acknowledged(&self) -> Vec<u64> {
        self.acknowledged.iter().map(|last| last.load(SeqCst)).collect()
    }

    /// Commits all batches of a producer.
    pub(super) async fn produce(&self, store: &Embedded, producer: u64, epoch: u64) -> Result<(), StoreError> {
        for number in 1..=BATCHES {
            let is_relaxed = number % 3 == 0;
            let batch = batch(producer, number, epoch);
            store.commit(if is_relaxed { batch.relaxed() } else { batch }).await?;
            if !is_relaxed {
                self.acknowledged[usize::try_from(producer).unwrap()].store(number, SeqCst);
            }
        }
        Ok(())
    }
}

/// The cursor of a producer.
pub(super) fn cursor(producer: u64) -> Arc<str> {
    format!("cursor {producer}").into()
}

fn name(producer: u64, number: u64) -> String {
    format!("{producer}/{number:03}")
}

fn batch(producer: u64, number: u64, epoch: u64) -> Batch {
    let name = name(producer, number);
    let origin = DeadOrigin::Message { queue: "q".into(), id: "m".into(), priority: 0, enqueued_at: Timestamp(0) };
    let (id, record) = (name.as_str().into(), "letter".into());
    let letter = DeadLetter { id, origin, attempts: 3, error: "no".into(), failed_at: Timestamp(0), record };
    let timer = Timer { key: name.as_str().into(), due: Timestamp(number), payload: "timer".into() };
    Batch::new()
        .put("b", name.as_str(), vec![7; 300], Expect::Absent)
        .put("slot", producer.to_string(), number.to_string(), Expect::Any)
        .increment("count", "count", 1)
        .with(append("t", &name, number))
        .with(enqueue("q", &name, if number.is_multiple_of(5) { 5_000 } else { 50 }))
        .with(CursorOp::Advance { name: cursor(producer), epoch, floor: number })
        .with(Op::from(DeadOp::Put(letter)))
        .with(TimerOp::Set(timer))
}

/// Which batches a store holds.
///
/// # Errors
/// With what is there in part.
pub(super) async fn held(store: &Embedded) -> Result<BTreeSet<String>, String> {
    let read = |error: StoreError| error.to_string();
    let page = ListKeys { limit: 1_000, ..ListKeys::default() };
    let keys = store.kv_list("b", page).await.map_err(read)?.keys;
    let held: BTreeSet<String> = keys.iter().map(ToString::to_string).collect();
    let mut families = String::new();
    let mut compare = |family: &str, names: BTreeSet<String>| {
        if names != held {
            let differing: Vec<_> = names.symmetric_difference(&held).collect();
            let _ = write!(families, "{family} and keys differ in {differing:?}; ");
        }
    };
    let log = ReadLog { after: 0, topics: None, limit: 1_000 };
    let records = store.log_read(log).await.map_err(read)?.records;
    compare("events", records.iter().map(|record| text(&record.record["record ".len()..])).collect());
    let list = ListDead { limit: 1_000, ..ListDead::default() };
    let letters = store.dead_letters(list).await.map_err(read)?;
    compare("dead letters", letters.iter().map(|letter| letter.id.to_string()).collect());
    let timers = store.timers(1_000).await.map_err(read)?;
    compare("timers", timers.iter().map(|timer| timer.key.to_string()).collect());
    let mut messages = BTreeSet::new();
    for producer in 0..PRODUCERS {
        let mut last = 0;
        for number in 1..=BATCHES {
            let name = name(producer, number);
            last = if held.contains(&name) { number } else { last };
            match store.queue_message("q", &name).await {
                Ok(Some(_)) => drop(messages.insert(name)),
                Ok(None) | Err(StoreError::UnknownQueue { .. }) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        let slot = store.kv_get("slot", &producer.to_string()).await.map_err(read)?;
        let slot = slot.map_or(0, |entry| text(&entry.value).parse().unwrap());
        let floor = store.cursor(&cursor(producer)).await.map_err(read)?.map_or(0, |cursor| cursor.floor);
        if slot != last || floor != last {
            return Err(format!("producer {producer} has {last}, its slot {slot}, its cursor {floor}"));
        }
    }
    compare("messages", messages);
    let count = store.kv_get("count", "count").await.map_err(read)?;
    let count: usize = count.map_or(0, |entry| text(&entry.value).parse().unwrap());
    if count != held.len() {
        let _ = write!(families, "{count} were counted, and {} are there", held.len());
    }
    if families.is_empty() { Ok(held) } else { Err(families) }
}

/// Whether all is there that has to be.
///
/// # Errors
/// With what was lost.
pub(super) fn check(held: &BTreeSet<String>, acknowledged: &[u64]) -> Result<(), String> {
    for (producer, last) in acknowledged.iter().enumerate() {
        let all = (1..=*last).map(|number| name(producer as u64, number));
        let lost: Vec<_> = all.filter(|name| !held.contains(name)).collect();
        if !lost.is_empty() {
            return Err(format!("acknowledged and lost: {lost:?}"));
        }
    }
    Ok(())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
