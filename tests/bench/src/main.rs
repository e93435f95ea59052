//! Measures Switchyard against a native hyper server, side by side in one run.
//!
//! The server to compare with is this program itself, started as `switchyard-bench native`: the same hyper, the same
//! allocator, the same profile, so that the difference is what the platform costs.
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

mod native;
mod report;
mod wrk;

use std::{net::SocketAddr, process::ExitCode};

use anyhow::{Context, Result, ensure};
use http_body_util::BodyExt as _;
use switchyard_tests::{Host, Setup};

use self::{native::Native, report::Row, wrk::Load};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The fewest rounds that a median is taken of.
const ROUNDS: usize = 5;
const SECONDS_EACH: u64 = 6;

/// Something that answers, and how it is asked.
struct Contender {
    name: &'static str,
    url: String,
}

fn main() -> Result<ExitCode> {
    if std::env::args().nth(1).as_deref() == Some("native") {
        return native::serve();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure())?;
    Ok(ExitCode::SUCCESS)
}

async fn measure() -> Result<()> {
    let number = |name: &str, default: u64| match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name} must be a number")),
        Err(_) => Ok(default),
    };
    let rounds = usize::try_from(number("ROUNDS", ROUNDS as u64)?)?;
    let load = Load { connections: 64, seconds: number("SECONDS_EACH", SECONDS_EACH)? };
    ensure!(rounds >= ROUNDS, "a median needs at least {ROUNDS} rounds");

    let native = Native::start()?;
    let fast = host("").await;
    let fresh = host("[services.hello]\nguests = 'fresh'\n[services.hello-p2]\nguests = 'fresh'\n").await;
    let foreign = host("[services.hello-p2]\nguests = 'reused'\n[services.hello-p3]\nguests = 'reused'\n").await;
    let user = create_user(&fast).await?;
    let url = |address: SocketAddr, path: &str| format!("http://{address}{path}");
    let contenders = [
        Contender { name: "native hyper", url: url(native.address, "/") },
        Contender { name: "hello, http-handler, reused", url: url(fast.gateway, "/hello/") },
        Contender { name: "hello, http-handler, fresh", url: url(fresh.gateway, "/hello/") },
        Contender { name: "user-service, GET one", url: url(fast.gateway, &format!("/api/users/{user}")) },
        Contender { name: "wasi:http 0.2, reused", url: url(foreign.gateway, "/hello-p2/") },
        Contender { name: "wasi:http 0.2, fresh", url: url(fresh.gateway, "/hello-p2/") },
        Contender { name: "wasi:http 0.3, reused", url: url(foreign.gateway, "/hello-p3/") },
    ];
    let mut rows: Vec<Row> = contenders.iter().map(|contender| Row::new(contender.name)).collect();
    for contender in &contenders {
        Load { seconds: 1, ..load }.run(&contender.url)?;
    }
    for round in 1..=rounds {
        eprint_round(round, rounds);
        let results: Vec<_> = contenders.iter().map(|contender| load.run(&contender.url)).collect::<Result<_>>()?;
        // One error anywhere makes the round no measurement.
        if results.iter().any(|result| result.errors > 0) {
            rows.iter_mut().zip(&results).for_each(|(row, result)| row.discard(result.errors));
            continue;
        }
        let base = results[0].per_second;
        rows.iter_mut().zip(&results).for_each(|(row, result)| row.add(result, base));
    }
    report::print(&rows, rounds, &load);
    Ok(())
}

#[allow(clippy::print_stderr, reason = "progress for who waits")]
fn eprint_round(round: usize, rounds: usize) {
    eprintln!("round {round} of {rounds}");
}

async fn host(config: &str) -> Host {
    let plugins = ["hello", "hello-p2", "hello-p3", "user-service"];
    let setup = plugins.into_iter().fold(Setup::new(), |setup, name| setup.plugin(name, name)).config(config);
    let host = setup.start().await;
    for name in plugins {
        host.until(name, "optimised", |plugin| plugin["tier"] == "optimised").await;
    }
    host
}

async fn create_user(host: &Host) -> Result<String> {
    let body = r#"{"name":"Ann","email":"ann@example.com"}"#;
    let answer = host.client().await.post("/api/users", body).await?;
    ensure!(answer.status == 201, "creating a user: {}", answer.text());
    Ok(answer.json()["id"].as_str().context("a user has an id")?.to_owned())
}

/// The whole of a body, for the native server.
async fn drain(body: hyper::body::Incoming) -> bool {
    body.collect().await.is_ok()
}
