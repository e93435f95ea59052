//! Sends what is counted to a collector, every now and then, and once more at a stop.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prost::Message;
use tokio::time::{MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    gather,
    otlp::{Span, request},
};
use crate::{admin::Sources, telemetry::otlp::Exporter};

/// Where metrics go.
const METRICS: &str = "/v1/metrics";

/// How long a stop waits for the last figures to be taken.
const FLUSH_MAX: Duration = Duration::from_secs(2);

/// Sends until `stop` is cancelled, and then the figures as of the end.
///
/// Figures that are late are not sent again: those that follow say the same and more.
pub(crate) async fn run(sources: Sources, exporter: Exporter, period: Duration, stop: CancellationToken) {
    let mut tick = interval_at(tokio::time::Instant::now() + period, period);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.cancelled() => break,
        }
        tokio::select! {
            () = send(&sources, &exporter) => {}
            () = stop.cancelled() => break,
        }
    }
    if timeout(FLUSH_MAX, send(&sources, &exporter)).await.is_err() {
        tracing::warn!("the last metrics were not sent in time; they are dropped");
    }
}

async fn send(sources: &Sources, exporter: &Exporter) {
    let gathered = gather(sources).await;
    let span = Span { start: ns(sources.about.started_at), now: ns(SystemTime::now()) };
    let body = request(&gathered, exporter, span).encode_to_vec();
    // That it failed is counted and told already.
    let _ = exporter.post(METRICS, body.into()).await;
}

fn ns(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
