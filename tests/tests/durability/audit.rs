//! Compares the ledger with what the host has, and with what the handlers saw.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use switchyard_tests::Host;

use crate::ledger::{Deed, Entry, Kind, Ledger};

/// Deliveries of a subscription that a crash may repeat: those under way, and those that had completed but were not
/// recorded yet; at most 64 each.
const REPEATED_MAX: usize = 64 + 64;

/// How long nothing may move before everything has settled.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is there when all has settled.
pub(crate) struct Found {
    entries: BTreeMap<String, Entry>,
    /// Stored events, in the order of the log.
    events: Vec<Value>,
    /// Deliveries of events, in the order in which they began.
    deliveries: Vec<Value>,
    /// Deliveries of messages, likewise.
    messages: Vec<Value>,
    /// Ids of events and messages among the dead letters.
    dead_events: Vec<String>,
    dead_messages: Vec<String>,
}

/// Waits until nothing is under way any more, however long the backlog is, and reads everything.
pub(crate) async fn settle(host: &Host, ledger: &Ledger) -> Found {
    let (mut before, mut since) = (Value::Null, Instant::now());
    loop {
        let (subscription, queue) = (host.subscription("ledger").await, host.queue("ledger").await);
        let left = ["lag", "inFlight", "retrying"].map(|name| subscription[name].clone());
        let waiting = ["currentSize", "inFlight", "delayed"].map(|name| queue[name].clone());
        let now = json!([left, waiting]);
        if now == json!([[0, 0, 0], [0, 0, 0]]) {
            break;
        }
        if now != before {
            (before, since) = (now, Instant::now());
        }
        assert!(since.elapsed() < PATIENCE, "nothing moves: {before}\n{subscription:#}\n{queue:#}\n{}", host.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let dead = host.dead_letters("limit=1000").await;
    let ids = |original: &str| {
        let ids = dead.iter().filter_map(|dead| dead[original]["data"]["id"].as_str());
        ids.map(str::to_owned).collect()
    };
    Found {
        entries: ledger.entries(),
        events: host.events("ledger.*").await,
        deliveries: host.deliveries("probe").await,
        messages: host.messages("probe").await,
        dead_events: ids("originalEvent"),
        dead_messages: ids("originalMessage"),
    }
}

// === impl Found ===

impl Found {
    /// Every acknowledged event is stored, once; nothing is stored twice.
    pub(crate) fn check_log(&self) {
        let stored: BTreeSet<&str> = self.events.iter().filter_map(|event| event["id"].as_str()).collect();
        assert_eq!(stored.len(), self.events.len(), "an event is stored twice");
        assert!(self.events.is_sorted_by_key(|event| event["sequence"].as_u64()), "sequences rise");
        let lost = self.acknowledged(|kind| kind != Kind::Message).filter(|id| !stored.contains(id));
        assert_eq!(lost.collect::<Vec<_>>(), Vec::<&str>::new(), "acknowledged events are lost");
    }

    /// Every stored event was delivered to success, or is a dead letter if its data asks for that.
    pub(crate) fn check_events_done(&self) {
        let done = done(&self.entries, &self.deliveries);
        for event in &self.events {
            let id = event["id"].as_str().unwrap();
            assert!(done.contains(id), "the event {id} was not delivered: {event:#}");
            let is_dead = self.dead_events.iter().any(|dead| dead == id);
            assert_eq!(is_dead, self.entries[id].deed == Deed::Reject, "{id} among the dead letters");
        }
    }

    /// Every acknowledged message was handled to success, or is a dead letter if its data asks for that.
    pub(crate) fn check_messages_done(&self) {
        let done = done(&self.entries, &self.messages);
        for id in self.acknowledged(|kind| kind != Kind::Event) {
            assert!(done.contains(id), "the message {id} was not handled");
            let is_dead = self.dead_messages.iter().any(|dead| dead == id);
            assert_eq!(is_dead, self.entries[id].deed == Deed::Reject, "{id} among the dead letters");
        }
    }

    /// A commit is there whole or not at all: its value, its event and its message.
    pub(crate) async fn check_commits(&self, host: &Host) {
        let events: BTreeSet<&str> = self.events.iter().filter_map(|event| event["id"].as_str()).collect();
        let messages: BTreeSet<&str> =
            self.messages.iter().filter_map(|message| message["data"]["id"].as_str()).collect();
        let mut client = host.client().await;
        for (id, _) in self.entries.iter().filter(|(_, entry)| entry.kind == Kind::Both) {
            let value = client.get(&format!("/probe/read?k=v/{id}")).await.expect("the host runs").json();
            let parts = [!value.is_null(), events.contains(id.as_str()), messages.contains(id.as_str())];
            assert!(parts == [true; 3] || parts == [false; 3], "half of the commit {id} is there: {parts:?}");
        }
    }

    /// What an attempt settled comes again only after a crash, and then only so many of a subscription. Answers the
    /// most that came again after one crash.
    pub(crate) fn check_redelivery(&self) -> usize {
        let mut settled: BTreeMap<&str, u64> = BTreeMap::new();
        let mut again: BTreeMap<u64, usize> = BTreeMap::new();
        for delivery in &self.deliveries {
            let (id, round) = (delivery["id"].as_str().unwrap(), delivery["round"].as_u64().unwrap());
            if let Some(before) = settled.get(id) {
                assert_ne!(*before, round, "{id} was settled, and came again without a crash: {delivery:#}");
                *again.entry(round).or_default() += 1;
            }
            if self.entries[id].deed.is_settled_by(delivery["attempt"].as_u64().unwrap()) {
                settled.insert(id, round);
            }
        }
        let most = again.into_values().max().unwrap_or(0);
        assert!(most <= REPEATED_MAX, "{most} deliveries came again after one crash");
        most
    }

    /// An event begins only when all before it of its key are settled, and after a crash a key goes on in order too.
    pub(crate) fn check_order(&self) {
        let mut of_key: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for event in &self.events {
            of_key.entry(event["partitionkey"].as_str().unwrap()).or_default().push(event);
        }
        let mut settled: BTreeSet<&str> = BTreeSet::new();
        let mut next: BTreeMap<&str, usize> = BTreeMap::new();
        let mut last: BTreeMap<(&str, u64), u64> = BTreeMap::new();
        for delivery in &self.deliveries {
            let (id, key) = (delivery["id"].as_str().unwrap(), delivery["partitionkey"].as_str().unwrap());
            let (round, sequence) = (delivery["round"].as_u64().unwrap(), delivery["sequence"].as_u64().unwrap());
            let (place, events) = (next.entry(key).or_default(), &of_key[key]);
            while events.get(*place).is_some_and(|event| settled.contains(event["id"].as_str().unwrap())) {
                *place += 1;
            }
            let due = events.get(*place).map(|event| event["sequence"].as_u64().unwrap());
            assert!(due.is_none_or(|due| sequence <= due), "{id} began before {due:?} of its key was settled");
            let before = last.insert((key, round), sequence).unwrap_or(0);
            assert!(before <= sequence, "the key {key} went back from {before} to {sequence} in round {round}");
            if self.entries[id].deed.is_settled_by(delivery["attempt"].as_u64().unwrap()) {
                settled.insert(id);
            }
        }
    }

    /// How many events and deliveries there were, for the test's output.
    pub(crate) fn summary(&self) -> Value {
        let acknowledged = self.entries.values().filter(|entry| entry.is_acknowledged).count();
        json!({
            "promised": self.entries.len(), "acknowledged": acknowledged, "events": self.events.len(),
            "deliveries": self.deliveries.len(), "messages": self.messages.len(), "deadEvents": self.dead_events.len(),
        })
    }

    fn acknowledged(&self, is: impl Fn(Kind) -> bool) -> impl Iterator<Item = &str> {
        let acknowledged = self.entries.iter().filter(move |(_, entry)| entry.is_acknowledged && is(entry.kind));
        acknowledged.map(|(id, _)| id.as_str())
    }
}

/// The ids that some attempt settled.
fn done<'a>(entries: &BTreeMap<String, Entry>, deliveries: &'a [Value]) -> BTreeSet<&'a str> {
    let settling = deliveries.iter().filter_map(|delivery| {
        let id = delivery["data"]["id"].as_str()?;
        entries[id].deed.is_settled_by(delivery["attempt"].as_u64()?).then_some(id)
    });
    settling.collect()
}
