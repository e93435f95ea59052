//! The paths that a plugin serves.

use std::time::Duration;

use crate::bindings::manifest::exports::switchyard::plugin::manifest as wit;
use crate::clock::milliseconds;

/// A path that the gateway sends to this service: `/a/b` exact, `/a/{id}` one segment, `/a/*` `/a` and all below.
#[derive(Debug, Clone)]
pub struct Route {
    route: wit::Route,
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

impl From<Route> for wit::Route {
    fn from(route: Route) -> Self {
        route.route
    }
}
