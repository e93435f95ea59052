//! `[gateway]` and its tables: where it listens, its limits, and what it decides about requests.

mod auth;
mod cors;
mod tls;

use std::{net::SocketAddr, path::Path, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;
use switchyard_core::{
    forwarded::Networks,
    name::ServiceName,
    units::{ByteSize, HumanDuration},
};
use switchyard_gateway::{AccessLog, Policy};

use super::{
    check::{Wrong, duration, number, size, wrong},
    place::Text,
    raw::Listen,
    spanned::Spanned,
};
use crate::routes::{QuotaDraft, once_each};

pub(crate) use tls::TlsFiles;

/// The least `header-max`, in bytes: hyper reads with no smaller buffer.
const HEADER_MAX_LEAST: u64 = 8 << 10;

/// `[gateway]`, as it is written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(rename = "Gateway")]
pub(super) struct Raw {
    /// Where it listens. At restart.
    #[schemars(extend("default" = "127.0.0.1:3000"))]
    listen: Option<Spanned<Listen>>,
    /// The largest request body, else 413.
    #[schemars(extend("default" = "10MiB"))]
    body_max: Option<Spanned<ByteSize>>,
    /// The largest request head, else 431; at least 8KiB. At restart.
    #[schemars(extend("default" = "64KiB"))]
    header_max: Option<Spanned<ByteSize>>,
    /// Until a response's head, else 504.
    #[schemars(extend("default" = "30s"))]
    request_timeout: Option<Spanned<HumanDuration>>,
    /// For a request's head to arrive. At restart.
    #[schemars(extend("default" = "10s"))]
    header_timeout: Option<Spanned<HumanDuration>>,
    /// Without a byte in either direction. At restart.
    #[schemars(extend("default" = "60s"))]
    idle_timeout: Option<Spanned<HumanDuration>>,
    /// Connections at once. At restart.
    #[schemars(range(min = 1), extend("default" = 10000))]
    connections_max: Option<Spanned<u32>>,
    /// A line for each request on standard output, in the combined format of web servers (`true` means that too) or in JSON.
    #[schemars(extend("default" = false))]
    access_log: Option<AccessLogRaw>,
    /// Addresses and networks (`10.0.0.0/8`) whose `X-Forwarded-*` is believed.
    #[schemars(extend("default" = []))]
    trusted_proxies: Vec<Spanned<String>>,
    /// Services that see every request, the first one first; one that is missing or fails refuses the request.
    #[schemars(extend("default" = []))]
    middleware: Vec<ServiceName>,
    /// Lets pages of other origins call; an empty table means its defaults.
    cors: Option<cors::Raw>,
    /// Who may call.
    auth: Option<auth::Raw>,
    /// How often may be called; an empty table means its defaults.
    rate_limit: Option<QuotaDraft>,
    /// HTTPS, and HTTP/2 by ALPN. Whether there is TLS, at restart.
    tls: Option<tls::Raw>,
}

/// Whether requests are logged, and how.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "access-log is true, false, \"off\", \"text\" or \"json\"")]
#[schemars(rename = "AccessLog")]
pub(super) enum AccessLogRaw {
    /// `true` is `"text"`, `false` is `"off"`.
    Whether(bool),
    /// By its name.
    Format(AccessLogFormat),
}

/// How they are.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum AccessLogFormat {
    /// No line.
    Off,
    /// As web servers do.
    Text,
    /// One object in JSON, by OpenTelemetry's names.
    Json,
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
        access_log: raw.access_log.map_or(defaults.access_log, AccessLogRaw::format),
    };
    let tls = raw.tls.map(|tls| tls.files(base, text)).transpose()?;
    Ok(Gateway { fixed, policy, tls })
}

// === impl AccessLogRaw ===

impl AccessLogRaw {
    fn format(self) -> AccessLog {
        match self {
            Self::Whether(false) | Self::Format(AccessLogFormat::Off) => AccessLog::Off,
            Self::Whether(true) | Self::Format(AccessLogFormat::Text) => AccessLog::Text,
            Self::Format(AccessLogFormat::Json) => AccessLog::Json,
        }
    }
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
