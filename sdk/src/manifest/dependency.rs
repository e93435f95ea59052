//! What a plugin needs.

use std::time::Duration;

use crate::bindings::manifest::exports::switchyard::plugin::manifest as wit;
use crate::clock::milliseconds;

/// Something that this service needs; its health is shown in the gateway's `/health`.
#[derive(Debug, Clone)]
pub struct Dependency {
    dependency: wit::Dependency,
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

impl From<Dependency> for wit::Dependency {
    fn from(dependency: Dependency) -> Self {
        dependency.dependency
    }
}
