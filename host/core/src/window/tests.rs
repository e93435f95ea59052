//! The window against a naive model: random results, failing commits, crashes, virtual time.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const CONFIG: Config = Config { in_flight_max: 3, unsettled_max: 8, retries_max: 3 };

/// What the store would hold.
#[derive(Default)]
struct Durable {
    floor: u64,
    settled: BTreeSet<u64>,
    retries: BTreeMap<u64, (u32, Timestamp)>,
}

/// One step of a run; the number chooses among what is under way.
#[derive(Clone, Debug)]
enum Step {
    Read,
    Deliver,
    Finish(usize, bool),
    Commit(usize, bool),
    Defer(usize),
    Wait(u64),
    Revert(usize),
    Crash,
    Redeliver(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Read),
        4 => Just(Step::Deliver),
        4 => (0..9usize, any::<bool>()).prop_map(|(n, fails)| Step::Finish(n, fails)),
        4 => (0..9usize, proptest::bool::weighted(0.8)).prop_map(|(n, works)| Step::Commit(n, works)),
        1 => (0..9usize).prop_map(Step::Defer),
        2 => (1..30u64).prop_map(Step::Wait),
        1 => (0..9usize).prop_map(Step::Revert),
        1 => Just(Step::Crash),
        1 => (0..9usize).prop_map(Step::Redeliver),
    ]
}

struct Run {
    log: Vec<Option<Option<Arc<str>>>>,
    window: Window,
    durable: Durable,
    now: Timestamp,
    flying: Vec<u64>,
    committing: Vec<(u64, Ended, u64)>,
    /// How often each was settled for good.
    done: BTreeMap<u64, usize>,
    /// What was redriven after it had been settled.
    redriven: BTreeMap<u64, usize>,
}

impl Run {
    /// A log of events: not of concern, without key, or with one of three keys.
    fn new(kinds: &[u8]) -> Self {
        let kind = |kind: &u8| match kind {
            0 => None,
            1 => Some(None),
            key => Some(Some(Arc::from(key.to_string()))),
        };
        Self {
            log: kinds.iter().map(kind).collect(),
            window: Window::new(CONFIG, 0, []),
            durable: Durable::default(),
            now: Timestamp(0),
            flying: Vec::new(),
            committing: Vec::new(),
            done: BTreeMap::new(),
            redriven: BTreeMap::new(),
        }
    }

    fn key(&self, sequence: u64) -> Option<Arc<str>> {
        self.log[usize::try_from(sequence).unwrap() - 1].clone().flatten()
    }

    fn act(&mut self, step: &Step) {
        match *step {
            Step::Read => self.read(),
            Step::Deliver => self.deliver(),
            Step::Finish(n, fails) if n < self.flying.len() => {
                let sequence = self.flying.remove(n);
                let ended =
                    if fails { Ended::Retry(self.now.plus(std::time::Duration::from_millis(10))) } else { Ended::Done };
                let floor = self.window.finished(sequence, ended);
                self.committing.push((sequence, ended, floor));
            }
            Step::Commit(n, works) if n < self.committing.len() => self.commit(n, works),
            Step::Defer(n) if n < self.flying.len() => {
                let sequence = self.flying.remove(n);
                self.window.deferred(sequence, Timestamp(self.now.0 + 5));
            }
            Step::Revert(n) if n < self.committing.len() => {
                let (sequence, ..) = self.committing.remove(n);
                self.window.reverted(sequence);
                assert!(self.window.is_in_flight(sequence));
                self.flying.push(sequence);
            }
            Step::Wait(ms) => self.now.0 += ms,
            Step::Crash => self.crash(),
            Step::Redeliver(n) => {
                if let Some(sequence) =
                    self.done.keys().nth(n).copied().filter(|s| !self.durable.retries.contains_key(s))
                {
                    if self.flying.contains(&sequence) || self.committing.iter().any(|(s, ..)| *s == sequence) {
                        return;
                    }
                    self.durable.retries.insert(sequence, (0, self.now));
                    *self.redriven.entry(sequence).or_default() += 1;
                    let key = self.key(sequence);
                    self.window.retry(sequence, key, 0, self.now);
                }
            }
            _ => {}
        }
        self.check();
    }

    fn read(&mut self) {
        let Some(after) = self.window.wants() else { return };
        let up_to = (after + 4).min(self.log.len() as u64);
        for sequence in after + 1..=up_to {
            if self.log[usize::try_from(sequence).unwrap() - 1].is_some() {
                let key = self.key(sequence);
                self.window.offer(sequence, key);
            }
        }
        self.window.scanned(up_to);
    }

    fn deliver(&mut self) {
        let Some(go) = self.window.next(self.now) else { return };
        if let Some(key) = self.key(go.sequence) {
            let under_way = self.flying.iter().chain(self.committing.iter().map(|(sequence, ..)| sequence));
            assert!(under_way.clone().all(|s| self.key(*s).as_ref() != Some(&key)), "two of key {key} at once");
            for earlier in (1..go.sequence).filter(|s| self.key(*s).as_ref() == Some(&key)) {
                let settled = self.done.contains_key(&earlier) && !self.durable.retries.contains_key(&earlier);
                assert!(settled, "{} before {earlier} of key {key}", go.sequence);
            }
        }
        if let Some((failed, due)) = self.durable.retries.get(&go.sequence) {
            assert_eq!(go.attempt, failed + 1);
            assert!(*due <= self.now);
        }
        self.flying.push(go.sequence);
    }

    fn commit(&mut self, n: usize, works: bool) {
        let (sequence, ended, floor) = self.committing.remove(n);
        if !works {
            return self.window.unconfirmed(sequence, self.now);
        }
        self.durable.floor = self.durable.floor.max(floor);
        let failed = self.durable.retries.remove(&sequence).map_or(0, |(failed, _)| failed);
        match ended {
            Ended::Done => {
                *self.done.entry(sequence).or_default() += 1;
                self.durable.settled.insert(sequence);
            }
            Ended::Retry(due) => drop(self.durable.retries.insert(sequence, (failed + 1, due))),
        }
        self.durable.settled = self.durable.settled.split_off(&(self.durable.floor + 1));
        self.window.confirmed(sequence);
    }

    fn crash(&mut self) {
        (self.flying, self.committing) = (Vec::new(), Vec::new());
        self.window = Window::new(CONFIG, self.durable.floor, self.durable.settled.iter().copied());
        for (sequence, (failed, due)) in &self.durable.retries {
            let key = self.log[usize::try_from(*sequence).unwrap() - 1].clone().flatten();
            self.window.retry(*sequence, key, *failed, *due);
        }
    }

    /// Nothing is lost: what the floor has passed is settled, or has a retry.
    fn check(&self) {
        assert!(self.window.in_flight() <= CONFIG.in_flight_max);
        assert_eq!(self.window.in_flight(), self.flying.len() + self.committing.len());
        for sequence in 1..=self.durable.floor {
            let concerns = self.log[usize::try_from(sequence).unwrap() - 1].is_some();
            let kept = self.done.contains_key(&sequence) || self.durable.retries.contains_key(&sequence);
            assert!(!concerns || kept, "{sequence} was passed by the floor {}", self.durable.floor);
        }
    }

    /// Lets everything succeed until nothing is left.
    fn drain(&mut self) {
        for _ in 0..self.log.len() * 40 + 100 {
            self.now.0 += 50;
            self.read();
            self.deliver();
            while !self.flying.is_empty() {
                self.act(&Step::Finish(0, false));
            }
            while !self.committing.is_empty() {
                self.commit(0, true);
            }
        }
        let all = self.log.iter().enumerate().filter(|(_, kind)| kind.is_some()).map(|(place, _)| place as u64 + 1);
        assert_eq!(self.done.keys().copied().collect::<Vec<_>>(), all.collect::<Vec<_>>());
        assert_eq!(self.window.floor(), self.log.len() as u64);
        assert_eq!((self.window.in_flight(), self.window.retrying()), (0, 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn nothing_is_lost_and_keys_stay_in_order(
        kinds in proptest::collection::vec(0..5u8, 0..30),
        steps in proptest::collection::vec(step(), 0..120),
    ) {
        let mut run = Run::new(&kinds);
        for step in &steps {
            run.act(step);
        }
        run.drain();
        for (sequence, times) in &run.done {
            prop_assert_eq!(*times, 1 + run.redriven.get(sequence).copied().unwrap_or(0), "{}", sequence);
        }
    }
}

#[test]
fn a_full_window_reads_no_further() {
    let mut window = Window::new(CONFIG, 0, []);
    (1..=8).for_each(|sequence| window.offer(sequence, None));
    window.scanned(8);
    assert_eq!(window.wants(), None);
    let go = window.next(Timestamp(0)).unwrap();
    window.finished(go.sequence, Ended::Done);
    window.confirmed(go.sequence);
    assert_eq!(window.wants(), Some(8));
}

#[test]
fn an_event_redriven_while_its_end_is_committed_comes_again() {
    let mut window = Window::new(CONFIG, 0, []);
    window.offer(1, Some("k".into()));
    window.offer(2, Some("k".into()));
    window.scanned(2);
    assert_eq!(window.next(Timestamp(0)).unwrap().sequence, 1);
    window.finished(1, Ended::Done);
    window.retry(1, Some("k".into()), 0, Timestamp(5));
    window.confirmed(1);
    assert_eq!(window.next(Timestamp(5)), Some(Go { sequence: 1, attempt: 1 }));
    window.finished(1, Ended::Done);
    window.confirmed(1);
    assert_eq!(window.next(Timestamp(5)).unwrap().sequence, 2);
}
