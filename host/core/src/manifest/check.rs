//! Whether a manifest holds: what the types alone cannot say, refused by member and with the remedy.

use std::collections::BTreeSet;

use super::{InvalidDelivery, InvalidRoute, MEMBERS_MAX, Manifest, ROUTES_MAX};
use crate::{
    saga::{self, Definition, definition::InvalidDefinition},
    units::HumanDuration,
};

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
    /// One of its saga commands.
    #[error(
        "'{0}' is not the name of a command: use 1 to {max} of letters, digits, '.', '_', '-' and ':'",
        max = saga::id::NAME_MAX
    )]
    Command(String),
    /// One of its saga definitions.
    #[error("the saga '{name}': {invalid}")]
    Saga {
        /// Its name as it is written.
        name: String,
        /// What is wrong with it.
        invalid: InvalidDefinition,
    },
    /// Too many members of a kind: which, how many, and how many there may be.
    #[error("it has {1} {0}, over the limit of {2}; make several plugins of it, or say it in fewer")]
    TooMany(&'static str, usize, usize),
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
    /// Checks what the types alone cannot say.
    ///
    /// # Errors
    /// With the first member that is wrong, and what would be right.
    pub fn check(&self) -> Result<(), InvalidManifest> {
        self.check_counts()?;
        for route in &self.routes {
            route.check().map_err(|invalid| InvalidManifest::Route { path: route.path.clone(), invalid })?;
        }
        self.check_deliveries()?;
        self.check_sagas()?;
        self.check_names()?;
        if let Some(path) = self.health.as_ref().filter(|path| !path.starts_with('/')) {
            return Err(InvalidManifest::Health(path.clone()));
        }
        let is_zero = |timeout: Option<HumanDuration>| timeout.is_some_and(|timeout| timeout.0.is_zero());
        match self.dependencies.iter().find(|dependency| is_zero(dependency.timeout)) {
            Some(dependency) => Err(InvalidManifest::DependencyTimeout(dependency.name.clone())),
            None => Ok(()),
        }
    }

    /// Checks that there are not too many members of any kind, which no side file makes good.
    ///
    /// # Errors
    /// With the first kind of which there are too many.
    pub fn check_counts(&self) -> Result<(), InvalidManifest> {
        let counts = [
            ("routes", self.routes.len(), ROUTES_MAX),
            ("subscriptions", self.subscriptions.len(), MEMBERS_MAX),
            ("queues", self.queues.len(), MEMBERS_MAX),
            ("schedules", self.schedules.len(), MEMBERS_MAX),
            ("commands", self.commands.len(), MEMBERS_MAX),
            ("sagas", self.sagas.len(), MEMBERS_MAX),
            ("dependencies", self.dependencies.len(), MEMBERS_MAX),
            ("tags", self.tags.len(), MEMBERS_MAX),
            ("facts in its metadata", self.metadata.len(), MEMBERS_MAX),
        ];
        match counts.into_iter().find(|(_, count, max)| count > max) {
            Some((member, count, max)) => Err(InvalidManifest::TooMany(member, count, max)),
            None => Ok(()),
        }
    }

    fn check_deliveries(&self) -> Result<(), InvalidManifest> {
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
        Ok(())
    }

    fn check_sagas(&self) -> Result<(), InvalidManifest> {
        if let Some(command) = self.commands.iter().find(|command| !saga::id::is_name(command)) {
            return Err(InvalidManifest::Command(command.clone()));
        }
        let wrong = |saga: &Definition, invalid| InvalidManifest::Saga { name: saga.name().to_owned(), invalid };
        self.sagas.iter().try_for_each(|saga| saga.check().map_err(|invalid| wrong(saga, invalid)))
    }

    fn check_names(&self) -> Result<(), InvalidManifest> {
        let subscriptions = self.subscriptions.iter().map(|s| ("subscription", s.full_name(self.name.as_str())));
        let consumers = self.queues.iter().map(|consumer| ("queue", consumer.queue.clone()));
        let schedules = self.schedules.iter().map(|schedule| ("schedule", schedule.name.clone()));
        let commands = self.commands.iter().map(|command| ("command", command.clone()));
        let sagas = self.sagas.iter().map(|saga| ("saga", saga.name().to_owned()));
        let mut seen = BTreeSet::new();
        for named in subscriptions.chain(consumers).chain(schedules).chain(commands).chain(sagas) {
            if !seen.insert(named.clone()) {
                return Err(InvalidManifest::Twice(named.0, named.1));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let many = vec!["{ path = '/a' }"; ROUTES_MAX + 1].join(",");
        wrong(&format!("routes = [{many}]"), "it has 1001 routes, over the limit of 1000; make several plugins of it");
        let many = vec!["'a'"; MEMBERS_MAX + 1].join(",");
        wrong(&format!("tags = [{many}]"), "it has 257 tags, over the limit of 256");
        wrong("dependencies = [{ name = 'db', timeout = '0ms' }]", "the dependency 'db'");
    }

    #[test]
    fn commands_and_sagas_are_named_once_and_hold() {
        wrong("commands = ['a/b']", "'a/b' is not the name of a command: use 1 to 128 of");
        wrong("commands = ['a', 'b', 'a']", "two commands are named 'a'");
        let many: Vec<_> = (0..=MEMBERS_MAX).map(|n| format!("'c{n}'")).collect();
        wrong(&format!("commands = [{}]", many.join(",")), "it has 257 commands, over the limit of 256");
        let saga = |name: &str, step: &str| format!("{{ name = '{name}', steps = [{{ command = 'a', {step} }}] }}");
        let held = saga("s", "irreversible = true");
        wrong(
            &format!("sagas = [{}]", saga("s", "data = { n = 1 }")),
            "the saga 's': the step 0 ('a'): it comes before",
        );
        wrong(&format!("sagas = [{}]", saga("a/b", "pivot = true")), "the saga 'a/b': 'a/b' is not the name of a saga");
        wrong(&format!("sagas = [{held}, {held}]"), "two sagas are named 's'");
        wrong(
            &format!("sagas = [{}]", vec![held; MEMBERS_MAX + 1].join(",")),
            "it has 257 sagas, over the limit of 256",
        );
        // A command may be named as a saga, or as another plugin's.
        let mut manifest = Manifest::of_file("users".parse().unwrap(), None);
        let side = format!("commands = ['s', 'inventory.reserve']\nsagas = [{}]", saga("s", "compensation = 'b'"));
        manifest.overlay(toml::from_str(&side).unwrap());
        assert_eq!(manifest.check(), Ok(()));
    }
}
