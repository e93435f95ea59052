//! How much memory and CPU time a guest may use.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use wasmtime::ResourceLimiter;

use crate::settings::{MESSAGES_BYTES_MAX, MESSAGES_KEPT_MAX, TABLE_ELEMENTS_MAX};

/// Bounds what one store holds: all its linear memories together, all its tables together.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    memory_max: usize,
    memory_used: usize,
    tables_used: usize,
    /// Set when a request for memory was refused, so that the trap which usually follows can be explained.
    pub(crate) refused: bool,
}

/// What one store's messages of `wasi:messaging` hold in the host's memory.
#[derive(Debug, Default)]
pub(crate) struct MessageBudget {
    used: usize,
}

/// A guest holds too much in messages.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("it holds more than {MESSAGES_BYTES_MAX} bytes in messages; drop those that are done with")]
pub(crate) struct MessagesExceeded;

/// The CPU time of one call: what passes while its future is being polled.
#[derive(Clone, Debug)]
pub(crate) struct CpuMeter(Arc<CpuState>);

#[derive(Debug)]
struct CpuState {
    origin: Instant,
    max_ns: AtomicU64,
    used_ns: AtomicU64,
    /// When the current poll began, in ns since `origin`.
    poll_began_ns: AtomicU64,
}

/// A guest used more CPU time than a call may.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the call used more than {max:?} of CPU time")]
pub(crate) struct CpuExceeded {
    pub(crate) max: Duration,
}

/// A future whose polls are charged to a [`CpuMeter`].
pub(crate) struct Metered<F> {
    future: F,
    meter: CpuMeter,
}

// === impl MemoryBudget ===

impl MemoryBudget {
    pub(crate) fn new(memory_max: u64) -> Self {
        let memory_max = usize::try_from(memory_max).unwrap_or(usize::MAX);
        Self { memory_max, memory_used: 0, tables_used: 0, refused: false }
    }
}

impl ResourceLimiter for MemoryBudget {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.memory_used.saturating_add(desired.saturating_sub(current));
        if used > self.memory_max {
            self.refused = true;
            return Ok(false);
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.memory_used = used;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.tables_used.saturating_add(desired.saturating_sub(current));
        if used > TABLE_ELEMENTS_MAX || maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.tables_used = used;
        Ok(true)
    }
}

// === impl MessageBudget ===

impl MessageBudget {
    /// A message that held `before` bytes now holds `after`.
    pub(crate) fn resize(&mut self, before: usize, after: usize) -> Result<(), MessagesExceeded> {
        let used = self.used.saturating_sub(before).saturating_add(after);
        if used > MESSAGES_BYTES_MAX {
            return Err(MessagesExceeded);
        }
        self.used = used;
        Ok(())
    }

    /// Whether an instance that still holds this may go on to its next call.
    pub(crate) fn may_be_kept(&self) -> bool {
        self.used <= MESSAGES_KEPT_MAX
    }
}

// === impl CpuMeter ===

impl CpuMeter {
    pub(crate) fn new() -> Self {
        Self(Arc::new(CpuState {
            origin: Instant::now(),
            max_ns: AtomicU64::new(u64::MAX),
            used_ns: AtomicU64::new(0),
            poll_began_ns: AtomicU64::new(0),
        }))
    }

    /// Begins a call that may use `max`.
    pub(crate) fn begin(&self, max: Duration) {
        self.0.used_ns.store(0, Relaxed);
        self.0.max_ns.store(u64::try_from(max.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Polls of this future are charged to the call.
    pub(crate) fn meter<F: Future>(&self, future: F) -> Metered<F> {
        Metered { future, meter: self.clone() }
    }

    /// Called from within a poll, at each epoch.
    pub(crate) fn check(&self) -> Result<(), CpuExceeded> {
        let running = self.0.now_ns().saturating_sub(self.0.poll_began_ns.load(Relaxed));
        let max = self.0.max_ns.load(Relaxed);
        if self.0.used_ns.load(Relaxed).saturating_add(running) > max {
            return Err(CpuExceeded { max: Duration::from_nanos(max) });
        }
        Ok(())
    }
}

impl CpuState {
    fn now_ns(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl<F: Future + Unpin> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let state = &this.meter.0;
        let began = state.now_ns();
        state.poll_began_ns.store(began, Relaxed);
        let poll = Pin::new(&mut this.future).poll(cx);
        // A call that ends in one poll needs no second look at the clock.
        if poll.is_pending() {
            state.used_ns.fetch_add(state.now_ns().saturating_sub(began), Relaxed);
        }
        poll
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_adds_up_over_all_memories() {
        let mut budget = MemoryBudget::new(300);
        assert!(budget.memory_growing(0, 100, None).unwrap());
        assert!(budget.memory_growing(0, 150, None).unwrap());
        assert!(budget.memory_growing(100, 150, None).unwrap());
        assert!(!budget.memory_growing(150, 151, None).unwrap());
        assert!(budget.refused);
    }

    #[test]
    fn messages_that_are_never_dropped_end_their_guest() {
        let mut budget = MessageBudget::default();
        let half = MESSAGES_BYTES_MAX / 2;
        assert!(budget.resize(0, half).is_ok() && budget.resize(0, half).is_ok());
        assert!(budget.resize(0, 1).is_err());
        assert!(!budget.may_be_kept());
        assert!(budget.resize(half, 0).is_ok() && budget.resize(half, MESSAGES_KEPT_MAX).is_ok());
        assert!(budget.may_be_kept());
    }

    #[test]
    fn a_call_is_charged_while_it_is_polled() {
        let meter = CpuMeter::new();
        meter.begin(Duration::ZERO);
        let inner = meter.clone();
        let poll = futures_util::FutureExt::now_or_never(meter.meter(Box::pin(async move {
            std::thread::sleep(Duration::from_millis(1));
            inner.check()
        })));
        assert!(poll.unwrap().is_err());
        meter.begin(Duration::from_secs(60));
        assert!(meter.check().is_ok());
    }
}
