//! Reading on in the log: what concerns a subscription goes into its window.

use std::sync::Arc;

use switchyard_core::{
    event::{Event, codec},
    window,
};
use switchyard_store::{ReadLog, Record, StoreError};

use super::{Declared, Subscription};
use crate::{delivery::Delivery, filter::Facts};

/// Events that are read at once.
const PAGE: usize = 256;

// === impl Subscription ===

impl Subscription {
    /// Reads one page, if there is room for it; answers whether there may be more to read at once.
    pub(super) async fn read(&self, delivery: &Delivery) -> Result<bool, StoreError> {
        let Some((epoch, after)) = self.wants() else { return Ok(false) };
        let declared = self.declared();
        let read = ReadLog { after, topics: Some(declared.pattern.clone()), limit: PAGE };
        let page = delivery.store.log_read(read).await?;
        let mut wanted: Vec<_> = page.records.iter().filter_map(|record| self.look(&declared, record)).collect();
        // What is damaged on disk is owed too: its delivery makes a dead letter of it, so that somebody learns of it.
        wanted.extend(page.rotten.iter().map(|sequence| (*sequence, None, 0)));
        wanted.sort_unstable_by_key(|(sequence, ..)| *sequence);
        let mut progress = self.progress();
        let Some(progress) = progress.as_mut().filter(|progress| progress.epoch == epoch) else { return Ok(true) };
        for (sequence, event, bytes) in wanted {
            progress
                .window
                .offer(sequence, event.as_ref().and_then(|event| event.partitionkey.as_deref()).map(Arc::from));
            if let Some(event) = event {
                progress.keep(sequence, event, bytes);
            }
        }
        progress.window.scanned(page.scanned);
        Ok(page.more)
    }

    /// The epoch, and after which sequence to read; none while enough waits in memory.
    fn wants(&self) -> Option<(u64, u64)> {
        let progress = self.progress();
        let progress = progress.as_ref()?;
        let enough = window::Config::default().in_flight_max * 2;
        let after = progress.window.wants().filter(|_| progress.window.ready() < enough)?;
        Some((progress.epoch, after))
    }

    /// The event, when it is to be delivered. One that cannot be read is delivered to the dead letters.
    fn look(&self, declared: &Declared, record: &Record) -> Option<(u64, Option<Arc<Event>>, usize)> {
        let Ok(event) = codec::decode(&record.record) else { return Some((record.sequence, None, 0)) };
        if let Some(filter) = &declared.filter {
            match filter.matches(&Facts::new(&event)) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    tracing::debug!(subscription = &*self.name, event = event.id, %error, "a filter failed");
                    self.counters.filter_failed();
                    return None;
                }
            }
        }
        Some((record.sequence, Some(Arc::new(event)), record.record.len()))
    }
}
