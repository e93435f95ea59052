//! What runs beside a serving host.

use std::{sync::Arc, time::Duration};

use switchyard_core::health::Lifecycle;
use switchyard_dispatch::Dispatcher;
use switchyard_runtime::Runtime;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{
    registrations::{self, Registrations},
    reload,
};

/// The time between two rounds of giving up what no service has used for long.
const SWEEP_PERIOD: Duration = Duration::from_secs(5);

/// Tells the gateway once everything that was there at the start is loaded.
pub(super) async fn say_ready(
    mut plugins: reload::Handle,
    gateway: switchyard_gateway::Handle,
    stop: CancellationToken,
) {
    while !plugins.shown().is_ready {
        tokio::select! {
            () = stop.cancelled() => return,
            more = plugins.changed() => if !more { return },
        }
    }
    if !stop.is_cancelled() {
        gateway.set_lifecycle(Lifecycle::Serving);
        tracing::info!(plugins = plugins.shown().plugins.len(), "ready");
    }
}

/// Ends registrations of upstreams that show no sign of life, until `stop` is cancelled.
pub(super) async fn expire(registrations: Arc<Registrations>, dispatcher: Arc<Dispatcher>, stop: CancellationToken) {
    let health = move || {
        let snapshot = dispatcher.snapshot();
        let upstreams = snapshot.services.values().flat_map(|service| service.upstreams.iter());
        upstreams.map(|instance| (instance.id().to_owned(), instance.health())).collect()
    };
    registrations::expire(registrations, health, stop).await;
}

/// Gives up what no service has used for long, until `stop` is cancelled.
pub(super) async fn sweep(runtime: Arc<Runtime>, stop: CancellationToken) {
    let mut period = interval(SWEEP_PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = period.tick() => {
                let runtime = Arc::clone(&runtime);
                if let Err(error) = tokio::task::spawn_blocking(move || runtime.sweep()).await {
                    tracing::error!(%error, "giving up idle code failed");
                }
            }
        }
    }
}
