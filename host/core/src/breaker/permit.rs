//! What calls are admitted by.

use std::time::{Duration, Instant};

/// The right to one call, to be brought back with its outcome.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a probe whose outcome is not recorded keeps its place for ever"]
pub struct Permit {
    /// The number of the state in which the call was admitted.
    generation: u64,
    is_probe: bool,
    /// None when nobody asks how long it took.
    began: Option<Instant>,
}

/// The right to any number of calls until the breaker's next transition. What is made of an older one changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    generation: u64,
    is_timed: bool,
}

/// That a call was recorded as a success whose answer may still break off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    generation: u64,
}

// === impl Permit ===

impl Permit {
    pub(super) fn probe(generation: u64, now: Instant) -> Self {
        Self { generation, is_probe: true, began: Some(now) }
    }

    /// To be kept while the answer of a success is on its way.
    #[must_use]
    pub fn receipt(&self) -> Receipt {
        Receipt { generation: self.generation }
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn is_probe(&self) -> bool {
        self.is_probe
    }

    pub(super) fn took(&self, now: Instant) -> Option<Duration> {
        self.began.map(|began| now.saturating_duration_since(began))
    }
}

// === impl Pass ===

impl Pass {
    pub(super) fn new(generation: u64, is_timed: bool) -> Self {
        Self { generation, is_timed }
    }

    /// For one call that begins now.
    pub fn permit(self, now: Instant) -> Permit {
        self.permit_with(|| now)
    }

    /// For one call; the clock is read only if its time matters.
    pub fn permit_with(self, now: impl FnOnce() -> Instant) -> Permit {
        Permit { generation: self.generation, is_probe: false, began: self.is_timed.then(now) }
    }

    /// As a number that is not 0, so that it fits into an atomic variable.
    #[must_use]
    pub fn to_bits(self) -> u64 {
        self.generation << 1 | u64::from(self.is_timed)
    }

    /// What [`to_bits`](Self::to_bits) made; none of 0.
    #[must_use]
    pub fn from_bits(bits: u64) -> Option<Self> {
        (bits != 0).then_some(Self { generation: bits >> 1, is_timed: bits & 1 == 1 })
    }
}

// === impl Receipt ===

impl Receipt {
    pub(super) fn into_permit(self) -> Permit {
        Permit { generation: self.generation, is_probe: false, began: None }
    }
}
