//! The command line, as it is parsed; what it does is in the module of each command. What a command takes that talks to
//! a running host or works on a data folder stands there too.

mod examples;

use std::{ffi::OsString, net::SocketAddr, path::PathBuf};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::{
    build, check, completions,
    config::{DEFAULT_FILE, Overrides},
    data, explain, new, remote, saga_test,
};

/// A host for WebAssembly services: drop components into a folder, and they are live.
#[derive(Debug, Parser)]
#[command(name = "switchyard", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serves the components of the plugins folder
    Serve(HostArgs),
    /// Builds the project in this folder, and those under the plugins folder, serves them, and rebuilds on save
    Dev(HostArgs),
    /// Makes the project of a new service
    New(new::NewArgs),
    /// Builds a project to a component
    Build(build::BuildArgs),
    /// Says whether a host would start with a configuration, and which plugins it would refuse
    Check(check::CheckArgs),
    /// Says what a component is, and whether it would load
    Inspect(InspectArgs),
    /// Says what an error code means, why it comes, and what helps
    Explain(explain::ExplainArgs),
    /// Shows a host at a glance
    Status(remote::status::StatusArgs),
    /// Says whether a host takes requests; for whatever looks after processes
    Health(remote::health::HealthArgs),
    /// Puts a component into the plugins folder of a host, and waits until it is live
    Deploy(remote::deploy::DeployArgs),
    /// Brings a component back that served before
    Rollback(remote::rollback::RollbackArgs),
    /// Takes a plugin out of the plugins folder of a host
    Remove(remote::remove::RemoveArgs),
    /// Lists the plugins
    Ps(remote::ps::PsArgs),
    /// Lists services and their instances, registers and deregisters upstreams
    Services(remote::services::ServicesArgs),
    /// Lists routes, adds and removes those of the admin API
    Routes(remote::routes::RoutesArgs),
    /// Shows how the calls of a service are shared between its versions, and shares them
    Traffic(remote::traffic::TrafficArgs),
    /// Lists breakers, forces them, and gives them back to themselves
    Breakers(remote::breakers::BreakersArgs),
    /// Reads and publishes events
    Events(remote::events::EventsArgs),
    /// Lists the topics
    Topics(remote::topics::TopicsArgs),
    /// Lists, pauses, resumes and moves subscriptions
    Subscriptions(remote::subscriptions::SubscriptionsArgs),
    /// Lists the queues, or shows one
    Queues(remote::queues::QueuesArgs),
    /// Lists buckets and keys, prints, writes and removes values
    Kv(remote::kv::KvArgs),
    /// Lists, starts, shows and moves sagas
    Sagas(remote::sagas::SagasArgs),
    /// Tries the definition of a saga out
    Saga(saga_test::SagaArgs),
    /// Lists, shows, redrives and discards dead letters
    DeadLetters(remote::dead_letters::DeadLettersArgs),
    /// Shows what services log, and what the host says about them
    Logs(remote::logs::LogsArgs),
    /// Checks every record of the store, also while a host runs
    Doctor(data::doctor::DoctorArgs),
    /// Copies the store into a file, also while a host runs
    Backup(data::backup::BackupArgs),
    /// Puts a copy of the store where there is none
    Restore(data::restore::RestoreArgs),
    /// Prints what a shell needs to complete command lines
    Completions(completions::CompletionsArgs),
    /// Compiles one component; what the host starts for itself
    #[command(hide = true, disable_help_flag = true)]
    CompileChild {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
}

/// What `serve` and `dev` take. Flags win over the environment, and that over the file.
#[derive(Clone, Debug, Args)]
pub(crate) struct HostArgs {
    /// The configuration [default: ./switchyard.toml if it is there]
    #[arg(long, value_name = "FILE", env = "SWITCHYARD_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// The plugins folder [default: ./plugins]
    #[arg(long, value_name = "DIR", env = "SWITCHYARD_PLUGINS")]
    pub(crate) plugins: Option<PathBuf>,
    /// Where the host keeps its state
    #[arg(long, value_name = "DIR", env = "SWITCHYARD_DATA", default_value = "data")]
    pub(crate) data: PathBuf,
    /// Where the gateway listens [default: 127.0.0.1:3000]
    #[arg(long, value_name = "ADDR", env = "SWITCHYARD_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
    /// Where the admin API listens [default: 127.0.0.1:3900]
    #[arg(long, value_name = "ADDR", env = "SWITCHYARD_ADMIN")]
    pub(crate) admin: Option<SocketAddr>,
    /// The file with the token that callers of the admin API have to send [default: they need none]
    #[arg(long, value_name = "FILE", env = "SWITCHYARD_ADMIN_TOKEN_FILE")]
    pub(crate) admin_token_file: Option<PathBuf>,
    /// What is logged: error, warn, info, debug, trace, or TARGET=LEVEL,... [default: info]
    #[arg(long, value_name = "LEVEL", env = "SWITCHYARD_LOG_LEVEL")]
    pub(crate) log_level: Option<String>,
}

/// What `inspect` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct InspectArgs {
    /// The component
    pub(crate) file: PathBuf,
    /// The configuration under which it would be loaded [default: ./switchyard.toml if it is there]
    #[arg(long, value_name = "FILE", env = "SWITCHYARD_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// The command line as clap knows it, with examples in the help of each command.
pub(crate) fn command() -> clap::Command {
    examples::add_to(Cli::command())
}

// === impl Cli ===

impl Cli {
    /// What this process was started with; ends it when that is wrong, or asks for help.
    pub(crate) fn read() -> Self {
        Self::from_arg_matches(&command().get_matches()).unwrap_or_else(|error| error.exit())
    }
}

// === impl HostArgs ===

impl HostArgs {
    /// The configuration file to read, if there is one.
    pub(crate) fn config_file(&self) -> Option<PathBuf> {
        config_file(self.config.as_ref())
    }

    /// The configuration file to follow: it may come later.
    pub(crate) fn followed_file(&self) -> PathBuf {
        self.config.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE))
    }

    /// What wins over the file.
    pub(crate) fn overrides(&self) -> Overrides {
        Overrides {
            listen: self.listen,
            admin: self.admin,
            admin_token: self.admin_token_file.clone(),
            plugins: self.plugins.clone(),
            log_level: self.log_level.clone(),
        }
    }
}

/// The file that is named, else the default one if it is there.
pub(crate) fn config_file(named: Option<&PathBuf>) -> Option<PathBuf> {
    let default = || Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.exists());
    named.cloned().or_else(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn the_compile_child_gets_its_arguments_untouched() {
        let cli = Cli::parse_from(["switchyard", "compile-child", "--winch", "-x", "file"]);
        let Command::CompileChild { args } = cli.command else { unreachable!("that command was named") };
        assert_eq!(args, ["--winch", "-x", "file"]);
    }
}
