//! Tells what happens to plugins and services as events on the bus, by comparing what is shown with what was shown.
//!
//! What changes back within one turn of the reloader is not told: subscribers get states, not every flicker. Breakers say
//! themselves when they move, and each move is told.

mod breakers;
mod health;
mod rollout;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Value, json};
use switchyard_core::{
    health::CheckStatus,
    name::{Digest, Generation, ServiceName},
    upstream::Source,
};
use switchyard_delivery::Delivery;
use switchyard_dispatch::{Dispatcher, Service, Snapshot};
use tokio::{
    sync::{broadcast::error::RecvError, watch},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    feed::Feed,
    health::{Checks, Probed},
    reload::{self, PluginState, PluginView, RolledBackView, RolloutView},
};
use health::{Health, Subject};

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
    health: BTreeMap<Subject, CheckStatus>,
}

/// What is told of a plugin.
#[derive(Clone, PartialEq)]
struct Plugin {
    state: PluginState,
    generation: Option<Generation>,
    error: Option<String>,
    rollout: Option<RolloutView>,
    rolled_back: Option<RolledBackView>,
}

/// What can answer for a service.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Instance {
    service: ServiceName,
    id: String,
    version: semver::Version,
    what: What,
}

/// What it is that answers.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Plugin { generation: Generation, digest: Digest },
    Upstream { origin: String, source: &'static str },
}

/// Tells until `stop` is cancelled: on the bus, and those who watch.
pub(crate) async fn tell(
    delivery: Arc<Delivery>,
    dispatcher: Arc<Dispatcher>,
    mut plugins: reload::Handle,
    mut checks: watch::Receiver<Checks>,
    probed: Arc<Probed>,
    feed: Arc<Feed>,
    stop: CancellationToken,
) {
    let mut seen = Seen::default();
    let (mut moves, mut probes) = (dispatcher.breaker_changes(), probed.changes());
    let announce = |told: Told| {
        feed.push(told.topic, &told.subject, &told.data);
        delivery.announce(told.topic, Some(told.subject), told.data);
    };
    loop {
        let due = dispatcher.poll_breakers();
        let shown = plugins.shown().plugins;
        let snapshot = dispatcher.snapshot();
        probes.mark_unchanged();
        let health = Health::all(&snapshot, &checks.borrow_and_update(), &probed);
        seen.compare(&shown, Instance::all(&snapshot), health).into_iter().for_each(announce);
        tokio::select! {
            () = stop.cancelled() => return,
            more = plugins.changed() => if !more { return },
            more = checks.changed() => if more.is_err() { return },
            more = probes.changed() => if more.is_err() { return },
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
        health: BTreeMap<Subject, Health>,
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
            let before = before.get(&plugin.name);
            let topics = Plugin::of(plugin).topics(before);
            told.extend(topics.into_iter().map(|topic| tell_plugin(topic, plugin)));
            told.extend(rollout::told(before, plugin));
        }
        let gone = before.keys().filter(|name| !self.plugins.contains_key(*name));
        told.extend(gone.map(|name| Told {
            topic: "plugin.removed",
            subject: name.clone(),
            data: json!({"name": name}),
        }));
        told
    }

    fn health(&mut self, health: &BTreeMap<Subject, Health>) -> Vec<Told> {
        let now = health.iter().map(|(subject, health)| (subject.clone(), health.status)).collect();
        let before = std::mem::replace(&mut self.health, now);
        let told = health.iter().filter_map(|(subject, Health { id, status, error, first })| {
            let previous = before.get(subject).copied().unwrap_or(*first);
            let name = &subject.service;
            let data = json!({"id": id, "name": name, "status": status, "previousStatus": previous, "error": error});
            (previous != *status).then(|| Told { topic: "registry.status-change", subject: name.to_string(), data })
        });
        told.collect()
    }
}

/// Who registered an upstream, as it is told.
pub(crate) fn source_name(source: Source) -> &'static str {
    match source {
        Source::Config => "config",
        Source::Api => "api",
    }
}

// === impl Plugin ===

impl Plugin {
    fn of(view: &PluginView) -> Self {
        Self {
            state: view.state,
            generation: view.generation,
            error: view.error.clone(),
            rollout: view.rollout.clone(),
            rolled_back: view.rolled_back.clone(),
        }
    }

    /// What is to be told when it was `before`. One that became active while its newest file failed is told as both.
    fn topics(&self, before: Option<&Self>) -> Vec<&'static str> {
        let is_new = before.is_none_or(|old| (old.state, old.generation) != (self.state, self.generation));
        let has_gone_back = rollout::has_gone_back(before, self.rolled_back.as_ref());
        let has_failed = self.error.is_some() && before.is_none_or(|old| old.error != self.error) && !has_gone_back;
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
        let services = snapshot.services.values();
        services.flat_map(|service| service.instances().filter_map(|instance| Self::of(service, instance))).collect()
    }

    fn of(service: &Service, instance: &switchyard_dispatch::Instance) -> Option<Self> {
        let what = match (instance.plugin(), instance.upstream()) {
            (Some(plugin), _) => What::Plugin { generation: plugin.generation(), digest: plugin.digest() },
            (_, Some(upstream)) => {
                What::Upstream { origin: upstream.origin.to_string(), source: source_name(upstream.source) }
            }
            (None, None) => return None,
        };
        let version = service.describe(instance).version.clone();
        Some(Self { service: service.name().clone(), id: instance.id().to_owned(), version, what })
    }

    fn told(&self, topic: &'static str) -> Told {
        let mut data = json!({"id": self.id, "name": self.service, "version": self.version});
        match &self.what {
            What::Plugin { generation, digest } => {
                (data["generation"], data["digest"]) = (json!(generation), json!(digest));
            }
            What::Upstream { origin, source } => {
                (data["address"], data["source"]) = (json!(origin), json!(source));
            }
        }
        Told { topic, subject: self.service.to_string(), data }
    }
}

#[cfg(test)]
mod tests;
