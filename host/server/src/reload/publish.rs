//! From what is loaded to the one snapshot that requests are answered from.

use std::{collections::BTreeMap, sync::Arc};

use switchyard_core::{
    claims::{self, Claims},
    folder::{self, Standing},
    manifest::{Manifest, RouteSpec},
    name::ServiceName,
    route::{Layer, Origin, RouteRule},
};
use switchyard_dispatch::{RouteTarget, Service, Snapshot};

use super::{
    refused,
    stem::{Active, Stem},
};
use crate::config::Config;

/// How the configuration is called where a route's origin is told.
const CONFIG_OWNER: &str = "switchyard.toml";

/// Ranks the plugins of each service, lays their routes and the operator's into one table, and notes on each stem
/// what it does not get. Who holds a route, a command or a saga definition in `previous` keeps it.
///
/// An operator's route to a service that is not there yet is left out until it comes. A service's manifest is without
/// the commands and definitions that it does not get, so whoever reads it there need not ask who holds them.
pub(super) fn snapshot(config: &Config, stems: &mut BTreeMap<String, Stem>, previous: &Snapshot) -> Snapshot {
    rank(stems);
    let main: Vec<_> = in_order_of_arrival(stems);
    let held = Claims::of(previous.services.values().map(|service| &*service.manifest));
    let (_, refused_names) = held.succeeded_by(main.iter().map(|(_, active)| &*active.manifest));
    let services: BTreeMap<ServiceName, Arc<Service>> = main
        .iter()
        .map(|(_, active)| (active.manifest.name.clone(), Arc::new(active.service(&refused_names))))
        .collect();
    let of_config = config.routes.iter().filter_map(|route| {
        let origin = Origin { layer: Layer::Config, owner: CONFIG_OWNER.to_owned() };
        rule(&route.spec, services.get(&route.service)?, origin)
    });
    let of_plugins = main.iter().flat_map(|(stem, active)| {
        let layer = if active.side.is_some() { Layer::SideFile } else { Layer::Manifest };
        let origin = Origin { layer, owner: (*stem).to_owned() };
        let service = services.get(&active.manifest.name);
        let routes = active.manifest.routes.iter();
        routes.filter_map(move |spec| rule(spec, service?, origin.clone()))
    });
    let (routes, refused_routes) = previous.routes.succeeded_by(of_config.chain(of_plugins));
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

/// The pattern was checked when the plugin was loaded, or the configuration read.
fn rule(spec: &RouteSpec, service: &Arc<Service>, origin: Origin) -> Option<RouteRule<RouteTarget>> {
    let target = RouteTarget {
        service: Arc::clone(service),
        strip_prefix: spec.strip_prefix.as_deref().map(Arc::from),
        timeout: spec.timeout.map(|timeout| timeout.0),
    };
    let (pattern, host) = (spec.path.parse().ok()?, spec.host.clone());
    Some(RouteRule { pattern, host, methods: spec.methods.clone(), target, origin })
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

// === impl Active ===

impl Active {
    fn service(&self, refused: &[claims::Refused]) -> Service {
        Service {
            manifest: without(&self.manifest, refused),
            instance: Arc::clone(&self.instance),
            registered_at: self.registered_at,
        }
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
