//! The registry: behind `switchyard:plugin/registry`.

use std::collections::BTreeMap;

use switchyard_core::health::Status;

/// Which services there are, and what answers for them: behind `switchyard:plugin/registry`. Names and tags are as the
/// guest wrote them. Both answer from what is known at the moment, in the order of names and then ids.
pub trait Registry: Send + Sync + 'static {
    /// The healthy instances of a service, or of all services, that have all these tags.
    fn discover(&self, name: Option<&str>, tags: &[String]) -> Vec<Registered>;

    /// All instances of a service, in whatever status; none when nobody knows it.
    fn lookup(&self, name: &str) -> Vec<Registered>;
}

/// Something that can answer for a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Unique among instances.
    pub id: String,
    /// The service.
    pub name: String,
    /// The host it is at; `NAME.internal` for a plugin.
    pub address: String,
    /// The port it is at.
    pub port: u16,
    /// The version of the service.
    pub version: String,
    /// Words to discover it by.
    pub tags: Vec<String>,
    /// Further facts.
    pub metadata: BTreeMap<String, String>,
    /// Whether it can answer.
    pub status: Status,
}

/// A registry of nothing, for guests that nobody else is to be seen by.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRegistry;

impl Registry for NoRegistry {
    fn discover(&self, _: Option<&str>, _: &[String]) -> Vec<Registered> {
        Vec::new()
    }

    fn lookup(&self, _: &str) -> Vec<Registered> {
        Vec::new()
    }
}
