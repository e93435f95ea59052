//! The tables of events, queues and the clock, and the grants: from raw members to checked values.

mod queue;
mod schedule;
mod subscription;

use std::collections::{BTreeMap, BTreeSet};

use switchyard_core::{event::topic, name::ServiceName};
use switchyard_delivery::{
    Config,
    config::{Grant, Grants, Topic},
};

use super::{
    check::{Wrong, duration, wrong},
    raw,
    spanned::Spanned,
};

/// The raw tables.
pub(super) struct Raw {
    pub(super) events: raw::Events,
    pub(super) topics: BTreeMap<Spanned<String>, raw::Topic>,
    pub(super) queues: BTreeMap<Spanned<String>, raw::Queue>,
    pub(super) subscriptions: Vec<Spanned<raw::Subscription>>,
    pub(super) schedules: Vec<Spanned<raw::Schedule>>,
    pub(super) grants: Grants,
    pub(super) granted: BTreeMap<ServiceName, BTreeSet<Grant>>,
}

/// Checks the tables.
pub(super) fn check(raw: Raw) -> Result<Config, Wrong> {
    Ok(Config {
        middleware: middleware(raw.events.middleware)?,
        on_error: raw.events.on_error,
        topics: raw.topics.into_iter().map(named_topic).collect::<Result<_, _>>()?,
        queues: queue::queues(raw.queues)?,
        subscriptions: raw.subscriptions.into_iter().map(subscription::subscription).collect::<Result<_, _>>()?,
        schedules: schedule::schedules(raw.schedules)?,
        grants: raw.grants,
        granted: raw.granted,
    })
}

/// Each once: the second time it would see what it has made itself.
fn middleware(raw: Vec<Spanned<ServiceName>>) -> Result<Vec<ServiceName>, Wrong> {
    let mut names: Vec<ServiceName> = Vec::with_capacity(raw.len());
    for name in raw {
        if names.contains(name.as_ref()) {
            return wrong(&name, format!("'{}' is there twice; remove one", name.as_ref()));
        }
        names.push(name.into_inner());
    }
    Ok(names)
}

fn named_topic((name, raw): (Spanned<String>, raw::Topic)) -> Result<(String, Topic), Wrong> {
    if let Err(invalid) = topic::check(name.as_ref()) {
        return wrong(&name, invalid.to_string());
    }
    let defaults = Topic::default();
    let retention = duration(raw.retention)?.unwrap_or(defaults.retention);
    Ok((name.into_inner(), Topic { durability: raw.durability, retention }))
}

#[cfg(test)]
mod tests;
