//! A small value that follows refused batches and lost transactions.

/// A value, and what it was before the present batch and before the present transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Undo<T> {
    now: T,
    before_batch: T,
    before_transaction: T,
}

// === impl Undo ===

impl<T: Copy> Undo<T> {
    pub(super) fn new(value: T) -> Self {
        Self { now: value, before_batch: value, before_transaction: value }
    }

    pub(super) fn get(&self) -> T {
        self.now
    }

    pub(super) fn set(&mut self, value: T) {
        self.now = value;
    }

    /// The present batch stays.
    pub(super) fn keep(&mut self) {
        self.before_batch = self.now;
    }

    /// The present batch was refused.
    pub(super) fn undo(&mut self) {
        self.now = self.before_batch;
    }

    /// The transaction was committed.
    pub(super) fn committed(&mut self) {
        *self = Self::new(self.now);
    }

    /// The transaction was rolled back.
    pub(super) fn forget(&mut self) {
        *self = Self::new(self.before_transaction);
    }
}

#[cfg(test)]
mod tests {
    use super::Undo;

    #[test]
    fn a_refused_batch_and_a_lost_transaction_are_undone() {
        let mut value = Undo::new(1);
        value.set(2);
        value.keep();
        value.set(3);
        value.undo();
        assert_eq!(value.get(), 2);
        value.forget();
        assert_eq!(value.get(), 1);
        value.set(4);
        value.keep();
        value.committed();
        value.set(5);
        value.forget();
        assert_eq!(value.get(), 4);
    }
}
