//! What a plugin says it is: from its `manifest.describe`, its side file `NAME.toml`, or its file name alone.

mod check;
mod delivery;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    name::ServiceName,
    route::{InvalidPattern, Pattern},
    saga::Definition,
    units::HumanDuration,
};

pub use check::InvalidManifest;
pub use delivery::{
    ATTEMPTS_MAX, Ack, Backoff, CONCURRENCY_MAX, ConsumerSpec, InvalidDelivery, ScheduleSpec, Start, SubscriptionSpec,
    Target, Timetable, VISIBILITY,
};

/// The version of a component that does not say one.
pub const DEFAULT_VERSION: semver::Version = semver::Version::new(0, 0, 0);

/// The most subscriptions, and queues, and schedules, and saga commands, and saga definitions, and dependencies, and tags,
/// and facts in its metadata, of one plugin: each of them keeps the host busy, or whoever asks for all of them.
pub const MEMBERS_MAX: usize = 256;

/// The most routes of one plugin. Those of all plugins are laid into one table each time that any of them changes.
pub const ROUTES_MAX: usize = 1_000;

/// What a plugin is, all said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Manifest {
    /// The service it serves as.
    pub name: ServiceName,
    /// Its semantic version.
    pub version: semver::Version,
    /// One sentence for people.
    #[serde(default)]
    pub description: String,
    /// Words to discover it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Further facts.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// Its routes.
    #[serde(default)]
    pub routes: Vec<RouteSpec>,
    /// Its subscriptions.
    #[serde(default)]
    pub subscriptions: Vec<SubscriptionSpec>,
    /// The queues it consumes.
    #[serde(default)]
    pub queues: Vec<ConsumerSpec>,
    /// What it wants done by the clock.
    #[serde(default)]
    pub schedules: Vec<ScheduleSpec>,
    /// The saga commands that it carries out.
    #[serde(default)]
    pub commands: Vec<String>,
    /// Its saga definitions.
    #[serde(default)]
    pub sagas: Vec<Definition>,
    /// What it needs.
    #[serde(default)]
    pub dependencies: Vec<Dependency>,
    /// A path, called in process, that answers 2xx while the service is well.
    #[serde(default)]
    pub health: Option<String>,
    /// Fresh or reused instances.
    #[serde(default)]
    pub guests: Option<Guests>,
}

/// A path that the gateway sends to a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RouteSpec {
    /// `/a/b` exact, `/a/{id}` one segment, `/a/*` the prefix `/a` and all below it.
    pub path: String,
    /// The methods; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// What is cut off the front of the path before the service sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strip_prefix: Option<String>,
    /// The only host this route answers to; none means any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Time until the response's head; none means the gateway's `request-timeout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<HumanDuration>,
}

/// Something a service needs, shown in `/health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Dependency {
    /// The name it is shown under; without a URL, the service of that name.
    pub name: String,
    /// Where its health is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_url: Option<String>,
    /// How long to wait for it; none means 5 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<HumanDuration>,
}

/// How guests serve requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Guests {
    /// A fresh instance for every request.
    Fresh,
    /// An instance serves up to 1,000 requests, one at a time.
    Reused,
}

/// The members of a side file: what is there overrides what the component says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SideFile {
    /// The service it serves as.
    pub name: Option<ServiceName>,
    /// Its semantic version.
    pub version: Option<semver::Version>,
    /// One sentence for people.
    pub description: Option<String>,
    /// Words to discover it by.
    pub tags: Option<Vec<String>>,
    /// Further facts.
    pub metadata: Option<BTreeMap<String, String>>,
    /// Its routes.
    pub routes: Option<Vec<RouteSpec>>,
    /// Its subscriptions.
    pub subscriptions: Option<Vec<SubscriptionSpec>>,
    /// The queues it consumes.
    pub queues: Option<Vec<ConsumerSpec>>,
    /// What it wants done by the clock.
    pub schedules: Option<Vec<ScheduleSpec>>,
    /// The saga commands that it carries out.
    pub commands: Option<Vec<String>>,
    /// Its saga definitions, in the same members as in JSON.
    pub sagas: Option<Vec<Definition>>,
    /// What it needs.
    pub dependencies: Option<Vec<Dependency>>,
    /// A path, called in process, that answers 2xx while the service is well.
    pub health: Option<String>,
    /// Fresh or reused instances.
    pub guests: Option<Guests>,
}

/// Why a route cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRoute {
    /// Its path is no pattern.
    #[error(transparent)]
    Path(#[from] InvalidPattern),
    /// Its method with this place in the list is none.
    #[error("'{method}' is not a method: write it in capitals, as in \"GET\"")]
    Method {
        /// The place, from 0.
        place: usize,
        /// What stands there.
        method: String,
    },
    /// What is to be cut off is not the front of a path.
    #[error("'{0}' is not a path prefix: it starts with '/'")]
    StripPrefix(String),
    /// No answer is quick enough for it.
    #[error("the duration must be at least 1ms")]
    Timeout,
}

// === impl Manifest ===

impl Manifest {
    /// What holds for a component that says nothing: named by its file.
    pub fn of_file(name: ServiceName, version: Option<semver::Version>) -> Self {
        Self {
            name,
            version: version.unwrap_or(DEFAULT_VERSION),
            description: String::new(),
            tags: Vec::new(),
            metadata: BTreeMap::new(),
            routes: Vec::new(),
            subscriptions: Vec::new(),
            queues: Vec::new(),
            schedules: Vec::new(),
            commands: Vec::new(),
            sagas: Vec::new(),
            dependencies: Vec::new(),
            health: None,
            guests: None,
        }
    }

    /// Lays a side file over it: a member that is there replaces the component's.
    pub fn overlay(&mut self, side: SideFile) {
        fn set<T>(member: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *member = value;
            }
        }
        set(&mut self.name, side.name);
        set(&mut self.version, side.version);
        set(&mut self.description, side.description);
        set(&mut self.tags, side.tags);
        set(&mut self.metadata, side.metadata);
        set(&mut self.routes, side.routes);
        set(&mut self.subscriptions, side.subscriptions);
        set(&mut self.queues, side.queues);
        set(&mut self.schedules, side.schedules);
        set(&mut self.commands, side.commands);
        set(&mut self.sagas, side.sagas);
        set(&mut self.dependencies, side.dependencies);
        self.health = side.health.or(self.health.take());
        self.guests = side.guests.or(self.guests);
    }

    /// Gives a service without routes the one of its name.
    pub(crate) fn default_routes(&mut self) {
        if self.routes.is_empty() {
            self.routes.push(RouteSpec::of_service(&self.name));
        }
    }
}

// === impl RouteSpec ===

impl RouteSpec {
    /// Checks what the types alone cannot say; the same for every place where a route can be written.
    ///
    /// # Errors
    /// With the first member that is wrong, and what would be right.
    pub fn check(&self) -> Result<(), InvalidRoute> {
        let is_method =
            |method: &str| !method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-');
        if let Some((place, method)) = self.methods.iter().enumerate().find(|(_, method)| !is_method(method)) {
            return Err(InvalidRoute::Method { place, method: method.clone() });
        }
        if let Some(prefix) = self.strip_prefix.as_ref().filter(|prefix| !prefix.starts_with('/')) {
            return Err(InvalidRoute::StripPrefix(prefix.clone()));
        }
        if self.timeout.is_some_and(|timeout| timeout.0.is_zero()) {
            return Err(InvalidRoute::Timeout);
        }
        self.path.parse::<Pattern>()?;
        Ok(())
    }

    /// `/NAME/*` with the prefix `/NAME` stripped.
    pub fn of_service(name: &ServiceName) -> Self {
        Self {
            path: format!("/{name}/*"),
            methods: Vec::new(),
            strip_prefix: Some(format!("/{name}")),
            host: None,
            timeout: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_file_overrides_only_what_it_says() {
        let mut manifest = Manifest::of_file("users".parse().unwrap(), None);
        let side: SideFile =
            toml::from_str("version = '2.0.0'\nroutes = [{ path = '/api/*', strip-prefix = '/api' }]").unwrap();
        manifest.overlay(side);
        assert_eq!(manifest.name.as_str(), "users");
        assert_eq!(manifest.version, semver::Version::new(2, 0, 0));
        assert_eq!(manifest.routes[0].path, "/api/*");
    }

    #[test]
    fn an_unknown_member_of_a_side_file_is_refused() {
        assert!(toml::from_str::<SideFile>("rout = []").is_err());
    }

    const SAGA: &str = "
        commands = ['inventory.reserve']
        [[sagas]]
        name = 'order'
        onFailure = 'stuck'
        [[sagas.steps]]
        command = 'inventory.reserve'
        compensation = 'inventory.release'
        data = { timeout = 30000 }
        compensationRetry = { maxAttempts = 9 }
        [[sagas.steps]]
        wait = { signal = 'approved', timeout = '1d' }
    ";

    #[test]
    fn a_definition_says_in_a_side_file_what_it_says_in_json() {
        let json = serde_json::json!({"name": "order", "onFailure": "stuck", "steps": [
            {"command": "inventory.reserve", "compensation": "inventory.release", "data": {"timeout": 30000},
             "compensationRetry": {"maxAttempts": 9}},
            {"wait": {"signal": "approved", "timeout": "1d"}},
        ]});
        let mut manifest = Manifest::of_file("shop".parse().unwrap(), None);
        manifest.overlay(toml::from_str(SAGA).unwrap());
        assert_eq!(manifest.sagas, [serde_json::from_value(json).unwrap()]);
        assert_eq!((manifest.commands.as_slice(), manifest.check()), (&["inventory.reserve".to_owned()][..], Ok(())));
    }

    #[test]
    fn what_is_kept_reads_back_the_same() {
        let mut manifest = Manifest::of_file("shop".parse().unwrap(), None);
        manifest.overlay(toml::from_str(SAGA).unwrap());
        let kept = serde_json::to_string(&manifest).unwrap();
        assert_eq!(serde_json::from_str::<Manifest>(&kept).unwrap(), manifest);
    }
}
