//! The snapshot of everything that is live.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use switchyard_core::{
    health::CheckStatus,
    name::ServiceName,
    route::{
        Pattern, RouteRule, RouteTable,
        action::{Destination, HeaderMatch, Mirror, Rules},
    },
};

use crate::{instance::Instance, meter::Meter, service::Service};

/// Everything a request is decided by.
#[derive(Default)]
pub struct Snapshot {
    /// Which service answers which path.
    pub routes: RouteTable<RouteTarget>,
    /// The services by name.
    pub services: BTreeMap<ServiceName, Arc<Service>>,
}

/// What a route does with a request.
#[derive(Clone)]
pub struct RouteTarget {
    /// Who answers, or where the client is sent.
    pub to: Destination<Arc<Service>>,
    /// Who gets a copy.
    pub mirror: Option<Mirror<Arc<Service>>>,
    /// Everything else that the route says.
    pub rules: Arc<Rules>,
    /// What it is known by, also after other routes have come or gone: see [`id_of`](Self::id_of).
    pub id: Arc<str>,
    /// The path that the route's pattern begins with, or is, without the final `/*`; empty for all paths.
    pub prefix: Arc<str>,
    /// The text of the route's pattern, by which traces and metrics know it: `/orders/{id}`.
    pub pattern: Arc<str>,
    /// What is counted of its requests; there once it was [published](crate::Dispatcher::publish).
    pub meter: OnceLock<Arc<Meter>>,
}

// === impl Snapshot ===

impl Snapshot {
    /// The instances that are well: of one service, or of all, that have all these tags; by name, and then as the
    /// service has them.
    pub fn discover(&self, name: Option<&ServiceName>, tags: &[String]) -> Vec<(&Arc<Service>, &Arc<Instance>)> {
        let services = self.services.values().filter(|service| name.is_none_or(|name| service.name() == name));
        let instances = services.flat_map(|service| service.instances().map(move |instance| (service, instance)));
        instances
            .filter(|(service, instance)| {
                let described = service.describe(instance);
                described.status == CheckStatus::Healthy && tags.iter().all(|tag| described.tags.contains(tag))
            })
            .collect()
    }
}

// === impl RouteTarget ===

impl RouteTarget {
    /// A route to one service.
    pub fn to_service(pattern: &Pattern, id: Arc<str>, service: Arc<Service>, rules: Rules) -> Self {
        let (prefix, pattern) = (Self::prefix_of(pattern), pattern.to_string().into());
        let (to, rules, meter) = (Destination::Service(service), Arc::new(rules), OnceLock::new());
        Self { to, mirror: None, rules, id, prefix, pattern, meter }
    }

    /// The [`id`](Self::id) of a rule: who asked for it, and everything that it takes requests by.
    pub fn id_of<T>(rule: &RouteRule<T>) -> Arc<str> {
        let RouteRule { pattern, host, methods, headers, origin, .. } = rule;
        let (host, methods) = (host.as_deref().unwrap_or("*"), methods.join(","));
        let mut id = format!("{:?}|{}|{host}|{methods}|{pattern}", origin.layer, origin.owner);
        for HeaderMatch { name, value } in headers {
            id.push_str(&format!("|{name}: {}", value.as_deref().unwrap_or("*")));
        }
        id.into()
    }

    /// The text of [`prefix`](Self::prefix) for a pattern.
    pub fn prefix_of(pattern: &Pattern) -> Arc<str> {
        let text = pattern.to_string();
        text.strip_suffix("/*").unwrap_or(&text).into()
    }
}
