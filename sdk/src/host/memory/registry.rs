//! The registry of the host in memory: what a test says is there.

use super::with;
use crate::registry::{Instance, Status};

pub(crate) fn discover(name: Option<&str>, tags: &[&str]) -> Vec<Instance> {
    found(|instance| {
        name.is_none_or(|name| name == instance.name())
            && instance.status() == Status::Healthy
            && tags.iter().all(|tag| instance.tags().any(|other| other == *tag))
    })
}

pub(crate) fn lookup(name: &str) -> Vec<Instance> {
    found(|instance| instance.name() == name)
}

pub(crate) fn register(instance: Instance) {
    with(|host| {
        host.instances.retain(|other| other.id() != instance.id());
        host.instances.push(instance);
    });
}

/// By name and id, as the host answers.
fn found(is_meant: impl Fn(&Instance) -> bool) -> Vec<Instance> {
    let mut found: Vec<Instance> =
        with(|host| host.instances.iter().filter(|other| is_meant(other)).cloned().collect());
    found.sort_by(|a, b| (a.name(), a.id()).cmp(&(b.name(), b.id())));
    found
}
