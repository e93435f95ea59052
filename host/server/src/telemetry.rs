//! The log: to standard error, for people or as JSON.

use std::io::{self, IsTerminal};

use anyhow::Context;
use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{LogFormat, Telemetry};

/// What is logged when nothing says otherwise.
const DEFAULT_LEVEL: &str = "info";

/// Starts logging; once in a process.
pub(crate) fn init(telemetry: &Telemetry) -> anyhow::Result<()> {
    let level = telemetry.log_level.as_deref().unwrap_or(DEFAULT_LEVEL);
    let filter: EnvFilter = level.parse().with_context(|| format!("'{level}' is not a log level"))?;
    let builder = fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = match telemetry.log_format {
        LogFormat::Text => builder.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}
