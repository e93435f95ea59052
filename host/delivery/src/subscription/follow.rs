//! What is wanted, compared with what is at work: manifests, configuration and what the API was asked for.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use switchyard_core::{
    event::topic::Pattern,
    manifest::{Manifest, SubscriptionSpec},
    name::ServiceName,
};
use switchyard_store::{ListKeys, StoreError};

use super::{BUCKET, Declared, Origin, Subscription, worker::open_batch};
use crate::{
    config::{Config, ConfiguredSubscription, Endpoint},
    delivery::Delivery,
    error::Error,
    saga::needed_by,
};

/// The name under which a webhook's subscription is kept that names none.
const WEBHOOK: &str = "webhook";

/// What the names of the host's own subscriptions begin with.
const HOST: &str = "switchyard";

// === impl Delivery ===

impl Delivery {
    /// Makes the cursors of a plugin's subscriptions, so that nothing published after this is missed by a subscription
    /// that begins with the latest. To be called before the plugin is live.
    ///
    /// # Errors
    /// When the store cannot take it.
    pub async fn open_cursors(&self, manifest: &Manifest) -> Result<(), Error> {
        for spec in manifest.subscriptions.iter().chain(&needed_by(manifest)) {
            let name: Arc<str> = spec.full_name(manifest.name.as_str()).into();
            if self.subscriptions.named(&name).is_none() {
                self.store.commit(open_batch(&name, spec.start)).await?;
            }
        }
        Ok(())
    }

    /// Takes in what was asked for over the API before; answers whether that worked.
    pub(crate) async fn load_subscriptions(&self) -> bool {
        match self.stored_subscriptions().await {
            Ok(stored) => {
                self.subscriptions.asked().extend(stored);
                true
            }
            Err(error) => {
                tracing::error!(%error, "subscriptions cannot be read; trying again");
                false
            }
        }
    }

    async fn stored_subscriptions(&self) -> Result<BTreeMap<String, ConfiguredSubscription>, StoreError> {
        let (mut stored, mut after) = (BTreeMap::new(), None);
        loop {
            let list = ListKeys { prefix: Some("api/".into()), after, ..ListKeys::default() };
            let page = self.store.kv_list(BUCKET, list).await?;
            for key in &page.keys {
                let Some(entry) = self.store.kv_get(BUCKET, key).await? else { continue };
                match serde_json::from_slice(&entry.value) {
                    Ok(subscription) => drop(stored.insert(key["api/".len()..].to_owned(), subscription)),
                    Err(error) => {
                        tracing::error!(key = &**key, %error, "a subscription cannot be read, and is left out")
                    }
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(stored),
            }
        }
    }

    /// Begins what is wanted and not at work, changes what is, and ends what is not wanted.
    pub(crate) fn follow_subscriptions(self: &Arc<Self>) {
        let wanted = self.wanted_subscriptions();
        let mut running = self.subscriptions.running();
        running.retain(|name, subscription| {
            let stays = wanted.contains_key(name);
            if !stays {
                tracing::info!(subscription = &**name, "a subscription ends; its cursor is kept for a while");
                subscription.stop.cancel();
            }
            stays
        });
        for (name, declared) in wanted {
            if let Some(subscription) = running.get(&name) {
                subscription.declare(declared);
                subscription.wake.notify_one();
                continue;
            }
            let subscription = Subscription::new(Arc::clone(&name), declared);
            running.insert(name, Arc::clone(&subscription));
            self.tasks.spawn(subscription.work(Arc::clone(self)));
        }
    }

    fn wanted_subscriptions(&self) -> BTreeMap<Arc<str>, Declared> {
        let config = self.config();
        let snapshot = self.dispatcher.snapshot();
        let asked = self.subscriptions.asked().clone();
        let of_config =
            config.subscriptions.iter().map(|said| (Origin::Config, said.spec.clone(), said.endpoint.clone()));
        let of_api = asked.into_values().map(|said| (Origin::Api, said.spec, said.endpoint));
        let of_manifests = snapshot.services.values().flat_map(|service| {
            let endpoint = Endpoint::Service(service.name().clone());
            let granted =
                service.manifest.subscriptions.iter().filter(|spec| is_granted(&config, service.name(), spec));
            granted.cloned().map(move |spec| (Origin::Manifest, spec, endpoint.clone()))
        });
        let mut wanted = BTreeMap::new();
        let of_host = self.wanted_for_sagas().into_iter().map(|spec| (Origin::Host, spec, Endpoint::Sagas));
        // The host's own come first: nobody else gets their names.
        for (origin, spec, endpoint) in of_host.chain(of_config).chain(of_api).chain(of_manifests) {
            want(&mut wanted, origin, &spec, endpoint);
        }
        wanted
    }
}

/// Whether a plugin may have the events that it wants.
fn is_granted(config: &Config, service: &ServiceName, spec: &SubscriptionSpec) -> bool {
    // Checked when the plugin was loaded.
    let Ok(pattern) = spec.topic.parse::<Pattern>() else { return false };
    let granted = config.may_subscribe(service, &pattern);
    if let Err(error) = &granted {
        tracing::warn!(%service, topic = spec.topic, %error, "a subscription is left out");
    }
    granted.is_ok()
}

/// Adds one wish. Those of one name are one group if they want the same; else the first one has the name.
fn want(wanted: &mut BTreeMap<Arc<str>, Declared>, origin: Origin, spec: &SubscriptionSpec, endpoint: Endpoint) {
    let name: Arc<str> = name_of(spec, &endpoint).into();
    if let Some(first) = wanted.get_mut(&name) {
        let same = first.spec.topic == spec.topic && first.spec.filter == spec.filter;
        if !same {
            tracing::warn!(
                subscription = &*name,
                topic = spec.topic,
                ?endpoint,
                "a subscription is left out: another one of its name has another topic or filter; rename one"
            );
        } else if !first.endpoints.contains(&endpoint) {
            first.endpoints.push(endpoint);
        }
        return;
    }
    match Declared::new(spec, origin, endpoint) {
        Ok(declared) => drop(wanted.insert(name, declared)),
        Err(error) => tracing::error!(subscription = &*name, error, "a subscription is left out"),
    }
}

/// The name of a subscription's cursor.
pub(super) fn name_of(spec: &SubscriptionSpec, endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Service(name) => spec.full_name(name.as_str()),
        Endpoint::Url(_) => spec.full_name(WEBHOOK),
        Endpoint::Sagas => spec.full_name(HOST),
    }
}

impl Subscription {
    /// Whether one of those that it calls can be called.
    pub(super) fn has_callee(&self, services: &BTreeMap<ServiceName, Arc<switchyard_dispatch::Service>>) -> bool {
        self.declared().endpoints.iter().any(|endpoint| match endpoint {
            Endpoint::Url(_) | Endpoint::Sagas => true,
            Endpoint::Service(name) => services.contains_key(name),
        })
    }

    /// The state that is shown.
    pub(super) fn state(&self, delivery: &Delivery) -> &'static str {
        let full = self.progress().as_ref().is_some_and(|progress| progress.window.wants().is_none());
        if self.ended.load(Relaxed) {
            "ended"
        } else if self.paused.load(Relaxed) {
            "paused"
        } else if !self.has_callee(&delivery.dispatcher.snapshot().services) {
            "waiting"
        } else if full {
            "blocked"
        } else {
            "active"
        }
    }
}
