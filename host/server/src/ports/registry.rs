//! `switchyard:plugin/registry` on what is live.

use std::sync::Arc;

use switchyard_core::{
    health::{CheckStatus, Status},
    name::ServiceName,
};
use switchyard_dispatch::{Dispatcher, Instance, Service};
use switchyard_runtime::ports::{Registered, Registry};

/// Services and their instances, as guests see them.
pub(crate) struct LiveRegistry(Arc<Dispatcher>);

// === impl LiveRegistry ===

impl LiveRegistry {
    /// The port of this dispatcher's snapshots.
    pub(crate) fn new(dispatcher: Arc<Dispatcher>) -> Self {
        Self(dispatcher)
    }
}

impl Registry for LiveRegistry {
    fn discover(&self, name: Option<&str>, tags: &[String]) -> Vec<Registered> {
        let snapshot = self.0.snapshot();
        let name = match name.map(str::parse::<ServiceName>) {
            // What is no name is nobody's.
            Some(Err(_)) => return Vec::new(),
            Some(Ok(name)) => Some(name),
            None => None,
        };
        let found = snapshot.discover(name.as_ref(), tags);
        in_order(found.into_iter().map(|(service, instance)| registered(service, instance)))
    }

    fn lookup(&self, name: &str) -> Vec<Registered> {
        let snapshot = self.0.snapshot();
        let service = name.parse().ok().and_then(|name: ServiceName| snapshot.services.get(&name));
        in_order(service.iter().flat_map(|service| service.instances().map(|instance| registered(service, instance))))
    }
}

fn in_order(found: impl Iterator<Item = Registered>) -> Vec<Registered> {
    let mut found: Vec<_> = found.collect();
    found.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    found
}

fn registered(service: &Service, instance: &Instance) -> Registered {
    let described = service.describe(instance);
    Registered {
        id: described.id.to_owned(),
        name: described.name.to_string(),
        address: described.address.into_owned(),
        port: described.port,
        version: described.version.to_string(),
        tags: described.tags.to_vec(),
        metadata: described.metadata.clone(),
        status: match described.status {
            CheckStatus::Healthy => Status::Healthy,
            CheckStatus::Unhealthy => Status::Unhealthy,
            CheckStatus::Unknown => Status::Checking,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use switchyard_core::upstream::{Registration, Source};
    use switchyard_dispatch::Snapshot;

    use super::*;

    fn instance(id: &str, name: &str, tags: &[&str]) -> Arc<Instance> {
        let registration = Registration {
            id: Some(id.to_owned()),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..Registration::of(name.parse().unwrap(), "10.0.0.1:80")
        };
        Instance::of_upstream(Arc::new(registration.check(Source::Config).unwrap())).unwrap()
    }

    fn ids(found: &[Registered]) -> Vec<&str> {
        found.iter().map(|found| found.id.as_str()).collect()
    }

    #[tokio::test]
    async fn guests_find_the_healthy_ones_and_look_up_all() {
        let dispatcher = Dispatcher::new();
        let (well, ill) = (instance("z", "users", &["a", "b"]), instance("c", "users", &["a"]));
        ill.set_health(CheckStatus::Unhealthy);
        let services = [vec![well, ill], vec![instance("o", "orders", &["a"])]];
        let services: BTreeMap<_, _> = services
            .into_iter()
            .filter_map(Service::of_upstreams)
            .map(|service| (service.name().clone(), Arc::new(service)))
            .collect();
        dispatcher.publish(Snapshot { services, ..Snapshot::default() });
        let registry = LiveRegistry::new(dispatcher);
        let tags = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        assert_eq!(ids(&registry.discover(None, &[])), ["o", "z"]);
        assert_eq!(ids(&registry.discover(Some("users"), &tags(&["a"]))), ["z"]);
        assert_eq!(ids(&registry.discover(None, &tags(&["a", "b"]))), ["z"]);
        assert!(registry.discover(Some("No Name"), &[]).is_empty());
        let all = registry.lookup("users");
        assert_eq!((ids(&all), all[0].status), (vec!["c", "z"], Status::Unhealthy));
        assert_eq!((all[1].address.as_str(), all[1].port), ("10.0.0.1", 80));
        assert!(registry.lookup("nobody").is_empty());
    }
}
