//! The log: to standard error, for people or as JSON; and what is about services also beside their own lines.

pub(crate) mod otlp;
pub(crate) mod spans;

use std::{
    io::{self, IsTerminal},
    sync::Arc,
};

use anyhow::Context;
use tracing_subscriber::{
    EnvFilter, Layer,
    fmt::{self, writer::BoxMakeWriter},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{
    config::{LogFormat, Telemetry},
    logs::{HostLines, Logs},
    output::Style,
    progress,
};

/// What is logged when nothing says otherwise.
const DEFAULT_LEVEL: &str = "info";

/// Starts logging; once in a process.
pub(crate) fn init(telemetry: &Telemetry, logs: Arc<Logs>) -> anyhow::Result<()> {
    let level = telemetry.log_level.as_deref().unwrap_or(DEFAULT_LEVEL);
    let filter: EnvFilter = level.parse().with_context(|| format!("'{level}' is not a log level"))?;
    // Bars step aside for lines, where there are bars.
    let is_terminal = io::stderr().is_terminal();
    let writer = if is_terminal { BoxMakeWriter::new(progress::Stderr) } else { BoxMakeWriter::new(io::stderr) };
    let layer = fmt::layer().with_writer(writer);
    let layer = match telemetry.log_format {
        LogFormat::Text => layer.with_ansi(Style::of_stderr().has_colour()).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(layer.with_filter(filter)).with(HostLines::layer(logs));
    subscriber.try_init().map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}
