//! What happens on this host, for those who watch: the latest [`RING`] entries, each with an id to go on after.
//!
//! Nobody waits for who watches, and nothing is queued for them: a watcher reads on in the ring at its own pace, and one
//! that is too slow is told that it has missed something.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use serde_json::{Value, json};
use switchyard_core::timestamp::Timestamp;
use tokio::sync::watch;

/// How many entries are kept.
pub(crate) const RING: usize = 1_024;

/// The most who watch at the same time: each keeps a connection.
pub(crate) const WATCHERS_MAX: usize = 64;

/// The feed of a host.
pub(crate) struct Feed {
    /// Tells the feed of this process from those before it, whose numbers mean nothing here.
    epoch: u64,
    ring: Mutex<Ring>,
    /// The number of the newest entry.
    head: watch::Sender<u64>,
    watchers: AtomicUsize,
}

/// One who watches; there are at most [`WATCHERS_MAX`].
pub(crate) struct Watcher(Arc<Feed>);

#[derive(Default)]
struct Ring {
    /// The oldest first; their numbers follow each other.
    entries: VecDeque<Entry>,
    newest: u64,
    /// How many there ever were of each kind.
    counts: BTreeMap<&'static str, u64>,
    is_closed: bool,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    number: u64,
    /// As of an event: `registry.register`.
    pub(crate) kind: &'static str,
    /// One line of JSON.
    pub(crate) data: String,
}

/// Where a watcher is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u64);

/// What there is for a watcher.
#[derive(Debug, PartialEq)]
pub(crate) enum More {
    /// These, in order.
    Entries(Vec<Entry>),
    /// Something was missed; what comes next follows the gap.
    Gap,
    /// Nothing more will come.
    End,
}

// === impl Feed ===

impl Feed {
    /// An empty feed.
    pub(crate) fn new() -> Self {
        let epoch = Timestamp::from(SystemTime::now()).0;
        Self { epoch, ring: Mutex::default(), head: watch::channel(0).0, watchers: AtomicUsize::new(0) }
    }

    /// A place for somebody who watches; none while there are too many.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Watcher> {
        let enter = |count| (count < WATCHERS_MAX).then_some(count + 1);
        let entered = self.watchers.fetch_update(Ordering::AcqRel, Ordering::Acquire, enter);
        entered.is_ok().then(|| Watcher(Arc::clone(self)))
    }

    /// Adds an entry; the oldest one makes room for it.
    pub(crate) fn push(&self, kind: &'static str, subject: &str, data: &Value) {
        let time = Timestamp::from(SystemTime::now());
        let data = json!({"type": kind, "subject": subject, "time": time, "data": data}).to_string();
        let number = {
            let mut ring = self.ring();
            if ring.is_closed {
                return;
            }
            ring.newest += 1;
            *ring.counts.entry(kind).or_default() += 1;
            let number = ring.newest;
            ring.entries.push_back(Entry { number, kind, data });
            if ring.entries.len() > RING {
                ring.entries.pop_front();
            }
            number
        };
        self.head.send_replace(number);
    }

    /// How many entries of each kind there ever were.
    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.ring().counts.clone()
    }

    /// Ends it: watchers get what is there, and then the end.
    pub(crate) fn close(&self) {
        self.ring().is_closed = true;
        self.head.send_modify(|_| {});
    }

    /// The id of an entry.
    pub(crate) fn id(&self, entry: &Entry) -> String {
        format!("{}-{}", self.epoch, entry.number)
    }

    /// From now on.
    pub(crate) fn now(&self) -> Place {
        Place(self.ring().newest)
    }

    /// After the entry with this id. An id of another process, or none that was ever given, is before all that is there;
    /// the second value says whether something was missed for that.
    pub(crate) fn after(&self, id: &str) -> (Place, bool) {
        let number = id.split_once('-').and_then(|(epoch, number)| {
            let is_ours = epoch.parse() == Ok(self.epoch);
            number.parse::<u64>().ok().filter(|_| is_ours)
        });
        let ring = self.ring();
        match number.filter(|number| *number <= ring.newest) {
            Some(number) => (Place(number), false),
            None => (Place(ring.newest - ring.entries.len() as u64), true),
        }
    }

    /// At most `limit` entries after a place, which moves behind them.
    pub(crate) fn read(&self, place: &mut Place, limit: usize) -> More {
        let ring = self.ring();
        let oldest = ring.newest - ring.entries.len() as u64;
        if place.0 < oldest {
            *place = Place(oldest);
            return More::Gap;
        }
        let skip = usize::try_from(place.0 - oldest).unwrap_or(usize::MAX);
        let entries: Vec<Entry> = ring.entries.iter().skip(skip).take(limit).cloned().collect();
        match entries.last() {
            None if ring.is_closed => More::End,
            last => {
                *place = last.map_or(*place, |last| Place(last.number));
                More::Entries(entries)
            }
        }
    }

    /// At most `limit` entries before the one with this id, or the latest, newest first. None when the id is of another
    /// process, or nothing before it is kept.
    pub(crate) fn newest(&self, before: Option<&str>, limit: usize) -> Vec<Entry> {
        let before = match before {
            Some(id) => match self.after(id) {
                (Place(number), false) => number,
                (_, true) => return Vec::new(),
            },
            None => u64::MAX,
        };
        self.ring().entries.iter().rev().filter(|entry| entry.number < before).take(limit).cloned().collect()
    }

    /// Changes whenever there is something to read.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// Nobody panics while holding it, and if so its entries are whole.
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Watcher ===

impl std::ops::Deref for Watcher {
    type Target = Feed;

    fn deref(&self) -> &Feed {
        &self.0
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.watchers.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(feed: &Feed, count: usize) {
        (0..count).for_each(|n| feed.push("a", "s", &json!(n)));
    }

    fn numbers(more: More) -> Vec<u64> {
        match more {
            More::Entries(entries) => entries.iter().map(|entry| entry.number).collect(),
            other => panic!("no entries: {other:?}"),
        }
    }

    #[test]
    fn a_watcher_goes_on_after_the_id_that_it_saw_last() {
        let feed = Feed::new();
        push(&feed, 3);
        let mut place = feed.now();
        assert_eq!(feed.read(&mut place, 9), More::Entries(Vec::new()));
        push(&feed, 3);
        assert_eq!(numbers(feed.read(&mut place, 2)), [4, 5]);
        let (mut again, missed) = feed.after(&format!("{}-4", feed.epoch));
        assert_eq!((numbers(feed.read(&mut again, 9)), missed), (vec![5, 6], false));
        for unknown in ["", "x", "7-4", &format!("{}-99", feed.epoch), &format!("{}-", feed.epoch)] {
            let (mut first, missed) = feed.after(unknown);
            assert_eq!((numbers(feed.read(&mut first, 9)).len(), missed), (6, true), "{unknown}");
        }
    }

    #[test]
    fn the_ring_is_bounded_and_who_is_too_slow_learns_of_it() {
        let feed = Feed::new();
        let mut place = feed.now();
        push(&feed, RING + 5);
        assert_eq!(feed.ring().entries.len(), RING);
        assert_eq!(feed.read(&mut place, 1), More::Gap);
        assert_eq!(numbers(feed.read(&mut place, 1)), [6]);
        let (mut place, missed) = feed.after(&format!("{}-2", feed.epoch));
        assert!(!missed);
        assert_eq!(feed.read(&mut place, 1), More::Gap);
    }

    #[test]
    fn the_newest_are_paged_backwards() {
        let feed = Feed::new();
        push(&feed, 5);
        let numbers = |before: Option<String>, limit| {
            feed.newest(before.as_deref(), limit).iter().map(|entry| entry.number).collect::<Vec<_>>()
        };
        assert_eq!(numbers(None, 2), [5, 4]);
        assert_eq!(numbers(Some(format!("{}-4", feed.epoch)), 9), [3, 2, 1]);
        assert!(numbers(Some(format!("{}-1", feed.epoch)), 9).is_empty());
        assert!(numbers(Some("7-4".to_owned()), 9).is_empty());
    }

    #[test]
    fn a_closed_feed_ends_after_what_is_there() {
        let feed = Feed::new();
        let mut place = feed.now();
        push(&feed, 1);
        feed.close();
        push(&feed, 1);
        assert_eq!(numbers(feed.read(&mut place, 9)), [1]);
        assert_eq!(feed.read(&mut place, 9), More::End);
    }

    #[test]
    fn those_who_watch_are_bounded() {
        let feed = Arc::new(Feed::new());
        let mut watchers: Vec<_> = (0..WATCHERS_MAX).map(|_| feed.enter().unwrap()).collect();
        assert!(feed.enter().is_none());
        watchers.pop();
        assert!(feed.enter().is_some());
    }

    #[test]
    fn an_entry_is_one_line_of_json() {
        let feed = Feed::new();
        feed.push("registry.register", "users", &json!({"text": "a\nb"}));
        let mut place = feed.after("").0;
        let More::Entries(entries) = feed.read(&mut place, 1) else { panic!("it is there") };
        let data: Value = serde_json::from_str(&entries[0].data).unwrap();
        assert_eq!((&data["type"], &data["subject"]), (&json!("registry.register"), &json!("users")));
        assert!(data["time"].is_string() && !entries[0].data.contains('\n'));
    }
}
