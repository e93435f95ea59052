//! `switchyard.toml`: read in two steps, raw members first, checked values after.
//!
//! Members are kebab-case; durations and sizes are strings with a unit. A member that is unknown or wrong is an error
//! with file, line and remedy, never ignored: a limit that is silently not applied is worse than a refused start.
//! Relative paths are relative to the file that says them.
//!
//! **Invariant**: every member that is accepted here has an effect.

mod admin;
mod balancer;
mod breaker;
mod calls;
mod check;
mod delivery;
mod explain;
mod gateway;
mod health;
mod place;
mod plugins;
mod raw;
mod retry;
mod route;
pub(crate) mod schema;
mod service;
mod spanned;
mod telemetry;
mod upstream;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use switchyard_core::{name::ServiceName, upstream::Upstream};
use switchyard_dispatch::{BreakerPolicy, CallPolicy};

pub(crate) use admin::Admin;
pub(crate) use balancer::Balancers;
pub(crate) use explain::explain;
pub(crate) use gateway::{Gateway, TlsFiles};
pub(crate) use plugins::Plugins;
pub(crate) use retry::Retries;
pub(crate) use service::Service;
pub(crate) use telemetry::Otlp;

use crate::routes::Route;

/// The file that is read when none is named and it is there.
pub(crate) const DEFAULT_FILE: &str = "switchyard.toml";

/// What holds, after file, environment and flags.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Config {
    pub(crate) gateway: Gateway,
    /// `[admin]`.
    pub(crate) admin: Admin,
    pub(crate) plugins: Plugins,
    /// Routes of the operator; they come before those of plugins.
    pub(crate) routes: Vec<Route>,
    /// `[[upstream]]`.
    pub(crate) upstreams: Vec<Arc<Upstream>>,
    /// `[retry]`, and what services say beside it.
    pub(crate) retries: Retries,
    pub(crate) services: BTreeMap<ServiceName, Service>,
    /// `[events]`, `[topics.NAME]`, `[queues.NAME]`, `[[subscription]]`, `[[schedule]]` and the grants.
    pub(crate) delivery: switchyard_delivery::Config,
    /// `[breaker]`, and what services say beside it.
    pub(crate) breakers: BreakerPolicy,
    /// `[balancer]`, and what services say beside it.
    pub(crate) balancers: Balancers,
    /// `[health]`.
    pub(crate) health: switchyard_core::health::Config,
    /// The folder of the embedded store; none means `store` in the data folder.
    pub(crate) store_path: Option<PathBuf>,
    pub(crate) telemetry: Telemetry,
}

/// How often metrics are sent to a collector, as OpenTelemetry's SDKs do.
const METRICS_INTERVAL: Duration = Duration::from_secs(60);

/// `[telemetry]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Telemetry {
    pub(crate) log_format: LogFormat,
    /// A level, or directives as of `RUST_LOG`. `info`.
    pub(crate) log_level: Option<String>,
    /// Where traces and metrics are sent; none means nowhere.
    pub(crate) otlp: Option<Otlp>,
    /// The share of the traces that begin here which is recorded, from 0 to 1. 1.
    pub(crate) sample: f64,
    /// How often metrics are sent there. 60 s.
    pub(crate) metrics_interval: Duration,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What flags and environment say; it wins over the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) admin_token: Option<PathBuf>,
    pub(crate) plugins: Option<PathBuf>,
    pub(crate) log_level: Option<String>,
}

/// Why a configuration does not hold.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// A member is unknown or wrong; the text names file, line and remedy.
    #[error("{0}")]
    Invalid(String),
}

// === impl Telemetry ===

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            log_format: LogFormat::default(),
            log_level: None,
            otlp: None,
            sample: 1.0,
            metrics_interval: METRICS_INTERVAL,
        }
    }
}

// === impl Config ===

impl Config {
    /// Reads a file; without one, what holds is the defaults and `overrides`.
    ///
    /// # Errors
    /// When the file cannot be read, or a member of it is unknown or wrong.
    pub(crate) fn load(file: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        match file {
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|e| ConfigError::Unreadable(file.to_owned(), e))?;
                Self::of_text(file, &text, overrides)
            }
            None => {
                let config = Self::default().overridden(overrides)?;
                config.admin.check().map_err(ConfigError::Invalid)?;
                Ok(config)
            }
        }
    }

    /// What holds when this is the file's text.
    ///
    /// # Errors
    /// When a member of it is unknown or wrong.
    pub(crate) fn of_text(file: &Path, text: &str, overrides: &Overrides) -> Result<Self, ConfigError> {
        let config = Self::parse(file, text)?.overridden(overrides)?;
        config.admin.check().map_err(|message| match overrides.admin {
            Some(_) => ConfigError::Invalid(message),
            None => {
                let at = place::Text(text).span(&["admin", "listen"]).start;
                ConfigError::Invalid(explain::located(&file.display().to_string(), text, at, &message))
            }
        })?;
        Ok(config)
    }

    fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let shown = file.display().to_string();
        let raw: raw::Raw = toml::from_str(text).map_err(|e| ConfigError::Invalid(explain(&shown, text, &e)))?;
        check::check(raw, file.parent().unwrap_or(Path::new("")), place::Text(text))
            .map_err(|wrong| ConfigError::Invalid(explain::located(&shown, text, wrong.span.start, &wrong.message)))
    }

    fn overridden(mut self, overrides: &Overrides) -> Result<Self, ConfigError> {
        self.gateway.fixed.listen = overrides.listen.unwrap_or(self.gateway.fixed.listen);
        self.admin.listen = overrides.admin.unwrap_or(self.admin.listen);
        self.admin.token_file = overrides.admin_token.clone().or(self.admin.token_file);
        if let Some(dir) = &overrides.plugins {
            self.plugins.dir.clone_from(dir);
        }
        self.telemetry.log_level = overrides.log_level.clone().or(self.telemetry.log_level);
        if self.telemetry.otlp.is_none() {
            self.telemetry.otlp = telemetry::of_environment()?;
        }
        Ok(self)
    }

    /// How services are called.
    pub(crate) fn call_policy(&self) -> CallPolicy {
        calls::policy(&self.retries, &self.balancers, &self.health)
    }

    /// The folder of the store, for a host that keeps its state here.
    pub(crate) fn store_folder(&self, data: &Path) -> PathBuf {
        self.store_path.clone().unwrap_or_else(|| data.join("store"))
    }

    /// The tables that differ and are read at start only.
    pub(crate) fn needs_restart(&self, newer: &Self) -> Vec<&'static str> {
        let tables = [
            ("gateway", self.gateway.needs_restart(&newer.gateway)),
            ("admin", self.admin != newer.admin),
            ("plugins", self.plugins.needs_restart(&newer.plugins)),
            ("store", self.store_path != newer.store_path),
            ("telemetry", self.telemetry != newer.telemetry),
        ];
        tables.into_iter().filter_map(|(table, differs)| differs.then_some(table)).collect()
    }
}

#[cfg(test)]
mod tests;
