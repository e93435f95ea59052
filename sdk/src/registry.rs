//! The registry: which services there are, and what answers for them.
//!
//! To call a service, send a request to `http://NAME.internal/`: the host chooses an instance that can answer. This is
//! for those that want to know more.
//!
//! ```
//! use switchyard_sdk::registry::{self, Instance};
//!
//! fn regions(service: &str) -> Vec<String> {
//!     let healthy = registry::discover(Some(service), &["eu"]);
//!     healthy.iter().filter_map(|instance| instance.metadata("region").map(str::to_owned)).collect()
//! }
//! # let instance = Instance::new("users-1", "users").tag("eu").with_metadata("region", "oslo");
//! # switchyard_sdk::testing::register(instance);
//! # assert_eq!(regions("users"), ["oslo"]);
//! ```

use crate::bindings::switchyard::plugin::registry as wit;
use crate::host;

/// Something that can answer for a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    id: String,
    name: String,
    address: String,
    port: u16,
    version: String,
    tags: Vec<String>,
    metadata: Vec<(String, String)>,
    status: Status,
}

/// Whether an instance can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Not yet.
    Starting,
    /// Yes.
    Healthy,
    /// Yes, but something that it needs is unhealthy.
    Degraded,
    /// Probably; something that it needs has not been checked yet.
    Checking,
    /// No.
    Unhealthy,
    /// No more.
    ShuttingDown,
}

/// The healthy instances of a service, or of all services, that have all these tags; at most 1,000.
pub fn discover(name: Option<&str>, tags: &[&str]) -> Vec<Instance> {
    host::discover(name, tags)
}

/// All instances of a service, in whatever status; none when nobody knows it. At most 1,000.
pub fn lookup(name: &str) -> Vec<Instance> {
    host::lookup(name)
}

// === impl Instance ===

impl Instance {
    /// A healthy plugin without tags; for tests.
    pub fn new(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            address: format!("{name}.internal"),
            port: 80,
            version: "0.0.0".to_owned(),
            tags: Vec::new(),
            metadata: Vec::new(),
            status: Status::Healthy,
        }
    }

    /// The same with one more tag; for tests.
    pub fn tag(mut self, tag: &str) -> Self {
        self.tags.push(tag.to_owned());
        self
    }

    /// The same with one more fact; for tests.
    pub fn with_metadata(mut self, name: &str, value: &str) -> Self {
        self.metadata.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same in another status; for tests.
    pub fn with_status(self, status: Status) -> Self {
        Self { status, ..self }
    }

    /// Unique among instances.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The service.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The host it is at; `NAME.internal` for a plugin.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The port it is at.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The version of the service.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Words to discover it by.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().map(String::as_str)
    }

    /// A further fact.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        self.metadata.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether it can answer.
    pub fn status(&self) -> Status {
        self.status
    }
}

impl From<wit::Instance> for Instance {
    fn from(raw: wit::Instance) -> Self {
        let wit::Instance { id, name, address, port, version, tags, metadata, status } = raw;
        let status = match status {
            wit::Status::Starting => Status::Starting,
            wit::Status::Healthy => Status::Healthy,
            wit::Status::Degraded => Status::Degraded,
            wit::Status::Checking => Status::Checking,
            wit::Status::Unhealthy => Status::Unhealthy,
            wit::Status::ShuttingDown => Status::ShuttingDown,
        };
        Self { id, name, address, port, version, tags, metadata, status }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn discovery_wants_all_tags_and_health_and_a_look_up_neither() {
        testing::register(Instance::new("a", "users").tag("eu").tag("fast"));
        testing::register(Instance::new("b", "users").tag("eu").with_status(Status::Unhealthy));
        testing::register(Instance::new("c", "orders").tag("eu"));
        let ids = |found: Vec<Instance>| found.iter().map(|found| found.id().to_owned()).collect::<Vec<_>>();
        assert_eq!(ids(discover(Some("users"), &["eu"])), ["a"]);
        assert_eq!(ids(discover(None, &["eu"])), ["c", "a"], "by name");
        assert_eq!(ids(discover(None, &["eu", "fast"])), ["a"]);
        assert_eq!(ids(lookup("users")), ["a", "b"]);
        assert!(lookup("nobody").is_empty());
    }

    #[test]
    fn an_instance_says_where_it_is() {
        let raw = wit::Instance {
            id: "users-1".to_owned(),
            name: "users".to_owned(),
            address: "10.0.0.7".to_owned(),
            port: 8_080,
            version: "1.2.0".to_owned(),
            tags: vec!["eu".to_owned()],
            metadata: vec![("zone".to_owned(), "a".to_owned())],
            status: wit::Status::Checking,
        };
        let instance = Instance::from(raw);
        assert_eq!((instance.id(), instance.name(), instance.version()), ("users-1", "users", "1.2.0"));
        assert_eq!((instance.address(), instance.port(), instance.status()), ("10.0.0.7", 8_080, Status::Checking));
        assert_eq!((instance.metadata("zone"), instance.metadata("x")), (Some("a"), None));
        assert_eq!(instance.tags().collect::<Vec<_>>(), ["eu"]);
    }
}
