//! From what is loaded to the one snapshot that requests are answered from.

mod rules;
mod versions;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use switchyard_core::{
    claims::{self, Claims},
    folder::{self, Standing},
    manifest::Manifest,
    name::ServiceName,
    timestamp::Timestamp,
};
use switchyard_dispatch::{Instance, Service, Snapshot};

use super::{
    refused,
    stem::{Active, Stem},
    upstreams::ByService,
};
use crate::{config::Config, registrations, routes, traffic};

/// What operators want, beside the plugins.
pub(super) struct Wanted<'a> {
    pub(super) config: &'a Config,
    /// What the admin API was asked to register, by id.
    pub(super) registered: &'a BTreeMap<String, registrations::Kept>,
    /// The routes that the admin API was asked for, by id.
    pub(super) routes: &'a BTreeMap<String, routes::Kept>,
    /// How calls are shared between versions, by service.
    pub(super) traffic: &'a BTreeMap<String, traffic::Kept>,
    /// The instances of all upstreams, by service.
    pub(super) upstreams: ByService,
}

/// Ranks the plugins of each service, lays their routes and the operator's into one table, and notes on each stem
/// what it does not get. Who holds a route, a command or a saga definition in `previous` keeps it.
///
/// An operator's route to a service that is not there yet is left out until it comes. A service's manifest is without
/// the commands and definitions that it does not get, so whoever reads it there need not ask who holds them.
///
/// `live` is what has been answered until now: its services go on, in what is counted and since when they are there.
///
/// Routes, commands and all else that a manifest asks for are those of the version that serves under the main file's stem.
pub(super) fn snapshot(
    mut wanted: Wanted<'_>,
    stems: &mut BTreeMap<String, Stem>,
    previous: &Snapshot,
    live: &Snapshot,
) -> Snapshot {
    rank(stems);
    let main: Vec<_> = in_order_of_arrival(stems);
    let held = Claims::of(previous.services.values().map(|service| &*service.manifest));
    let (_, refused_names) = held.succeeded_by(main.iter().map(|(_, active)| &*active.manifest));
    let of_plugins = main.iter().map(|(_, active)| {
        let upstreams = wanted.upstreams.remove(&active.manifest.name).unwrap_or_default();
        active.service(&refused_names, upstreams)
    });
    let mut services: Vec<Service> = of_plugins.collect();
    services.extend(std::mem::take(&mut wanted.upstreams).into_values().filter_map(Service::of_upstreams));
    let versions = versions::Stems::of(stems);
    let services: BTreeMap<ServiceName, Arc<Service>> = services
        .into_iter()
        .map(|service| {
            let asked = wanted.traffic.get(service.name().as_str()).map(|kept| &kept.traffic);
            let service = versions.complete(wanted.succeeding(service, live), asked);
            (service.name().clone(), Arc::new(service))
        })
        .collect();
    let rules = rules::all(&wanted, &main, &services);
    let (routes, refused_routes) = previous.routes.succeeded_by(rules);
    let stems_of = main.iter().map(|(stem, active)| (active.manifest.name.clone(), (*stem).to_owned())).collect();
    refused::note(stems, refused_routes, &refused_names, &stems_of);
    Snapshot { routes, services }
}

fn rank(stems: &mut BTreeMap<String, Stem>) {
    let active = stems
        .iter()
        .filter_map(|(name, stem)| Some((name.as_str(), &stem.serving.as_ref()?.manifest.name, stem.active_since?)));
    let staged: Vec<String> = folder::rank(active)
        .into_iter()
        .filter(|(_, standing)| *standing == Standing::Staged)
        .map(|(name, _)| name.to_owned())
        .collect();
    for (name, stem) in stems {
        stem.is_staged = staged.binary_search(name).is_ok();
    }
}

/// The plugins that take traffic; who was active first is first, and gets what several newcomers ask for.
fn in_order_of_arrival(stems: &BTreeMap<String, Stem>) -> Vec<(&str, &Active)> {
    let mut main: Vec<_> = stems
        .iter()
        .filter(|(_, stem)| !stem.is_staged)
        .filter_map(|(name, stem)| Some((stem.active_since?, name.as_str(), stem.serving.as_ref()?)))
        .collect();
    main.sort_by_key(|(active_since, name, _)| (*active_since, *name));
    main.into_iter().map(|(_, name, active)| (name, active)).collect()
}

/// The manifest of a service without the names that it does not get.
fn without(manifest: &Arc<Manifest>, refused: &[claims::Refused]) -> Arc<Manifest> {
    let refused: Vec<_> = refused.iter().filter(|refused| refused.asked_by == manifest.name).collect();
    if refused.is_empty() {
        return Arc::clone(manifest);
    }
    let is_refused =
        |kind, name: &str| refused.iter().any(|refused| refused.claim.kind == kind && refused.claim.name == name);
    let mut held = Manifest::clone(manifest);
    held.commands.retain(|name| !is_refused(claims::Kind::Command, name));
    held.sagas.retain(|saga| !is_refused(claims::Kind::Saga, saga.name()));
    Arc::new(held)
}

fn time(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(at.0)
}

// === impl Wanted ===

impl Wanted<'_> {
    /// A service in the place of the live one of its name. One that upstreams alone answer for is there since the first of
    /// them was registered, also when that was before this process.
    fn succeeding(&self, service: Service, live: &Snapshot) -> Service {
        if let Some(previous) = live.services.get(service.name()) {
            let registered_at = service.local.is_some().then_some(service.registered_at);
            let succeeding = service.succeeding(previous);
            let registered_at = registered_at.unwrap_or(succeeding.registered_at);
            return succeeding.since(registered_at);
        }
        let ids: BTreeSet<&str> = service.upstreams.iter().map(|instance| instance.id()).collect();
        let registered = self.registered.iter().filter(|(id, _)| ids.contains(id.as_str()));
        match registered.map(|(_, kept)| kept.registered_at).min() {
            Some(first) if service.local.is_none() => service.since(time(first)),
            _ => service,
        }
    }
}

// === impl Active ===

impl Active {
    fn service(&self, refused: &[claims::Refused], upstreams: Vec<Arc<Instance>>) -> Service {
        let (manifest, instance) = (without(&self.manifest, refused), Arc::clone(&self.instance));
        Service::new(manifest, Some(instance), upstreams).since(self.registered_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_loses_what_its_service_does_not_get() {
        let of = |name: &str, commands: &[&str]| {
            let mut manifest = Manifest::of_file(name.parse().unwrap(), None);
            manifest.commands = commands.iter().map(|name| (*name).to_owned()).collect();
            let saga = r#"{"name":"order","steps":[{"wait":{"signal":"go"}}]}"#;
            manifest.sagas = vec![serde_json::from_str(saga).unwrap()];
            Arc::new(manifest)
        };
        let (first, second) = (of("a", &["pay"]), of("b", &["pay", "ship"]));
        let (_, refused) = Claims::default().succeeded_by([&*first, &*second]);
        assert!(Arc::ptr_eq(&without(&first, &refused), &first));
        let held = without(&second, &refused);
        assert_eq!((held.commands.as_slice(), held.sagas.len()), (&["ship".to_owned()][..], 0));
    }
}
