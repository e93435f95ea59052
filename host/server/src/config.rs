//! `switchyard.toml`: read in two steps, raw members first, checked values after.
//!
//! Members are kebab-case; durations and sizes are strings with a unit. A member that is unknown or wrong is an error
//! with file, line and remedy, never ignored: a limit that is silently not applied is worse than a refused start.
//! Relative paths are relative to the file that says them.
//!
//! **Invariant**: every member that is accepted here has an effect.

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
mod service;
mod upstream;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use switchyard_core::{name::ServiceName, upstream::Upstream};
use switchyard_dispatch::{BreakerPolicy, CallPolicy};

pub(crate) use balancer::Balancers;
pub(crate) use explain::explain;
pub(crate) use gateway::{Gateway, TlsFiles};
pub(crate) use plugins::Plugins;
pub(crate) use retry::Retries;
pub(crate) use service::Service;

use crate::routes::Route;

/// The file that is read when none is named and it is there.
pub(crate) const DEFAULT_FILE: &str = "switchyard.toml";

/// What is wrong with another address for the admin API: it has no means yet to tell an operator from a stranger.
const NOT_LOOPBACK: &str = "the admin API listens on a loopback address only, as in \"127.0.0.1:3900\"";

/// What holds, after file, environment and flags.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Config {
    pub(crate) gateway: Gateway,
    /// Where the admin API listens. 127.0.0.1:3900.
    pub(crate) admin: SocketAddr,
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

/// `[telemetry]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Telemetry {
    pub(crate) log_format: LogFormat,
    /// A level, or directives as of `RUST_LOG`. `info`.
    pub(crate) log_level: Option<String>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
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

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            gateway: Gateway::default(),
            admin: SocketAddr::from(([127, 0, 0, 1], 3900)),
            plugins: Plugins::default(),
            routes: Vec::new(),
            upstreams: Vec::new(),
            retries: Retries::default(),
            balancers: Balancers::default(),
            services: BTreeMap::new(),
            delivery: switchyard_delivery::Config::default(),
            breakers: BreakerPolicy::default(),
            health: switchyard_core::health::Config::default(),
            store_path: None,
            telemetry: Telemetry::default(),
        }
    }
}

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
            None => Self::default().with(overrides),
        }
    }

    /// What holds when this is the file's text.
    ///
    /// # Errors
    /// When a member of it is unknown or wrong.
    pub(crate) fn of_text(file: &Path, text: &str, overrides: &Overrides) -> Result<Self, ConfigError> {
        Self::parse(file, text)?.with(overrides)
    }

    fn with(self, overrides: &Overrides) -> Result<Self, ConfigError> {
        match overrides.admin {
            Some(address) if !is_safe_for_admin(address) => Err(ConfigError::Invalid(NOT_LOOPBACK.to_owned())),
            _ => Ok(self.overridden(overrides)),
        }
    }

    fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let shown = file.display().to_string();
        let raw: raw::Raw = toml::from_str(text).map_err(|e| ConfigError::Invalid(explain(&shown, text, &e)))?;
        check::check(raw, file.parent().unwrap_or(Path::new("")), place::Text(text))
            .map_err(|wrong| ConfigError::Invalid(explain::located(&shown, text, wrong.span.start, &wrong.message)))
    }

    fn overridden(mut self, overrides: &Overrides) -> Self {
        self.gateway.fixed.listen = overrides.listen.unwrap_or(self.gateway.fixed.listen);
        self.admin = overrides.admin.unwrap_or(self.admin);
        if let Some(dir) = &overrides.plugins {
            self.plugins.dir.clone_from(dir);
        }
        self.telemetry.log_level = overrides.log_level.clone().or(self.telemetry.log_level);
        self
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

fn is_safe_for_admin(address: SocketAddr) -> bool {
    address.ip().is_loopback()
}

#[cfg(test)]
mod tests;
