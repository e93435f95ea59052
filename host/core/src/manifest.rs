//! What a plugin says it is: from its `manifest.describe`, its side file `NAME.toml`, or its file name alone.

mod delivery;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    name::ServiceName,
    route::{InvalidPattern, Pattern},
    units::HumanDuration,
};

pub use delivery::{
    ATTEMPTS_MAX, Ack, Backoff, CONCURRENCY_MAX, ConsumerSpec, InvalidDelivery, ScheduleSpec, Start, SubscriptionSpec,
    Target, Timetable, VISIBILITY,
};

/// The version of a component that does not say one.
pub const DEFAULT_VERSION: semver::Version = semver::Version::new(0, 0, 0);

/// The most subscriptions, and queues, and schedules, of one plugin: each of them keeps the host busy.
pub const MEMBERS_MAX: usize = 256;

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guests {
    /// A fresh instance for every request.
    Fresh,
    /// An instance serves up to 1,000 requests, one at a time.
    Reused,
}

/// The members of a side file: what is there overrides what the component says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SideFile {
    /// See [`Manifest::name`].
    pub name: Option<ServiceName>,
    /// See [`Manifest::version`].
    pub version: Option<semver::Version>,
    /// See [`Manifest::description`].
    pub description: Option<String>,
    /// See [`Manifest::tags`].
    pub tags: Option<Vec<String>>,
    /// See [`Manifest::metadata`].
    pub metadata: Option<BTreeMap<String, String>>,
    /// See [`Manifest::routes`].
    pub routes: Option<Vec<RouteSpec>>,
    /// See [`Manifest::subscriptions`].
    pub subscriptions: Option<Vec<SubscriptionSpec>>,
    /// See [`Manifest::queues`].
    pub queues: Option<Vec<ConsumerSpec>>,
    /// See [`Manifest::schedules`].
    pub schedules: Option<Vec<ScheduleSpec>>,
    /// See [`Manifest::dependencies`].
    pub dependencies: Option<Vec<Dependency>>,
    /// See [`Manifest::health`].
    pub health: Option<String>,
    /// See [`Manifest::guests`].
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

/// Why a manifest does not hold; the text names the member.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidManifest {
    /// One of its routes.
    #[error("the route '{path}': {invalid}")]
    Route {
        /// The route's path as it is written.
        path: String,
        /// What is wrong with the route.
        invalid: InvalidRoute,
    },
    /// One of its subscriptions, consumers or schedules.
    #[error("the {member} '{name}': {invalid}")]
    Delivery {
        /// `subscription`, `queue` or `schedule`.
        member: &'static str,
        /// Its topic or name as it is written.
        name: String,
        /// What is wrong with it.
        invalid: InvalidDelivery,
    },
    /// Too many members of a kind.
    #[error("it has {1} {0}, over the limit of {MEMBERS_MAX}; make several plugins of it")]
    TooMany(&'static str, usize),
    /// Two members of the same name.
    #[error("two {0}s are named '{1}'; give one another name, or leave it out")]
    Twice(&'static str, String),
    /// The health path.
    #[error("the health path '{0}' does not begin with '/'; write '/{0}', or give a URL as a dependency's health-url")]
    Health(String),
    /// How long to wait for a dependency.
    #[error("the dependency '{0}': the timeout must be at least 1ms")]
    DependencyTimeout(String),
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

    /// Checks what the types alone cannot say.
    ///
    /// # Errors
    /// With the first member that is wrong, and what would be right.
    pub fn check(&self) -> Result<(), InvalidManifest> {
        for route in &self.routes {
            route.check().map_err(|invalid| InvalidManifest::Route { path: route.path.clone(), invalid })?;
        }
        self.check_deliveries()?;
        if let Some(path) = self.health.as_ref().filter(|path| !path.starts_with('/')) {
            return Err(InvalidManifest::Health(path.clone()));
        }
        let is_zero = |timeout: Option<HumanDuration>| timeout.is_some_and(|timeout| timeout.0.is_zero());
        match self.dependencies.iter().find(|dependency| is_zero(dependency.timeout)) {
            Some(dependency) => Err(InvalidManifest::DependencyTimeout(dependency.name.clone())),
            None => Ok(()),
        }
    }

    fn check_deliveries(&self) -> Result<(), InvalidManifest> {
        let counts = [
            ("subscriptions", self.subscriptions.len()),
            ("queues", self.queues.len()),
            ("schedules", self.schedules.len()),
        ];
        if let Some((member, count)) = counts.into_iter().find(|(_, count)| *count > MEMBERS_MAX) {
            return Err(InvalidManifest::TooMany(member, count));
        }
        let wrong = |member: &'static str, name: &str| {
            let name = name.to_owned();
            move |invalid| InvalidManifest::Delivery { member, name, invalid }
        };
        for subscription in &self.subscriptions {
            subscription.check().map_err(wrong("subscription", &subscription.topic))?;
        }
        for consumer in &self.queues {
            consumer.check().map_err(wrong("queue", &consumer.queue))?;
        }
        for schedule in &self.schedules {
            schedule.check().map_err(wrong("schedule", &schedule.name))?;
        }
        let subscriptions = self.subscriptions.iter().map(|s| ("subscription", s.full_name(self.name.as_str())));
        let consumers = self.queues.iter().map(|consumer| ("queue", consumer.queue.clone()));
        let schedules = self.schedules.iter().map(|schedule| ("schedule", schedule.name.clone()));
        let mut seen = std::collections::BTreeSet::new();
        for named in subscriptions.chain(consumers).chain(schedules) {
            if !seen.insert(named.clone()) {
                return Err(InvalidManifest::Twice(named.0, named.1));
            }
        }
        Ok(())
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

    #[track_caller]
    fn wrong(side: &str, expected: &str) {
        let mut manifest = Manifest::of_file("users".parse().unwrap(), None);
        assert_eq!(manifest.check(), Ok(()));
        manifest.overlay(toml::from_str(side).unwrap());
        let error = manifest.check().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_wrong_member_is_named_with_the_remedy() {
        wrong("routes = [{ path = '/a', methods = ['get'] }]", "the route '/a': 'get' is not a method");
        wrong("routes = [{ path = '/a', strip-prefix = 'a' }]", "the route '/a': 'a' is not a path prefix");
        wrong("routes = [{ path = '/a', timeout = '0s' }]", "the route '/a': the duration must be at least 1ms");
        wrong("routes = [{ path = 'a' }]", "write '/a'");
        wrong("health = 'ok'", "write '/ok'");
        wrong("subscriptions = [{ topic = 'a..b' }]", "the subscription 'a..b': 'a..b' is not a topic pattern");
        wrong("queues = [{ queue = 'a' }, { queue = 'a' }]", "two queues are named 'a'");
        let many = vec!["{ topic = 'a' }"; MEMBERS_MAX + 1].join(",");
        wrong(&format!("subscriptions = [{many}]"), "it has 257 subscriptions, over the limit of 256");
        wrong("dependencies = [{ name = 'db', timeout = '0ms' }]", "the dependency 'db'");
    }

    #[test]
    fn an_unknown_member_of_a_side_file_is_refused() {
        assert!(toml::from_str::<SideFile>("rout = []").is_err());
    }
}
