//! What a plugin says of itself, built beside its handlers.

use std::time::Duration;

use crate::bindings::exports::switchyard::plugin::manifest as wit;

/// What a plugin is. [`manifest!`](crate::manifest!) begins one from `Cargo.toml`.
#[derive(Debug, Clone)]
pub struct Manifest {
    description: wit::Description,
}

/// A path that the gateway sends to this service: `/a/b` exact, `/a/{id}` one segment, `/a/*` `/a` and all below.
#[derive(Debug, Clone)]
pub struct Route {
    route: wit::Route,
}

/// Something that this service needs; its health is shown in the gateway's `/health`.
#[derive(Debug, Clone)]
pub struct Dependency {
    dependency: wit::Dependency,
}

/// How instances serve requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guests {
    /// Up to 1,000 requests each, one at a time. The default here: it is twice as fast.
    Reused,
    /// One request each: nothing leaks from one to the next.
    Fresh,
}

/// A [`Manifest`] with the name, version and description of the crate that it stands in.
#[macro_export]
macro_rules! manifest {
    () => {
        $crate::Manifest::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .description(env!("CARGO_PKG_DESCRIPTION"))
    };
}

// === impl Manifest ===

impl Manifest {
    /// A service of this name (`[a-z0-9-]{1,63}`) and semantic version. Without a route it gets `/NAME/*`, with
    /// `/NAME` stripped.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            description: wit::Description {
                name: name.into(),
                version: version.into(),
                description: String::new(),
                tags: Vec::new(),
                metadata: Vec::new(),
                routes: Vec::new(),
                subscriptions: Vec::new(),
                queues: Vec::new(),
                schedules: Vec::new(),
                commands: Vec::new(),
                sagas: Vec::new(),
                dependencies: Vec::new(),
                health: None,
                guests: Some(wit::Guests::Reused),
            },
        }
    }

    /// One sentence for people.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description.description = text.into();
        self
    }

    /// A word to discover it by.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.description.tags.push(tag.into());
        self
    }

    /// A further fact.
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.description.metadata.push((name.into(), value.into()));
        self
    }

    /// A route of the gateway to this service.
    pub fn route(mut self, route: Route) -> Self {
        self.description.routes.push(route.route);
        self
    }

    /// Something that it needs.
    pub fn dependency(mut self, dependency: Dependency) -> Self {
        self.description.dependencies.push(dependency.dependency);
        self
    }

    /// A path that answers 2xx while the service is well; the host calls it in process, past the gateway.
    pub fn health(mut self, path: impl Into<String>) -> Self {
        self.description.health = Some(path.into());
        self
    }

    /// How instances serve requests; reused unless this says otherwise. The host's config wins.
    pub fn guests(mut self, guests: Guests) -> Self {
        self.description.guests = Some(match guests {
            Guests::Reused => wit::Guests::Reused,
            Guests::Fresh => wit::Guests::Fresh,
        });
        self
    }
}

impl From<Manifest> for wit::Description {
    fn from(manifest: Manifest) -> Self {
        manifest.description
    }
}

// === impl Route ===

impl Route {
    /// A route of this path for all methods.
    pub fn new(path: impl Into<String>) -> Self {
        let route =
            wit::Route { path: path.into(), methods: Vec::new(), strip_prefix: None, host: None, timeout: None };
        Self { route }
    }

    /// Only for this method, and others named so.
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.route.methods.push(method.into());
        self
    }

    /// Cuts this off the front of the path before the service sees it.
    pub fn strip_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.route.strip_prefix = Some(prefix.into());
        self
    }

    /// Only for requests to this host (without port).
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.route.host = Some(host.into());
        self
    }

    /// The time until the response's head; the gateway's unless this says otherwise.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.route.timeout = Some(milliseconds(timeout));
        self
    }
}

// === impl Dependency ===

impl Dependency {
    /// The service of this name in the registry.
    pub fn service(name: impl Into<String>) -> Self {
        Self { dependency: wit::Dependency { name: name.into(), health_url: None, timeout: None } }
    }

    /// Something outside, shown under this name, whose health is asked at this URL.
    pub fn external(name: impl Into<String>, health_url: impl Into<String>) -> Self {
        let health_url = Some(health_url.into());
        Self { dependency: wit::Dependency { name: name.into(), health_url, timeout: None } }
    }

    /// How long to wait for it; 5 s unless this says otherwise.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.dependency.timeout = Some(milliseconds(timeout));
        self
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_reused_unless_told_otherwise() {
        let described = |manifest: Manifest| wit::Description::from(manifest).guests;
        assert!(matches!(described(Manifest::new("a", "1.0.0")), Some(wit::Guests::Reused)));
        assert!(matches!(described(Manifest::new("a", "1.0.0").guests(Guests::Fresh)), Some(wit::Guests::Fresh)));
    }

    #[test]
    fn the_macro_takes_name_and_version_from_the_crate() {
        let described = wit::Description::from(crate::manifest!());
        assert_eq!((described.name.as_str(), described.version.as_str()), ("switchyard-sdk", "0.1.0"));
    }
}
