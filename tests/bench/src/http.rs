//! HTTP through the gateway, as a ratio to a native server.

pub(crate) mod native;
mod report;
mod wrk;

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use switchyard_tests::{Host, Setup};

use self::{report::Row, wrk::Load};
use crate::{own::Own, settings::Settings, tell};

/// Something that answers, and how it is asked.
struct Contender {
    name: &'static str,
    url: String,
}

/// Loads all in turn with wrk, and prints the table.
pub(crate) async fn measure(settings: &Settings) -> Result<()> {
    let rounds = settings.rounds;
    let load = Load { connections: 64, seconds: settings.seconds };
    let native = Own::start(["native"])?;
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
        tell(&format!("round {round} of {rounds}"));
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
