//! From raw members to checked values: what the types alone cannot say.

use std::{ops::Range, path::Path, time::Duration};

use switchyard_core::units::{ByteSize, HumanDuration};

use super::{
    Config, Telemetry, balancer, breaker, delivery, gateway, health, place::Text, plugins, raw, retry, route, service,
    spanned::Spanned, telemetry, upstream,
};

/// A value that is of the right type and wrong all the same.
#[derive(Debug)]
pub(super) struct Wrong {
    /// Where the value stands, in bytes of the file.
    pub(super) span: Range<usize>,
    /// What is wrong, and what would be right.
    pub(super) message: String,
}

/// Checks everything; `base` is the folder that relative paths start from, and `text` is what `raw` was read from.
pub(super) fn check(raw: raw::Raw, base: &Path, text: Text<'_>) -> Result<Config, Wrong> {
    let breakers = raw.services.iter().filter_map(|(name, service)| Some((name.clone(), service.breaker.clone()?)));
    let breakers = breaker::policy(raw.breaker, breakers.collect())?;
    let retries = raw.services.iter().filter_map(|(name, service)| Some((name.clone(), service.retry.clone()?)));
    let retries = retry::retries(raw.retry, retries.collect(), text)?;
    let balancers = raw.services.iter().filter_map(|(name, service)| Some((name.clone(), service.balancer.clone()?)));
    let balancers = balancer::balancers(raw.balancer, balancers.collect())?;
    let services = service::services(raw.services, base)?;
    let delivery = delivery::check(delivery::Raw {
        events: raw.events,
        topics: raw.topics,
        queues: raw.queues,
        subscriptions: raw.subscription,
        schedules: raw.schedule,
        grants: raw.plugins.grants,
        granted: services.iter().map(|(name, service)| (name.clone(), service.grants.clone())).collect(),
    })?;
    let routes = route::routes(raw.route, &retries.default.policy, text)?;
    let gateway = gateway::gateway(raw.gateway, base, text)?;
    route::check_auth(&routes, &gateway.policy.auth.kind, text)?;
    Ok(Config {
        delivery,
        breakers,
        health: health::config(raw.health)?,
        gateway,
        admin: raw.admin.admin(base)?,
        plugins: plugins::plugins(raw.plugins, base)?,
        routes,
        upstreams: upstream::upstreams(raw.upstream, base, text)?,
        retries,
        balancers,
        services,
        store_path: raw.store.path.map(|path| base.join(path)),
        telemetry: Telemetry {
            log_format: raw.telemetry.log_format,
            log_level: raw.telemetry.log_level.map(log_level).transpose()?,
            otlp: telemetry::otlp(raw.telemetry.otlp, raw.telemetry.otlp_headers)?,
            sample: telemetry::sample(raw.telemetry.sample)?,
            metrics_interval: telemetry::metrics_interval(raw.telemetry.metrics_interval)?,
        },
    })
}

fn log_level(raw: Spanned<String>) -> Result<String, Wrong> {
    match raw.as_ref().parse::<tracing_subscriber::filter::Targets>() {
        Ok(_) if !raw.as_ref().is_empty() => Ok(raw.into_inner()),
        _ => {
            let message = format!("'{}' is not a log level: use error, warn, info, debug or trace", raw.as_ref());
            wrong(&raw, message)
        }
    }
}

pub(super) fn size(raw: Option<Spanned<ByteSize>>) -> Result<Option<u64>, Wrong> {
    positive(raw, |size| size.0 > 0, "the size must be at least 1B").map(|size| size.map(|size| size.0))
}

pub(super) fn duration(raw: Option<Spanned<HumanDuration>>) -> Result<Option<Duration>, Wrong> {
    positive(raw, |d| d.0 > Duration::ZERO, "the duration must be at least 1ms").map(|d| d.map(|d| d.0))
}

pub(super) fn number(raw: Option<Spanned<u32>>) -> Result<Option<u32>, Wrong> {
    positive(raw, |n| *n > 0, "the number must be at least 1")
}

fn positive<T>(raw: Option<Spanned<T>>, is_positive: impl Fn(&T) -> bool, message: &str) -> Result<Option<T>, Wrong> {
    match raw {
        Some(value) if !is_positive(value.as_ref()) => wrong(&value, message.to_owned()),
        other => Ok(other.map(Spanned::into_inner)),
    }
}

pub(super) fn wrong<T, U>(at: &Spanned<U>, message: String) -> Result<T, Wrong> {
    Err(Wrong { span: at.span(), message })
}
