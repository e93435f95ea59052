//! The rules of the route table: what the configuration, the admin API and the plugins say.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use switchyard_core::{
    manifest::RouteSpec,
    name::ServiceName,
    route::{
        Layer, Origin, RouteRule,
        action::{Mirror, Rules},
    },
};
use switchyard_dispatch::{RouteTarget, Service};

use super::Wanted;
use crate::{
    reload::stem::Active,
    routes::{Callee, Route},
};

/// How the configuration is called where a route's origin is told.
const CONFIG_OWNER: &str = "switchyard.toml";

type Services = BTreeMap<ServiceName, Arc<Service>>;

/// All rules, in the order in which they come before each other.
pub(super) fn all(wanted: &Wanted<'_>, main: &[(&str, &Active)], services: &Services) -> Vec<RouteRule<RouteTarget>> {
    let of_config = wanted.config.routes.iter().filter_map(|route| {
        let origin = Origin { layer: Layer::Config, owner: CONFIG_OWNER.to_owned() };
        of_operator(route, services, origin)
    });
    let of_api = wanted.routes.iter().filter_map(|(id, kept)| {
        let origin = Origin { layer: Layer::Api, owner: id.clone() };
        match kept.route.clone().check(&wanted.config.retries.default.policy) {
            Ok(route) => of_operator(&route, services, origin),
            // It held when it was added, so this is about what the configuration says by now.
            Err(error) => {
                tracing::error!(id, %error, "a route of the admin API does not hold any more, and is left out");
                None
            }
        }
    });
    let of_plugins = main.iter().flat_map(|(stem, active)| {
        let layer = if active.side.is_some() { Layer::SideFile } else { Layer::Manifest };
        let origin = Origin { layer, owner: (*stem).to_owned() };
        let service = services.get(&active.manifest.name);
        let routes = active.manifest.routes.iter();
        routes.filter_map(move |spec| of_plugin(spec, service?, origin.clone()))
    });
    of_config.chain(of_api).chain(of_plugins).collect()
}

/// One to a service or a version that is not there yet is left out until it comes, and a mirror likewise.
fn of_operator(route: &Route, services: &Services, origin: Origin) -> Option<RouteRule<RouteTarget>> {
    let known = |Callee { service, version }: &Callee| {
        let service = services.get(service)?;
        let Some(version) = version else { return Some(Arc::clone(service)) };
        let named = service.versions.iter().find(|known| known.manifest.version == *version)?;
        Some(Arc::new(service.answered_by(Arc::clone(named))))
    };
    let mirror = route.mirror.as_ref().and_then(|mirror| {
        let service = known(&mirror.service)?;
        Some(Mirror { service, percent: mirror.percent })
    });
    let to = route.to.try_map(known)?;
    let rule = RouteRule { headers: route.headers.clone(), ..rule(&route.spec, origin)? };
    let (id, prefix) = (RouteTarget::id_of(&rule), RouteTarget::prefix_of(&rule.pattern));
    let (pattern, rules) = (rule.pattern.to_string().into(), Arc::new(route.rules.clone()));
    Some(leading(rule, RouteTarget { to, mirror, rules, id, prefix, pattern, meter: OnceLock::new() }))
}

/// The pattern was checked when the plugin was loaded.
fn of_plugin(spec: &RouteSpec, service: &Arc<Service>, origin: Origin) -> Option<RouteRule<RouteTarget>> {
    let rules = Rules {
        strip_prefix: spec.strip_prefix.as_deref().map(Arc::from),
        timeout: spec.timeout.map(|timeout| timeout.0),
        ..Rules::default()
    };
    let rule = rule(spec, origin)?;
    let target = RouteTarget::to_service(&rule.pattern, RouteTarget::id_of(&rule), Arc::clone(service), rules);
    Some(leading(rule, target))
}

/// A rule that does not lead anywhere yet.
fn rule(spec: &RouteSpec, origin: Origin) -> Option<RouteRule<()>> {
    let (pattern, host) = (spec.path.parse().ok()?, spec.host.clone());
    Some(RouteRule { pattern, host, methods: spec.methods.clone(), headers: Vec::new(), target: (), origin })
}

fn leading<T>(rule: RouteRule<()>, target: T) -> RouteRule<T> {
    let RouteRule { pattern, host, methods, headers, origin, .. } = rule;
    RouteRule { pattern, host, methods, headers, target, origin }
}
