//! The counts of many keys, in bounded memory.
//!
//! A cell that is over says nothing, so dropping it changes nothing. They are found by a hand that goes round: each new
//! key has it look at the next [`LOOKS`] cells, which is the whole cost, however many there are. When the table is full
//! and none of those it looks at is over, it drops the one that is nearest to its end.
//!
//! That decides what many addresses can do. A cell that has made one request is nearest to its end, so it is the crowd
//! that pushes itself out: to have somebody's count forgotten that has used up much of its quota, each of the cells
//! beside it must have used up more. And to fill the table at all, [`KEYS_MAX`] keys have to ask within the time that
//! one request is worth, 0.6 s with 100 requests in 60 s.

use std::{collections::HashMap, hash::Hash, time::Duration};

use super::{Cell, Quota, Verdict, check};

/// Keys that are counted at the same time, unless told otherwise.
pub const KEYS_MAX: usize = 100_000;

/// Cells that are looked at for each new key. More than one, so that cells go faster than they come.
const LOOKS: usize = 16;

/// Counts by key.
#[derive(Clone, Debug)]
pub struct Table<K> {
    limit: usize,
    places: HashMap<K, usize>,
    /// Side by side, since the hand goes over them.
    cells: Vec<(K, Cell)>,
    hand: usize,
}

// === impl Table ===

impl<K: Clone + Eq + Hash> Table<K> {
    /// An empty table for at most so many keys, at least one. It takes memory as keys come.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), places: HashMap::new(), cells: Vec::new(), hand: 0 }
    }

    /// Decides about a request of this key, and counts it if it may pass.
    pub fn check(&mut self, key: &K, now: Duration, quota: &Quota) -> Verdict {
        if let Some(place) = self.places.get(key) {
            return check(&mut self.cells[*place].1, now, quota);
        }
        self.make_room(now);
        let mut cell = Cell::default();
        let verdict = check(&mut cell, now, quota);
        self.places.insert(key.clone(), self.cells.len());
        self.cells.push((key.clone(), cell));
        verdict
    }

    /// How many keys are counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Drops what is over of the next cells; then, if it is still full, the one of them that is nearest to its end.
    fn make_room(&mut self, now: Duration) {
        let mut nearest: Option<(Cell, usize)> = None;
        for _ in 0..LOOKS.min(self.cells.len()) {
            if self.hand >= self.cells.len() {
                self.hand = 0;
            }
            let Some(&(_, cell)) = self.cells.get(self.hand) else { return };
            if cell.is_over(now) {
                // Another cell takes its place, and is looked at next.
                self.drop_at(self.hand);
                continue;
            }
            if nearest.is_none_or(|(held, _)| cell < held) {
                nearest = Some((cell, self.hand));
            }
            self.hand += 1;
        }
        // It has moved if another one was dropped, but then there is room.
        match nearest {
            Some((_, place)) if self.cells.len() >= self.limit => self.drop_at(place),
            _ => {}
        }
    }

    /// The last cell takes the place of this one.
    fn drop_at(&mut self, place: usize) {
        let (key, _) = self.cells.swap_remove(place);
        self.places.remove(&key);
        if let Some((moved, _)) = self.cells.get(place) {
            self.places.insert(moved.clone(), place);
        }
    }
}

impl<K: Clone + Eq + Hash> Default for Table<K> {
    fn default() -> Self {
        Self::new(KEYS_MAX)
    }
}

#[cfg(test)]
impl<K: Clone + Eq + Hash> Table<K> {
    /// Whether each key has its own place.
    pub(super) fn is_in_order(&self) -> bool {
        let is_own = |(key, place): (&K, &usize)| self.cells[*place].0 == *key;
        self.places.len() == self.cells.len() && self.places.iter().all(is_own)
    }
}
