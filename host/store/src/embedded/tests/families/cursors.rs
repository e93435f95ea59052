//! Cursors as sets.

use std::collections::{BTreeMap, BTreeSet};

use super::log::Log;
use crate::{Backend, Cursor, CursorOp, CursorOutcome, CursorStart, Embedded, Outcome, Retry, Settled, limits::cut};

#[derive(Debug, Clone, Default)]
pub(super) struct Cursors {
    cursors: BTreeMap<String, Place>,
    last_epoch: u64,
}

#[derive(Debug, Clone, Default)]
struct Place {
    epoch: u64,
    floor: u64,
    settled: BTreeSet<u64>,
    retries: BTreeMap<u64, Retry>,
}

// === impl Cursors ===

impl Cursors {
    /// The epoch of a cursor, or another one.
    pub(super) fn epoch(&self, name: &str, right: bool) -> u64 {
        let epoch = self.cursors.get(name).map_or(1, |place| place.epoch);
        if right { epoch } else { epoch.wrapping_add(1) >> 1 }
    }

    /// Places near a cursor's floor.
    pub(super) fn above_floor(&self, name: &str, sequence: u64, floor: u64) -> (u64, u64) {
        let now = self.cursors.get(name).map_or(0, |place| place.floor).saturating_sub(2);
        (now + sequence, now + floor)
    }

    pub(super) fn apply(&mut self, op: &CursorOp, log: &Log, outcome: Option<&Outcome>) -> Option<CursorOutcome> {
        let name = op.name().to_string();
        match op {
            CursorOp::Open { start, .. } => {
                if let Some(place) = self.cursors.get(&name) {
                    return Some(CursorOutcome::At { epoch: place.epoch, floor: place.floor });
                }
                return Some(self.begin(name, start_of(*start, log), outcome));
            }
            CursorOp::Seek { to, .. } => {
                self.cursors.get(&name)?;
                return Some(self.begin(name, start_of(*to, log), outcome));
            }
            CursorOp::Remove { .. } => drop(self.cursors.remove(&name)),
            CursorOp::Redeliver { retry, .. } => {
                let place = self.cursors.get_mut(&name)?;
                place.settled.remove(&retry.sequence);
                place.retries.insert(retry.sequence, Retry { reason: cut(&retry.reason, 4).into(), ..retry.clone() });
            }
            CursorOp::Advance { epoch, floor, .. } => self.place(&name, *epoch)?.advance(*floor),
            CursorOp::Settle { epoch, sequence, floor, settled, .. } => {
                let place = self.place(&name, *epoch)?;
                place.advance(*floor);
                place.settle(*sequence, settled);
            }
        }
        Some(CursorOutcome::Done)
    }

    fn begin(&mut self, name: String, floor: u64, outcome: Option<&Outcome>) -> CursorOutcome {
        let epoch = match outcome {
            Some(Outcome::Cursor(CursorOutcome::At { epoch, .. })) => *epoch,
            // A refused batch has none: one that nobody knows stands in.
            _ => self.last_epoch + (1 << 40),
        };
        assert!(epoch > self.last_epoch, "epoch {epoch} after {}", self.last_epoch);
        self.last_epoch = epoch;
        self.cursors.insert(name, Place { epoch, floor, ..Place::default() });
        CursorOutcome::At { epoch, floor }
    }

    fn place(&mut self, name: &str, epoch: u64) -> Option<&mut Place> {
        self.cursors.get_mut(name).filter(|place| place.epoch == epoch)
    }

    pub(super) async fn compare(&self, store: &Embedded) {
        for name in super::CURSORS {
            let expected = self.cursors.get(name).map(|place| Cursor {
                name: name.into(),
                epoch: place.epoch,
                floor: place.floor,
                settled: place.settled.iter().copied().collect(),
                retries: place.retries.values().cloned().collect(),
            });
            assert_eq!(store.cursor(name).await.unwrap(), expected);
        }
        assert_eq!(store.cursors().await.unwrap().len(), self.cursors.len());
    }
}

// === impl Place ===

impl Place {
    fn advance(&mut self, floor: u64) {
        self.floor = self.floor.max(floor);
        self.settled.retain(|sequence| *sequence > self.floor);
    }

    fn settle(&mut self, sequence: u64, settled: &Settled) {
        let old = self.retries.remove(&sequence);
        self.settled.remove(&sequence);
        match settled {
            Settled::Done if sequence > self.floor => drop(self.settled.insert(sequence)),
            Settled::Done => {}
            Settled::Retry { attempts, due, reason } => {
                let record = old.and_then(|old| old.record);
                let reason = cut(reason, 4).into();
                self.retries.insert(sequence, Retry { sequence, attempts: *attempts, due: *due, reason, record });
            }
        }
    }
}

fn start_of(start: CursorStart, log: &Log) -> u64 {
    match start {
        CursorStart::Latest => log.head(),
        CursorStart::First => log.first().map_or(log.head(), |first| first - 1),
        CursorStart::After(sequence) => sequence,
        CursorStart::Time(at) => log.seek(at),
    }
}
