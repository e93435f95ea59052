//! From raw members to checked values: what the types alone cannot say.

use std::{net::SocketAddr, ops::Range, path::Path, time::Duration};

use switchyard_core::{
    manifest::{InvalidRoute, RouteSpec},
    outbound::AllowList,
    units::{ByteSize, HumanDuration},
};
use toml::Spanned;

use super::{
    Config, Gateway, NOT_LOOPBACK, Plugins, Route, Service, Telemetry, breaker, delivery, is_safe_for_admin, raw,
};

/// The least `header-max`, in bytes: hyper reads with no smaller buffer.
const HEADER_MAX_LEAST: u64 = 8 << 10;

/// A value that is of the right type and wrong all the same.
#[derive(Debug)]
pub(super) struct Wrong {
    /// Where the value stands, in bytes of the file.
    pub(super) span: Range<usize>,
    /// What is wrong, and what would be right.
    pub(super) message: String,
}

/// Checks everything; `base` is the folder that relative paths start from.
pub(super) fn check(raw: raw::Raw, base: &Path) -> Result<Config, Wrong> {
    let defaults = Config::default();
    let delivery = delivery::check(delivery::Raw {
        events: raw.events,
        topics: raw.topics,
        queues: raw.queues,
        subscriptions: raw.subscription,
        schedules: raw.schedule,
        grants: raw.plugins.grants,
        granted: raw.services.iter().map(|(name, service)| (name.clone(), service.grants.clone())).collect(),
    })?;
    let breakers = raw.services.iter().filter_map(|(name, service)| Some((name.clone(), service.breaker.clone()?)));
    Ok(Config {
        delivery,
        breakers: breaker::policy(raw.breaker, breakers.collect())?,
        gateway: gateway(raw.gateway, defaults.gateway)?,
        admin: raw.admin.listen.map_or(Ok(defaults.admin), admin)?,
        plugins: Plugins {
            dir: raw.plugins.dir.map_or(defaults.plugins.dir, |dir| base.join(dir)),
            drain_timeout: raw.plugins.drain_timeout.map_or(defaults.plugins.drain_timeout, |timeout| timeout.0),
        },
        routes: raw.route.into_iter().map(route).collect::<Result<_, _>>()?,
        services: raw.services.into_iter().map(|(name, s)| Ok((name, service(s)?))).collect::<Result<_, _>>()?,
        store_path: raw.store.path.map(|path| base.join(path)),
        telemetry: Telemetry {
            log_format: raw.telemetry.log_format,
            log_level: raw.telemetry.log_level.map(log_level).transpose()?,
        },
    })
}

fn gateway(raw: raw::Gateway, defaults: Gateway) -> Result<Gateway, Wrong> {
    Ok(Gateway {
        listen: raw.listen.map_or(defaults.listen, |listen| listen.into_inner().0),
        body_max: size(raw.body_max)?,
        header_max: header_max(raw.header_max)?.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
        request_timeout: duration(raw.request_timeout)?,
        header_timeout: duration(raw.header_timeout)?,
        idle_timeout: duration(raw.idle_timeout)?,
        connections_max: number(raw.connections_max)?.map(|n| usize::try_from(n).unwrap_or(usize::MAX)),
        access_log: raw.access_log,
    })
}

fn admin(listen: Spanned<raw::Listen>) -> Result<SocketAddr, Wrong> {
    let address = listen.as_ref().0;
    if is_safe_for_admin(address) { Ok(address) } else { wrong(&listen, NOT_LOOPBACK.to_owned()) }
}

fn route(raw: raw::Route) -> Result<Route, Wrong> {
    let path_span = raw.path.span();
    let method_spans: Vec<_> = raw.methods.iter().map(Spanned::span).collect();
    let prefix_span = raw.strip_prefix.as_ref().map(Spanned::span);
    let timeout_span = raw.timeout.as_ref().map(Spanned::span);
    let spec = RouteSpec {
        path: raw.path.into_inner(),
        methods: raw.methods.into_iter().map(Spanned::into_inner).collect(),
        strip_prefix: raw.strip_prefix.map(Spanned::into_inner),
        host: raw.host,
        timeout: raw.timeout.map(Spanned::into_inner),
    };
    match spec.check() {
        Ok(()) => Ok(Route { spec, service: raw.service }),
        Err(invalid) => {
            let span = match &invalid {
                InvalidRoute::Path(_) => None,
                InvalidRoute::Method { place, .. } => method_spans.get(*place).cloned(),
                InvalidRoute::StripPrefix(_) => prefix_span,
                InvalidRoute::Timeout => timeout_span,
            };
            Err(Wrong { span: span.unwrap_or(path_span), message: invalid.to_string() })
        }
    }
}

fn service(raw: raw::Service) -> Result<Service, Wrong> {
    for entry in &raw.outbound {
        if let Err(invalid) = AllowList::parse(&[entry.as_ref()]) {
            return wrong(entry, invalid.to_string());
        }
    }
    Ok(Service {
        config: raw.config,
        env: raw.env,
        outbound: raw.outbound.into_iter().map(Spanned::into_inner).collect(),
        guests: raw.guests,
        memory_max: size(raw.memory_max)?,
        deadline: duration(raw.deadline)?,
        concurrency_max: number(raw.concurrency_max)?,
        queue_max: raw.queue_max,
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

fn size(raw: Option<Spanned<ByteSize>>) -> Result<Option<u64>, Wrong> {
    positive(raw, |size| size.0 > 0, "the size must be at least 1B").map(|size| size.map(|size| size.0))
}

pub(super) fn duration(raw: Option<Spanned<HumanDuration>>) -> Result<Option<Duration>, Wrong> {
    positive(raw, |d| d.0 > Duration::ZERO, "the duration must be at least 1ms").map(|d| d.map(|d| d.0))
}

fn header_max(raw: Option<Spanned<ByteSize>>) -> Result<Option<u64>, Wrong> {
    let message = "the size must be at least 8KiB, the smallest buffer that requests can be read with";
    positive(raw, |size| size.0 >= HEADER_MAX_LEAST, message).map(|size| size.map(|size| size.0))
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
