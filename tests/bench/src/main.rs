//! Measures Switchyard against what it stands beside, side by side in one run.
//!
//! `switchyard-bench` measures HTTP against a native server, `switchyard-bench events` events and queues against
//! nats-server, Redis and BullMQ, `switchyard-bench sagas` sagas against the same steps done by hand, `switchyard-bench
//! proxy` the gateway in front of a native server against nginx, HAProxy and Envoy. All contenders of a run are started
//! first and then loaded in turn, round by round.
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

mod client;
mod events;
mod figures;
mod http;
mod load;
mod own;
mod proxy;
mod sagas;
mod server;
mod settings;

use anyhow::Result;

use self::settings::Settings;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("native") => http::native::serve(),
        Some("upstream") => proxy::upstream::serve(&words[1..]),
        Some("participants") => sagas::participants::serve(),
        Some("by-hand") => sagas::by_hand::serve(&words[1..]),
        Some("events") => alone(events::measure(&Settings::parse(&words[1..], &events::TABLES)?)),
        Some("proxy") => alone(proxy::measure(&Settings::parse(&words[1..], &proxy::TABLES)?)),
        Some("sagas") => alone(sagas::measure(&Settings::parse(&words[1..], &sagas::TABLES)?)),
        _ => {
            let settings = Settings::parse(&words, &[])?;
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(http::measure(&settings))
        }
    }
}

/// Runs on this thread alone, which makes the load of all contenders as wrk's does for HTTP.
fn alone(measure: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, measure)
}

/// Progress, for who waits.
#[allow(clippy::print_stderr, reason = "standard output is for the result")]
fn tell(line: &str) {
    eprintln!("{line}");
}
