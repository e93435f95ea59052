//! The memory of all guests together.
//!
//! Each service has its limit for one instance, and as many instances as it may have calls and streams: together they
//! could hold more than the machine has, and the system would end the host for it. Here is where that ends first.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The linear memories of all instances, in bytes.
#[derive(Debug)]
pub(crate) struct Memory {
    max: AtomicU64,
    used: AtomicU64,
}

// === impl Memory ===

impl Memory {
    /// As much as there is, until it is limited.
    pub(crate) fn unlimited() -> Self {
        Self { max: AtomicU64::new(u64::MAX), used: AtomicU64::new(0) }
    }

    /// From now on they may grow to this. What is held already stays.
    pub(crate) fn limit(&self, max: u64) {
        self.max.store(max, Relaxed);
    }

    /// Takes so many more bytes, unless that would be too much.
    pub(crate) fn take(&self, bytes: u64) -> bool {
        let max = self.max.load(Relaxed);
        let more = |used: u64| used.checked_add(bytes).filter(|used| *used <= max);
        self.used.try_update(Relaxed, Relaxed, more).is_ok()
    }

    /// What they hold.
    pub(crate) fn used(&self) -> u64 {
        self.used.load(Relaxed)
    }

    /// To what they may grow, if something limits them.
    pub(crate) fn max(&self) -> Option<u64> {
        Some(self.max.load(Relaxed)).filter(|max| *max < u64::MAX)
    }

    pub(crate) fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_takes_nothing() {
        let memory = Memory::unlimited();
        assert!(memory.take(60));
        memory.limit(100);
        assert!(!memory.take(41) && memory.take(40) && !memory.take(1));
        memory.give_back(60);
        assert!(memory.take(60) && !memory.take(u64::MAX));
        memory.limit(50);
        memory.give_back(40);
        assert!(!memory.take(1), "what is held already counts");
    }
}
