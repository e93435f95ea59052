//! Ends registrations that have shown no sign of life for their time to live.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use switchyard_core::{health::CheckStatus, upstream::lease};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Registrations, Seen};

/// The time between two looks. The shortest time to live is ten times as long.
const PERIOD: Duration = Duration::from_secs(1);

/// Ends what shows no sign of life, until `stop` is cancelled; `health` says how the upstreams are, by id.
pub(crate) async fn expire(
    registrations: Arc<Registrations>,
    health: impl Fn() -> HashMap<String, CheckStatus>,
    stop: CancellationToken,
) {
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = period.tick() => {}
        }
        let silent = registrations.silent(Instant::now(), &health());
        tokio::select! {
            () = stop.cancelled() => return,
            () = registrations.end(silent, &health) => {}
        }
    }
}

// === impl Registrations ===

impl Registrations {
    /// Those that are not to be kept any longer. One that answers its checks has shown a sign of life by that.
    pub(super) fn silent(&self, now: Instant, health: &HashMap<String, CheckStatus>) -> Vec<String> {
        let mut seen = self.seen();
        let mut silent = Vec::new();
        for (id, kept) in self.durable.items().iter() {
            let upstream = &kept.upstream;
            let asked = health.get(id).filter(|_| upstream.health.is_some());
            let health = asked.copied().unwrap_or(CheckStatus::Unknown);
            if health == CheckStatus::Healthy {
                seen.insert(id.clone(), Seen { counted: now, ..Seen::now() });
            }
            let last = seen.get(id).unwrap_or(&self.since).counted;
            if !lease::is_kept(now, last, upstream.ttl, health) {
                silent.push(id.clone());
            }
        }
        silent
    }

    /// Ends them, but for those that were heard of meanwhile. What the store cannot do now is tried at the next look.
    pub(super) async fn end(&self, silent: Vec<String>, health: &impl Fn() -> HashMap<String, CheckStatus>) {
        if silent.is_empty() {
            return;
        }
        let changing = self.durable.change().await;
        let still = self.silent(Instant::now(), &health());
        let ended: Vec<String> = silent.into_iter().filter(|id| still.contains(id)).collect();
        match changing.remove(&ended).await {
            Ok(_) => {
                let mut seen = self.seen();
                for id in ended {
                    tracing::warn!(
                        id,
                        "an upstream has shown no sign of life for its time to live; it is deregistered"
                    );
                    seen.remove(&id);
                }
            }
            Err(error) => tracing::error!(%error, "upstreams without a sign of life cannot be deregistered now"),
        }
    }
}
