//! Spans on their way to a collector: a bounded queue that nobody waits for, and one task that sends what is in it.

mod encode;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use switchyard_core::trace::Span;
use switchyard_dispatch::Spans;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::otlp::{Exporter, TRACES};

/// Spans that wait to be sent; further ones are dropped. That is some 8 MiB at most when each has usual texts.
pub(crate) const WAITING_MAX: usize = 8_192;

/// Spans in one request.
const BATCH_MAX: usize = 512;

/// How long the first span of a batch waits for others.
const BATCH_WAIT: Duration = Duration::from_secs(5);

/// How long a host that stops takes to send what is left.
const FLUSH_MAX: Duration = Duration::from_secs(3);

/// Takes spans, for those who make them.
pub(crate) struct Collector {
    waiting: mpsc::Sender<Span>,
    counts: Arc<Counts>,
}

/// Sends them.
pub(crate) struct Sender {
    exporter: Exporter,
    waiting: mpsc::Receiver<Span>,
    counts: Arc<Counts>,
}

/// How many spans there were so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    sent: AtomicU64,
    dropped: AtomicU64,
}

// === impl Counts ===

impl Counts {
    /// Those that a collector took.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// Those that were lost: too many waited, or no collector took them.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}

/// A queue of spans, and who sends them.
pub(crate) fn channel(exporter: Exporter) -> (Arc<Collector>, Sender) {
    let ((sender, waiting), counts) = (mpsc::channel(WAITING_MAX), Arc::<Counts>::default());
    let collector = Collector { waiting: sender, counts: Arc::clone(&counts) };
    (Arc::new(collector), Sender { exporter, waiting, counts })
}

// === impl Collector ===

impl Collector {
    /// How many spans there were so far.
    pub(crate) fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }
}

impl Spans for Collector {
    fn record(&self, span: Span) {
        if self.waiting.try_send(span).is_err() {
            self.counts.dropped.fetch_add(1, Relaxed);
        }
    }
}

// === impl Sender ===

impl Sender {
    /// Sends until `stop` is cancelled, and then what is left.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut unsent = None;
        while !stop.is_cancelled() {
            let batch = self.batch(&stop).await;
            if batch.is_empty() {
                continue;
            }
            let (count, body) = (batch.len(), encode::request(&self.exporter, batch));
            tokio::select! {
                () = self.send(count, body.clone()) => {}
                // Whatever it waits for, there is no time left for that.
                () = stop.cancelled() => unsent = Some((count, body)),
            }
        }
        if timeout(FLUSH_MAX, self.flush(unsent)).await.is_err() {
            let left = self.waiting.len();
            self.counts.dropped.fetch_add(left as u64, Relaxed);
            tracing::warn!(left, "spans were not sent in time; they are dropped");
        }
    }

    /// Spans that go together; none when it is time to stop.
    async fn batch(&mut self, stop: &CancellationToken) -> Vec<Span> {
        let mut batch = Vec::new();
        tokio::select! {
            _ = self.waiting.recv_many(&mut batch, BATCH_MAX) => {}
            () = stop.cancelled() => return batch,
        }
        let due = Instant::now() + BATCH_WAIT;
        while batch.len() < BATCH_MAX {
            let room = BATCH_MAX - batch.len();
            tokio::select! {
                received = timeout_at(due, self.waiting.recv_many(&mut batch, room)) => match received {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => break,
                },
                () = stop.cancelled() => break,
            }
        }
        batch
    }

    async fn flush(&mut self, unsent: Option<(usize, Bytes)>) {
        if let Some((count, body)) = unsent {
            self.send(count, body).await;
        }
        loop {
            let mut batch = Vec::new();
            while batch.len() < BATCH_MAX
                && let Ok(span) = self.waiting.try_recv()
            {
                batch.push(span);
            }
            if batch.is_empty() {
                return;
            }
            self.send(batch.len(), encode::request(&self.exporter, batch)).await;
        }
    }

    async fn send(&self, count: usize, body: Bytes) {
        let counter = match self.exporter.post(TRACES, body).await {
            Ok(()) => &self.counts.sent,
            Err(_) => &self.counts.dropped,
        };
        counter.fetch_add(count as u64, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use switchyard_core::trace::{Kind, Status};

    use super::*;
    use crate::config::Otlp;

    fn span() -> Span {
        Span {
            trace_id: [1; 16],
            span_id: [2; 8],
            parent_id: None,
            flags: 1,
            name: "n".into(),
            kind: Kind::Internal,
            start: 1,
            end: 2,
            attributes: Vec::new(),
            status: Status::Unset,
            links: Vec::new(),
            events: Vec::new(),
            scope: None,
        }
    }

    #[tokio::test]
    async fn whoever_makes_spans_never_waits_and_what_has_no_room_is_counted() {
        // Nobody listens there, and nothing is sent.
        let exporter = Exporter::new(Otlp { endpoint: "http://127.0.0.1:9".to_owned(), headers: Vec::new() });
        let (collector, sender) = channel(exporter);
        for _ in 0..WAITING_MAX + 7 {
            collector.record(span());
        }
        assert_eq!((collector.counts().dropped(), collector.counts().sent()), (7, 0));
        drop(sender);
        collector.record(span());
        assert_eq!(collector.counts().dropped(), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_stops_does_not_wait_for_a_collector_that_is_not_there() {
        let exporter = Exporter::new(Otlp { endpoint: "http://127.0.0.1:9".to_owned(), headers: Vec::new() });
        let (collector, sender) = channel(exporter);
        collector.record(span());
        let stop = CancellationToken::new();
        stop.cancel();
        let began = Instant::now();
        sender.run(stop).await;
        assert!(began.elapsed() <= FLUSH_MAX + Duration::from_secs(1), "{:?}", began.elapsed());
    }
}
