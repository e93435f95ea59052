//! `switchyard`, the binary: wires the crates of the host into one process.
//!
//! Exit codes: 0 well, 1 failed (standard error says why), 2 the command line is wrong.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic"))]

mod admin;
mod build;
mod check;
mod cli;
mod completions;
mod config;
mod console;
mod data;
mod dev;
mod durable;
mod explain;
mod feed;
mod health;
mod host_events;
mod inspect;
mod logs;
mod metrics;
mod new;
mod output;
mod ports;
mod progress;
mod reconfigure;
mod registrations;
mod reload;
mod remote;
mod routes;
mod saga_test;
mod schema;
mod scratch;
mod serve;
mod shutdown;
mod telemetry;
mod traffic;
mod watch;

use std::process::ExitCode;

use anyhow::Context;

use cli::{Cli, Command};

// A fifth more requests a second than with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let done = match Cli::read().command {
        // It has no runtime of its own: it lives for one component, under tight limits.
        Command::CompileChild { args } => return switchyard_runtime::compile_child(args.into_iter()),
        Command::Serve(args) => run(serve::serve(args, serve::Mode::Production)),
        Command::Dev(args) => run(dev::dev(args)),
        Command::New(args) => new::run(args),
        Command::Build(args) => run(build::run(args)),
        Command::Check(args) => run(check::run(args)),
        Command::Inspect(args) => run(inspect::inspect(args)),
        Command::Explain(args) => explain::run(&args),
        Command::Deploy(args) => run(remote::deploy::run(args)),
        Command::Rollback(args) => run(remote::rollback::run(args)),
        Command::Remove(args) => run(remote::remove::run(args)),
        Command::Ps(args) => run(remote::ps::run(args)),
        Command::Status(args) => run(remote::status::run(args)),
        Command::Health(args) => run(remote::health::run(args)),
        Command::Logs(args) => run(remote::logs::run(args)),
        Command::Completions(args) => Ok(completions::run(&args)),
        Command::Breakers(args) => run(remote::breakers::run(args)),
        Command::Services(args) => run(remote::services::run(args)),
        Command::Routes(args) => run(remote::routes::run(args)),
        Command::Traffic(args) => run(remote::traffic::run(args)),
        Command::Events(args) => run(remote::events::run(args)),
        Command::Topics(args) => run(remote::topics::run(args)),
        Command::Subscriptions(args) => run(remote::subscriptions::run(args)),
        Command::Queues(args) => run(remote::queues::run(args)),
        Command::Kv(args) => run(remote::kv::run(args)),
        Command::Sagas(args) => run(remote::sagas::run(args)),
        Command::Saga(args) => saga_test::run(args),
        Command::DeadLetters(args) => run(remote::dead_letters::run(args)),
        Command::Doctor(args) => data::doctor::run(&args),
        Command::Backup(args) => data::backup::run(&args),
        Command::Restore(args) => data::restore::run(&args),
    };
    done.unwrap_or_else(|error| {
        output::report(&error);
        ExitCode::FAILURE
    })
}

fn run(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    let done = runtime.block_on(command);
    // What still blocks a thread (a scan of a dead network mount) must not keep the process.
    runtime.shutdown_background();
    done
}
