//! Tells what happens to plugins and services as events on the bus, by comparing what is shown with what was shown.
//!
//! What changes back within one turn of the reloader is not told: subscribers get states, not every flicker. Breakers say
//! themselves when they move, and each move is told.

mod breakers;
mod health;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Value, json};
use switchyard_core::{
    health::CheckStatus,
    name::{Digest, Generation, ServiceName},
};
use switchyard_delivery::Delivery;
use switchyard_dispatch::{Dispatcher, Service, Snapshot};
use tokio::{
    sync::{broadcast::error::RecvError, watch},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    health::Checks,
    reload::{self, PluginState, PluginView},
};
use health::Health;

/// An event to be told.
#[derive(Debug, PartialEq)]
struct Told {
    topic: &'static str,
    subject: String,
    data: Value,
}

/// What was told last.
#[derive(Default)]
struct Seen {
    plugins: BTreeMap<String, Plugin>,
    instances: BTreeSet<Instance>,
    health: BTreeMap<ServiceName, CheckStatus>,
}

/// What is told of a plugin.
#[derive(Clone, PartialEq)]
struct Plugin {
    state: PluginState,
    generation: Option<Generation>,
    error: Option<String>,
}

/// What can answer for a service.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Instance {
    service: ServiceName,
    generation: Generation,
    version: semver::Version,
    digest: Digest,
}

/// Tells until `stop` is cancelled.
pub(crate) async fn tell(
    delivery: Arc<Delivery>,
    dispatcher: Arc<Dispatcher>,
    mut plugins: reload::Handle,
    mut checks: watch::Receiver<Checks>,
    stop: CancellationToken,
) {
    let mut seen = Seen::default();
    let mut moves = dispatcher.breaker_changes();
    let announce = |told: Told| delivery.announce(told.topic, Some(told.subject), told.data);
    loop {
        let due = dispatcher.poll_breakers();
        let shown = plugins.shown().plugins;
        let snapshot = dispatcher.snapshot();
        let health = Health::all(&snapshot, &checks.borrow_and_update());
        seen.compare(&shown, Instance::all(&snapshot), health).into_iter().for_each(announce);
        tokio::select! {
            () = stop.cancelled() => return,
            more = plugins.changed() => if !more { return },
            more = checks.changed() => if more.is_err() { return },
            moved = moves.recv() => match moved {
                Ok(change) => breakers::told(&change).into_iter().for_each(announce),
                Err(RecvError::Lagged(missed)) => tracing::error!(missed, "moves of breakers are not told"),
                Err(RecvError::Closed) => return,
            },
            () = until(due) => {}
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

// === impl Seen ===

impl Seen {
    /// What has changed, in the order: instances that came, instances that are gone, plugins, health.
    fn compare(
        &mut self,
        plugins: &[PluginView],
        instances: BTreeSet<Instance>,
        health: BTreeMap<ServiceName, Health>,
    ) -> Vec<Told> {
        let mut told = self.instances(instances);
        told.extend(self.plugins(plugins));
        told.extend(self.health(&health));
        told
    }

    /// The new one of a service is told before the old one, as it took the traffic before that lost it.
    fn instances(&mut self, now: BTreeSet<Instance>) -> Vec<Told> {
        let came = now.difference(&self.instances).map(|instance| instance.told("registry.register"));
        let gone = self.instances.difference(&now).map(|instance| instance.told("registry.deregister"));
        let told = came.chain(gone).collect();
        self.instances = now;
        told
    }

    fn plugins(&mut self, plugins: &[PluginView]) -> Vec<Told> {
        let now: BTreeMap<_, _> = plugins.iter().map(|plugin| (plugin.name.clone(), Plugin::of(plugin))).collect();
        let before = std::mem::replace(&mut self.plugins, now);
        let mut told: Vec<Told> = Vec::new();
        for plugin in plugins {
            let topics = Plugin::of(plugin).topics(before.get(&plugin.name));
            told.extend(topics.into_iter().map(|topic| tell_plugin(topic, plugin)));
        }
        let gone = before.keys().filter(|name| !self.plugins.contains_key(*name));
        told.extend(gone.map(|name| Told {
            topic: "plugin.removed",
            subject: name.clone(),
            data: json!({"name": name}),
        }));
        told
    }

    fn health(&mut self, health: &BTreeMap<ServiceName, Health>) -> Vec<Told> {
        let now = health.iter().map(|(name, health)| (name.clone(), health.status)).collect();
        let before = std::mem::replace(&mut self.health, now);
        let told = health.iter().filter_map(|(name, Health { status, error, first })| {
            let previous = before.get(name).copied().unwrap_or(*first);
            let data = json!({"name": name, "status": status, "previousStatus": previous, "error": error});
            (previous != *status).then(|| Told { topic: "registry.status-change", subject: name.to_string(), data })
        });
        told.collect()
    }
}

// === impl Plugin ===

impl Plugin {
    fn of(view: &PluginView) -> Self {
        Self { state: view.state, generation: view.generation, error: view.error.clone() }
    }

    /// What is to be told when it was `before`. One that became active while its newest file failed is told as both.
    fn topics(&self, before: Option<&Self>) -> Vec<&'static str> {
        let is_new = before.is_none_or(|old| (old.state, old.generation) != (self.state, self.generation));
        let has_failed = self.error.is_some() && before.is_none_or(|old| old.error != self.error);
        let state = match self.state {
            PluginState::Active if is_new => Some("plugin.active"),
            PluginState::Draining if is_new => Some("plugin.draining"),
            _ => None,
        };
        has_failed.then_some("plugin.failed").into_iter().chain(state).collect()
    }
}

fn tell_plugin(topic: &'static str, plugin: &PluginView) -> Told {
    let data = json!({
        "name": plugin.name, "service": plugin.service, "version": plugin.version, "digest": plugin.digest,
        "generation": plugin.generation, "error": plugin.error,
    });
    Told { topic, subject: plugin.name.clone(), data }
}

// === impl Instance ===

impl Instance {
    fn all(snapshot: &Snapshot) -> BTreeSet<Self> {
        snapshot.services.values().map(|service| Self::of(service)).collect()
    }

    fn of(service: &Service) -> Self {
        let plugin = service.instance.plugin();
        Self {
            service: service.name().clone(),
            generation: plugin.generation(),
            version: service.manifest.version.clone(),
            digest: plugin.digest(),
        }
    }

    fn told(&self, topic: &'static str) -> Told {
        let data = json!({
            "id": format!("{}-{}", self.service, self.generation), "name": self.service, "version": self.version,
            "digest": self.digest, "generation": self.generation,
        });
        Told { topic, subject: self.service.to_string(), data }
    }
}

#[cfg(test)]
mod tests;
