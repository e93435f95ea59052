//! How far a subscription has come: its window on the log, the events in memory, and the deliveries under way.

use std::{collections::HashMap, sync::Arc};

use switchyard_core::{
    event::Event,
    timestamp::Timestamp,
    window::{self, Ended, Go, Window},
};

use super::settle::Outcome;

/// Bytes of events that are kept between reading and delivering; what is over that is read again.
const RECORDS_BYTES_MAX: usize = 4 << 20;

/// See the module.
pub(super) struct Progress {
    /// The cursor's epoch: another one after it was moved.
    pub(super) epoch: u64,
    pub(super) window: Window,
    /// The durable floor, as far as is known.
    pub(super) floor: u64,
    records: HashMap<u64, (Arc<Event>, usize)>,
    records_bytes: usize,
    under_way: HashMap<u64, UnderWay>,
    last_ticket: u64,
}

/// A delivery under way.
struct UnderWay {
    /// Tells this delivery from a later one of the same event.
    ticket: u64,
    /// Whether the guest's own acknowledgement is being committed.
    acking: bool,
    /// How it ended, while that acknowledgement was being committed.
    ended: Option<(Go, Outcome)>,
}

/// A delivery that begins.
pub(super) struct Begun {
    pub(super) go: Go,
    pub(super) ticket: u64,
    pub(super) epoch: u64,
    /// The event, when it is in memory.
    pub(super) event: Option<Arc<Event>>,
}

// === impl Progress ===

impl Progress {
    pub(super) fn new(epoch: u64, floor: u64, settled: impl IntoIterator<Item = u64>) -> Self {
        Self {
            epoch,
            window: Window::new(window::Config::default(), floor, settled),
            floor,
            records: HashMap::new(),
            records_bytes: 0,
            under_way: HashMap::new(),
            last_ticket: 0,
        }
    }

    /// Keeps an event for its delivery, if there is room.
    pub(super) fn keep(&mut self, sequence: u64, event: Arc<Event>, bytes: usize) {
        if self.records_bytes + bytes <= RECORDS_BYTES_MAX && self.records.insert(sequence, (event, bytes)).is_none() {
            self.records_bytes += bytes;
        }
    }

    /// Begins the next delivery, if there is one.
    pub(super) fn begin(&mut self, now: Timestamp) -> Option<Begun> {
        let go = self.window.next(now)?;
        self.last_ticket += 1;
        let ticket = self.last_ticket;
        self.under_way.insert(go.sequence, UnderWay { ticket, acking: false, ended: None });
        let event = self.records.remove(&go.sequence).map(|(event, bytes)| {
            self.records_bytes -= bytes;
            event
        });
        Some(Begun { go, ticket, epoch: self.epoch, event })
    }

    /// Ends a delivery, unless it was ended by an acknowledgement or is of an earlier epoch; answers whether its outcome
    /// counts. One that ends while its acknowledgement is being committed waits for that.
    pub(super) fn end(&mut self, begun: &Begun, outcome: Outcome) -> Option<Outcome> {
        if begun.epoch != self.epoch {
            return None;
        }
        let under_way = self.under_way.get_mut(&begun.go.sequence).filter(|own| own.ticket == begun.ticket)?;
        if under_way.acking {
            under_way.ended = Some((begun.go, outcome));
            return None;
        }
        self.under_way.remove(&begun.go.sequence);
        Some(outcome)
    }

    /// An acknowledgement by the guest is about to be committed; answers its ticket and the floor that goes with it.
    pub(super) fn begin_ack(&mut self, sequence: u64) -> Option<(u64, u64)> {
        let under_way = self.under_way.get_mut(&sequence).filter(|own| !own.acking && own.ended.is_none())?;
        under_way.acking = true;
        Some((under_way.ticket, self.window.finished(sequence, Ended::Done)))
    }

    /// What became of that. Answers the outcome of the delivery, when the acknowledgement was refused and the delivery
    /// has ended meanwhile.
    pub(super) fn end_ack(&mut self, sequence: u64, ticket: u64, committed: bool) -> Option<(Go, Outcome)> {
        let under_way = self.under_way.get_mut(&sequence).filter(|own| own.ticket == ticket)?;
        if committed {
            self.under_way.remove(&sequence);
            self.window.confirmed(sequence);
            return None;
        }
        under_way.acking = false;
        self.window.reverted(sequence);
        let ended = under_way.ended.take()?;
        self.under_way.remove(&sequence);
        Some(ended)
    }
}
