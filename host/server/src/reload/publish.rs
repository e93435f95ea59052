//! From what is loaded to the one snapshot that requests are answered from.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use switchyard_core::{
    folder::{self, Standing},
    manifest::RouteSpec,
    name::ServiceName,
    route::{Layer, Origin, Refused, RouteRule, RouteTable},
};
use switchyard_dispatch::{RouteTarget, Service, Snapshot};

use super::{
    stem::{Active, Stem},
    view::RefusedRoute,
};
use crate::config::Config;

/// How the configuration is called where a route's origin is told.
const CONFIG_OWNER: &str = "switchyard.toml";

/// Ranks the plugins of each service, lays their routes and the operator's into one table, and notes on each stem
/// what it does not get. Who holds a route in `previous` keeps it.
///
/// An operator's route to a service that is not there yet is left out until it comes.
pub(super) fn snapshot(
    config: &Config,
    stems: &mut BTreeMap<String, Stem>,
    previous: &RouteTable<RouteTarget>,
) -> Snapshot {
    rank(stems);
    let main: Vec<_> = in_order_of_arrival(stems);
    let services: BTreeMap<ServiceName, Arc<Service>> =
        main.iter().map(|(_, active)| (active.manifest.name.clone(), Arc::new(active.service()))).collect();
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
    let (routes, refused) = previous.succeeded_by(of_config.chain(of_plugins));
    note_refused(stems, refused);
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

fn note_refused(stems: &mut BTreeMap<String, Stem>, refused: Vec<Refused<RouteTarget>>) {
    let mut by_stem: HashMap<String, Vec<RefusedRoute>> = HashMap::new();
    for refused in refused {
        let view = RefusedRoute {
            path: refused.rule.pattern.to_string(),
            methods: refused.rule.methods.clone(),
            host: refused.rule.host.clone(),
            error: refused.to_string(),
        };
        by_stem.entry(refused.rule.origin.owner).or_default().push(view);
    }
    for (name, stem) in stems {
        let now = by_stem.remove(name).unwrap_or_default();
        for route in now.iter().filter(|route| !stem.refused.contains(route)) {
            tracing::warn!(plugin = name, error = route.error, "a route is refused");
        }
        stem.refused = now;
    }
}

// === impl Active ===

impl Active {
    fn service(&self) -> Service {
        Service {
            manifest: Arc::clone(&self.manifest),
            instance: Arc::clone(&self.instance),
            registered_at: self.registered_at,
        }
    }
}
