//! What is sent to a collector, from the host's start to its very end: what happens while it stops is of interest too.

use std::{sync::Arc, time::Duration};

use switchyard_dispatch::Dispatcher;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    admin::Sources,
    config::Telemetry,
    metrics,
    telemetry::{
        otlp::Exporter,
        spans::{self, Counts},
    },
};

/// The way to a collector, with the task that sends spans there.
pub(super) struct Export {
    /// Sends whatever there is to send.
    pub(super) exporter: Exporter,
    /// How many spans there were.
    pub(super) spans: Arc<Counts>,
    stop: CancellationToken,
    sending: JoinHandle<()>,
    /// Sends metrics, once there is something that they can be gathered from.
    pushing: Option<JoinHandle<()>>,
}

// === impl Export ===

impl Export {
    /// Begins, when the configuration names a collector.
    pub(super) fn start(telemetry: &Telemetry, dispatcher: &Dispatcher) -> Option<Self> {
        let exporter = Exporter::new(telemetry.otlp.clone()?);
        let (collector, sender) = spans::channel(exporter.clone());
        let (spans, stop) = (Arc::clone(collector.counts()), CancellationToken::new());
        dispatcher.tracer().collect(collector, telemetry.sample);
        let sending = tokio::spawn(sender.run(stop.clone()));
        Some(Self { exporter, spans, stop, sending, pushing: None })
    }

    /// Sends metrics from now on, so often.
    pub(super) fn push(&mut self, sources: Sources, period: Duration) {
        let pushing = metrics::push(sources, self.exporter.clone(), period, self.stop.clone());
        self.pushing = Some(tokio::spawn(pushing));
    }

    /// Sends what is left, within a bound.
    pub(super) async fn finish(self) {
        self.stop.cancel();
        if let Err(error) = self.sending.await {
            tracing::error!(%error, "sending spans ended unexpectedly");
        }
        if let Some(pushing) = self.pushing
            && let Err(error) = pushing.await
        {
            tracing::error!(%error, "sending metrics ended unexpectedly");
        }
    }
}
