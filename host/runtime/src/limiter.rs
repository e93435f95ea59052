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

use crate::{
    memory::Memory,
    settings::{Limits, MESSAGES_BYTES_MAX, MESSAGES_KEPT_MAX},
    usage::Usage,
};

/// Bounds what one store holds: all its linear memories together, all its tables together.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    memory_max: usize,
    memory_used: usize,
    tables_max: usize,
    tables_used: usize,
    /// That of all guests, and of all of the service, of which this is a part; none for what is no guest.
    total: Option<(Arc<Memory>, Arc<Usage>)>,
    /// What was refused last, so that the trap which usually follows can be explained.
    pub(crate) refused: Option<Refused>,
}

/// Something of which a guest may have no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Memory,
    Tables,
    /// Memory, because all guests of the host together hold as much as they may.
    HostMemory,
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
    /// The CPU time of its service.
    usage: Arc<Usage>,
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
    pub(crate) fn new(limits: &Limits) -> Self {
        let memory_max = usize::try_from(limits.memory_max).unwrap_or(usize::MAX);
        Self {
            memory_max,
            memory_used: 0,
            tables_max: limits.tables_max as usize,
            tables_used: 0,
            total: None,
            refused: None,
        }
    }

    /// As a part of the memory of all guests, and of those of its service.
    pub(crate) fn within(mut self, total: Arc<Memory>, usage: Arc<Usage>) -> Self {
        usage.came();
        self.total = Some((total, usage));
        self
    }
}

impl ResourceLimiter for MemoryBudget {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.memory_used.saturating_add(desired.saturating_sub(current));
        if used > self.memory_max {
            self.refused = Some(Refused::Memory);
            return Ok(false);
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        if let Some((total, usage)) = &self.total {
            let more = (used - self.memory_used) as u64;
            if !total.take(more) {
                self.refused = Some(Refused::HostMemory);
                return Ok(false);
            }
            usage.grew(more);
        }
        self.memory_used = used;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.tables_used.saturating_add(desired.saturating_sub(current));
        if used > self.tables_max {
            self.refused = Some(Refused::Tables);
            return Ok(false);
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.tables_used = used;
        Ok(true)
    }
}

impl Drop for MemoryBudget {
    fn drop(&mut self) {
        if let Some((total, usage)) = &self.total {
            total.give_back(self.memory_used as u64);
            usage.left(self.memory_used as u64);
        }
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
    /// What is used counts as its service's, too.
    pub(crate) fn new(usage: Arc<Usage>) -> Self {
        Self(Arc::new(CpuState {
            origin: Instant::now(),
            max_ns: AtomicU64::new(u64::MAX),
            used_ns: AtomicU64::new(0),
            poll_began_ns: AtomicU64::new(0),
            usage,
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
        let used = state.now_ns().saturating_sub(began);
        state.used_ns.fetch_add(used, Relaxed);
        state.usage.computed(used);
        poll
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_adds_up_over_all_memories() {
        let mut budget = MemoryBudget::new(&Limits { memory_max: 300, ..Limits::default() });
        assert!(budget.memory_growing(0, 100, None).unwrap());
        assert!(budget.memory_growing(0, 150, None).unwrap());
        assert!(budget.memory_growing(100, 150, None).unwrap());
        assert!(!budget.memory_growing(150, 151, None).unwrap());
        assert_eq!(budget.refused, Some(Refused::Memory));
    }

    #[test]
    fn the_budgets_of_all_guests_add_up_and_end_with_them() {
        let total = Arc::new(Memory::unlimited());
        total.limit(100);
        let usage = Arc::<Usage>::default();
        let guest = || MemoryBudget::new(&Limits::default()).within(total.clone(), usage.clone());
        let (mut first, mut second) = (guest(), guest());
        assert!(first.memory_growing(0, 60, None).unwrap() && second.memory_growing(0, 40, None).unwrap());
        assert!(!second.memory_growing(40, 41, None).unwrap());
        assert_eq!(second.refused, Some(Refused::HostMemory));
        drop(first);
        assert!(second.memory_growing(40, 100, None).unwrap());
    }

    #[test]
    fn the_budget_adds_up_over_all_tables() {
        let mut budget = MemoryBudget::new(&Limits { tables_max: 30, ..Limits::default() });
        assert!(budget.table_growing(0, 10, None).unwrap());
        assert!(!budget.table_growing(0, 10, Some(9)).unwrap());
        assert_eq!(budget.refused, None, "its own maximum is no limit of the host's");
        assert!(budget.table_growing(0, 20, None).unwrap());
        assert!(!budget.table_growing(20, 21, None).unwrap());
        assert_eq!(budget.refused, Some(Refused::Tables));
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
        let meter = CpuMeter::new(Arc::default());
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
