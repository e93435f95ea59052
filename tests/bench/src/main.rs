//! Measures Switchyard against what it stands beside, side by side in one run.
//!
//! `switchyard-bench` measures HTTP against a native server, `switchyard-bench events` events and queues against
//! nats-server, Redis and BullMQ. All contenders of a run are started first and then loaded in turn, round by round.
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

mod events;
mod figures;
mod http;
mod settings;

use std::process::ExitCode;

use anyhow::Result;

use self::settings::Settings;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("native") => return http::native::serve(),
        Some("events") => {
            let settings = Settings::parse(&words[1..], &events::TABLES)?;
            // One thread makes the load of all contenders, as wrk's does for HTTP.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            tokio::task::LocalSet::new().block_on(&runtime, events::measure(&settings))?;
        }
        _ => {
            let settings = Settings::parse(&words, &[])?;
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(http::measure(&settings))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Progress, for who waits.
#[allow(clippy::print_stderr, reason = "standard output is for the result")]
fn tell(line: &str) {
    eprintln!("{line}");
}
