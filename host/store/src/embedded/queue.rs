//! A bounded queue from many async callers to blocking threads.
//!
//! Taking everything at once is what makes group commit: one lock for a whole group, and what arrives meanwhile
//! is the next group. A queue bounds its items and their cost (bytes); one item that costs more than the bound
//! is taken when nothing else waits, else it could never pass.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
    items_max: usize,
    cost_max: usize,
}

/// Why an item was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Busy,
    Closed,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<(T, usize)>,
    cost: usize,
    open: bool,
}

// === impl Queue ===

impl<T> Queue<T> {
    pub(super) fn new(items_max: usize, cost_max: usize) -> Self {
        let state = State { items: VecDeque::new(), cost: 0, open: true };
        Self { state: Mutex::new(state), arrived: Condvar::new(), items_max, cost_max }
    }

    pub(super) fn push(&self, item: T, cost: usize) -> Result<(), Refused> {
        let mut state = self.lock();
        if !state.open {
            return Err(Refused::Closed);
        }
        let too_many = state.items.len() >= self.items_max;
        let too_much = !state.items.is_empty() && state.cost.saturating_add(cost) > self.cost_max;
        if too_many || too_much {
            return Err(Refused::Busy);
        }
        state.items.push_back((item, cost));
        state.cost += cost;
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for an item; `None` once the queue is closed and empty.
    pub(super) fn take(&self) -> Option<T> {
        let mut state = self.wait();
        let (item, cost) = state.items.pop_front()?;
        state.cost -= cost;
        Some(item)
    }

    /// Waits for an item and takes all that are there; `None` once the queue is closed and empty.
    pub(super) fn take_all(&self) -> Option<Vec<T>> {
        let mut state = self.wait();
        state.cost = 0;
        let items = std::mem::take(&mut state.items);
        drop(state);
        (!items.is_empty()).then(|| items.into_iter().map(|(item, _)| item).collect())
    }

    /// Takes no more; what waits is still handed out.
    pub(super) fn close(&self) {
        self.lock().open = false;
        self.arrived.notify_all();
    }

    pub(super) fn len(&self) -> usize {
        self.lock().items.len()
    }

    fn wait(&self) -> MutexGuard<'_, State<T>> {
        self.arrived
            .wait_while(self.lock(), |state| state.open && state.items.is_empty())
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No code that can panic runs under the lock, so a poisoned state is a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn push_refuses_beyond_items_and_cost() {
        let queue = Queue::new(2, 10);
        queue.push('a', 6).unwrap();
        assert_eq!(queue.push('b', 5), Err(Refused::Busy));
        queue.push('c', 4).unwrap();
        assert_eq!(queue.push('d', 0), Err(Refused::Busy));
        assert_eq!(queue.take_all(), Some(vec!['a', 'c']));
        queue.push('e', 10).unwrap();
    }

    #[test]
    fn push_takes_one_oversized_item_when_nothing_waits() {
        let queue = Queue::new(2, 10);
        queue.push('a', 100).unwrap();
        assert_eq!(queue.push('b', 1), Err(Refused::Busy));
        assert_eq!(queue.take(), Some('a'));
        queue.push('b', 1).unwrap();
    }

    #[test]
    fn close_hands_out_what_waits_and_then_ends() {
        let queue = Queue::new(2, 10);
        queue.push('a', 1).unwrap();
        queue.close();
        assert_eq!(queue.push('b', 1), Err(Refused::Closed));
        assert_eq!(queue.take(), Some('a'));
        assert_eq!(queue.take(), None);
        assert_eq!(queue.take_all(), None);
    }
}
