//! Traces: what the host does for a request, an event, a message or a saga, as spans for whoever collects them.
//!
//! What a span belongs to is said by a traceparent, which requests, events, messages and commands carry along anyway;
//! so nothing else has to be handed through. A trace is recorded when its flags say so: that is decided once, where it
//! begins.
//!
//! **Invariants**: while nobody collects spans, the place of one costs the read of one pointer, and nothing is allocated;
//! a trace that is not recorded costs one more look at its flags. Whoever makes a span never waits for those who take it.

mod active;
mod calls;

use std::sync::{Arc, OnceLock};

use switchyard_core::trace::{self, Kind, Name, Span, TraceParent};

pub use self::active::Active;
pub(crate) use self::calls::{TRACEPARENT, adopt, sent};
use crate::breaker::chance;

/// Takes spans that have ended.
pub trait Spans: Send + Sync + 'static {
    /// Takes one, or drops it; at once in any case.
    fn record(&self, span: Span);
}

/// Makes spans, for a host.
#[derive(Default)]
pub struct Tracer(OnceLock<Collected>);

/// What is known from when spans are collected.
struct Collected {
    spans: Arc<dyn Spans>,
    /// A new trace is recorded when chance is below this.
    threshold: u64,
}

// === impl Tracer ===

impl Tracer {
    /// Has spans collected from now on, and this share of the traces that begin here recorded, from 0 to 1. It happens
    /// once; later calls do nothing.
    pub fn collect(&self, spans: Arc<dyn Spans>, share: f64) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a float saturates")]
        let threshold = (share.clamp(0.0, 1.0) * u64::MAX as f64) as u64;
        // That somebody collects already is what was asked for.
        let _ = self.0.set(Collected { spans, threshold });
    }

    /// Whether somebody collects spans.
    pub fn is_on(&self) -> bool {
        self.0.get().is_some()
    }

    /// Whether a trace that begins now is recorded; `chance` is a number of chance.
    pub fn samples(&self, chance: impl FnOnce() -> u64) -> bool {
        self.0.get().is_some_and(|collected| chance() < collected.threshold)
    }

    /// Begins a span below this traceparent; none when its trace is not recorded, or nobody collects.
    #[inline]
    pub fn begin(&self, traceparent: Option<&str>, kind: Kind, name: impl FnOnce() -> Name) -> Option<Active> {
        let collected = self.0.get()?;
        let parent = traceparent.filter(|traceparent| trace::is_sampled(traceparent))?;
        let parent = TraceParent::parse(parent.as_bytes())?;
        Some(collected.span(parent.child(span_id()), Some(parent.span_id), kind, name()))
    }

    /// The same, where a trace may begin: it does when there is no traceparent, and chance wants it.
    pub fn begin_or_root(&self, traceparent: Option<&str>, kind: Kind, name: impl FnOnce() -> Name) -> Option<Active> {
        let collected = self.0.get()?;
        if traceparent.is_some() {
            return self.begin(traceparent, kind, name);
        }
        if chance() >= collected.threshold {
            return None;
        }
        let mut trace_id = [0; 16];
        trace_id[..8].copy_from_slice(&chance().to_be_bytes());
        trace_id[8..].copy_from_slice(&span_id());
        let place = TraceParent { trace_id, span_id: span_id(), flags: 0 }.sampled(true);
        Some(collected.span(place, None, kind, name()))
    }

    /// Begins the span of this place, whose id somebody drew already; none when its trace is not recorded, or nobody
    /// collects.
    pub fn begin_at(&self, place: TraceParent, parent_id: Option<[u8; 8]>, kind: Kind, name: Name) -> Option<Active> {
        let collected = self.0.get()?;
        place.is_sampled().then(|| collected.span(place, parent_id, kind, name))
    }

    /// Hands over a span that somebody else made and ended; nothing happens when nobody collects, or its trace is not
    /// recorded.
    pub fn record(&self, span: Span) {
        let is_sampled = TraceParent { trace_id: span.trace_id, span_id: span.span_id, flags: span.flags }.is_sampled();
        if let Some(collected) = self.0.get().filter(|_| is_sampled) {
            collected.spans.record(span);
        }
    }
}

// === impl Collected ===

impl Collected {
    fn span(&self, place: TraceParent, parent_id: Option<[u8; 8]>, kind: Kind, name: Name) -> Active {
        Active::begin(Arc::clone(&self.spans), place, parent_id, kind, name)
    }
}

/// An id of a span, which must not be zero.
fn span_id() -> [u8; 8] {
    chance().max(1).to_be_bytes()
}

#[cfg(test)]
pub(crate) mod tests;
