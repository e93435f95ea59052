//! `[gateway]` and its tables: where it listens, its limits, and what it decides about requests.

mod auth;
mod cors;
mod tls;

use std::{net::SocketAddr, path::Path, time::Duration};

use serde::Deserialize;
use switchyard_core::{
    forwarded::Networks,
    name::ServiceName,
    units::{ByteSize, HumanDuration},
};
use switchyard_gateway::Policy;
use toml::Spanned;

use super::{
    check::{Wrong, duration, number, size, wrong},
    place::Text,
    raw::Listen,
};
use crate::routes::{QuotaDraft, once_each};

pub(crate) use tls::TlsFiles;

/// The least `header-max`, in bytes: hyper reads with no smaller buffer.
const HEADER_MAX_LEAST: u64 = 8 << 10;

/// The table as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Raw {
    listen: Option<Spanned<Listen>>,
    body_max: Option<Spanned<ByteSize>>,
    header_max: Option<Spanned<ByteSize>>,
    request_timeout: Option<Spanned<HumanDuration>>,
    header_timeout: Option<Spanned<HumanDuration>>,
    idle_timeout: Option<Spanned<HumanDuration>>,
    connections_max: Option<Spanned<u32>>,
    access_log: Option<bool>,
    trusted_proxies: Vec<Spanned<String>>,
    middleware: Vec<ServiceName>,
    cors: Option<cors::Raw>,
    auth: Option<auth::Raw>,
    rate_limit: Option<QuotaDraft>,
    tls: Option<tls::Raw>,
}

/// What holds; the defaults of what is none are the gateway's own.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Gateway {
    pub(crate) fixed: Fixed,
    /// What can change while requests come.
    pub(crate) policy: Policy,
    /// Where the certificate is, when the gateway speaks TLS. What the files hold may change while it runs, and where
    /// they are; whether there is TLS at all is read at start only.
    pub(crate) tls: Option<TlsFiles>,
}

/// What is read at start only.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fixed {
    pub(crate) listen: SocketAddr,
    pub(crate) header_max: Option<usize>,
    pub(crate) header_timeout: Option<Duration>,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) connections_max: Option<usize>,
}

/// Checks the tables; `base` is the folder that relative paths start from.
pub(super) fn gateway(raw: Raw, base: &Path, text: Text<'_>) -> Result<Gateway, Wrong> {
    let fixed = Fixed {
        listen: raw.listen.map_or(Fixed::default().listen, |listen| listen.into_inner().0),
        header_max: header_max(raw.header_max)?.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
        header_timeout: duration(raw.header_timeout)?,
        idle_timeout: duration(raw.idle_timeout)?,
        connections_max: number(raw.connections_max)?.map(|n| usize::try_from(n).unwrap_or(usize::MAX)),
    };
    let defaults = Policy::default();
    let policy = Policy {
        cors: raw.cors.map(|cors| cors.policy(text)).transpose()?,
        auth: raw.auth.map_or(Ok(defaults.auth), |auth| auth.policy(base, text))?,
        rate_limit: raw
            .rate_limit
            .map(|quota| quota.check(&[]))
            .transpose()
            .map_err(|invalid| text.wrong(&["gateway", "rate-limit"], invalid))?,
        trusted_proxies: trusted_proxies(raw.trusted_proxies)?,
        middleware: once_each(raw.middleware, &["middleware"]).map_err(|invalid| text.wrong(&["gateway"], invalid))?,
        body_max: size(raw.body_max)?.unwrap_or(defaults.body_max),
        request_timeout: duration(raw.request_timeout)?.unwrap_or(defaults.request_timeout),
        access_log: raw.access_log.unwrap_or(defaults.access_log),
    };
    let tls = raw.tls.map(|tls| tls.files(base, text)).transpose()?;
    Ok(Gateway { fixed, policy, tls })
}

fn header_max(raw: Option<Spanned<ByteSize>>) -> Result<Option<u64>, Wrong> {
    match &raw {
        Some(size) if size.as_ref().0 < HEADER_MAX_LEAST => {
            wrong(size, "the size must be at least 8KiB, the smallest buffer that requests can be read with".to_owned())
        }
        _ => size(raw),
    }
}

fn trusted_proxies(raw: Vec<Spanned<String>>) -> Result<Networks, Wrong> {
    for entry in &raw {
        if let Err(invalid) = Networks::parse(&[entry.as_ref()]) {
            return wrong(entry, invalid.to_string());
        }
    }
    let entries: Vec<String> = raw.into_iter().map(Spanned::into_inner).collect();
    // Each was read above.
    Ok(Networks::parse(&entries).unwrap_or_default())
}

// === impl Gateway ===

impl Gateway {
    /// Whether something differs that is read at start only.
    pub(super) fn needs_restart(&self, newer: &Self) -> bool {
        self.fixed != newer.fixed || self.tls.is_some() != newer.tls.is_some()
    }
}

// === impl Fixed ===

impl Default for Fixed {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
            header_max: None,
            header_timeout: None,
            idle_timeout: None,
            connections_max: None,
        }
    }
}

#[cfg(test)]
mod tests;
