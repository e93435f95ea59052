//! The command line of `saga test`.

use std::{fs, ops::RangeInclusive, path::PathBuf, time::Duration};

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Map, Value};
use switchyard_core::units::HumanDuration;

use super::{books::Book, plan::Fault, setup::Setup};

/// The time-outs that commands can be given.
const TIME_OUT: RangeInclusive<Duration> = Duration::from_millis(20)..=Duration::from_secs(4);

/// What `saga` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct SagaArgs {
    #[command(subcommand)]
    pub(super) command: SagaCommand,
}

/// What can be done with a definition.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum SagaCommand {
    /// Runs it under every fault at every step, and says whether the books balance
    Test(Box<TestArgs>),
}

/// What `saga test` takes.
#[derive(Clone, Debug, Args)]
pub(super) struct TestArgs {
    /// The name of a definition that a plugin declares, or a JSON file that holds one
    #[arg(value_name = "NAME|FILE.json")]
    pub(super) definition: String,
    /// The configuration, for what plugins get and the routes [default: ./switchyard.toml if it is there]
    #[arg(long, value_name = "FILE", env = "SWITCHYARD_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// The plugins folder; commands that no plugin takes are simulated [default: ./plugins]
    #[arg(long, value_name = "DIR", env = "SWITCHYARD_PLUGINS")]
    pub(super) plugins: Option<PathBuf>,
    /// What each saga is about, a JSON object; @FILE reads it from a file
    #[arg(long, value_name = "JSON|@FILE", default_value = "{}")]
    pub(super) data: String,
    /// A request that is sent before each saga starts, as in 'PUT /api/stock/p1 {"n": 5}'; may be said again
    #[arg(long, value_name = "METHOD /PATH JSON")]
    pub(super) setup: Vec<Setup>,
    /// A path whose answer has to balance, as in '/api/payments/{orderId}#/charged-/refunded'; may be said again
    #[arg(long, value_name = "/PATH[#EXPRESSION]")]
    pub(super) books: Vec<Book>,
    /// A command that is simulated although a plugin takes it; may be said again
    #[arg(long, value_name = "COMMAND")]
    pub(super) simulate: Vec<String>,
    /// Only faults at this step, from 0
    #[arg(long, value_name = "N")]
    pub(super) step: Option<u32>,
    /// Only this fault
    #[arg(long, value_name = "KIND")]
    pub(super) fault: Option<Fault>,
    /// What time-outs of commands are cut to
    #[arg(long, value_name = "TIME", default_value = "400ms", value_parser = time_out)]
    pub(super) time_out: Duration,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
    /// Keep the folders of the cases, and say where they are
    #[arg(long)]
    pub(super) keep: bool,
    /// Show the log of the hosts on standard error: error, warn, info, debug, trace, or TARGET=LEVEL,...
    #[arg(long, value_name = "LEVEL")]
    pub(super) log_level: Option<String>,
}

/// The data of the sagas.
///
/// # Errors
/// When it cannot be read, or is no JSON object.
pub(super) fn data(said: &str) -> anyhow::Result<Map<String, Value>> {
    let text = match said.strip_prefix('@') {
        Some(file) => fs::read_to_string(file).with_context(|| format!("cannot read the data from {file}"))?,
        None => said.to_owned(),
    };
    serde_json::from_str(&text).context("the data is no JSON object")
}

fn time_out(said: &str) -> Result<Duration, String> {
    let HumanDuration(time) = said.parse().map_err(|error| format!("{error}"))?;
    let (min, max) = (HumanDuration(*TIME_OUT.start()), HumanDuration(*TIME_OUT.end()));
    TIME_OUT.contains(&time).then_some(time).ok_or_else(|| format!("it has to be from {min} to {max}"))
}
