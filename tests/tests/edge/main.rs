//! The gateway as an edge: what it lets through, what it refuses, and what never reaches the services behind it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failed test may panic, and a test that cannot run here says so"
)]

mod auth;
mod breaker;
mod cors;
mod grpc;
mod http2;
mod limits;
mod middleware;
mod neighbours;
mod registry;
mod routes;
mod slow;
mod smuggling;
mod streaming;
mod tls;
mod tools;
mod websocket;

use std::time::{Duration, Instant};

use switchyard_tests::Host;

/// Gives a running host another configuration, at once as a whole.
fn configure(host: &Host, toml: &str) {
    let file = host.path().join("switchyard.toml");
    std::fs::write(file.with_extension("new"), toml).unwrap();
    std::fs::rename(file.with_extension("new"), file).unwrap();
}

/// Waits until this path is answered with this status.
async fn until_answered(host: &Host, path: &str, status: u16) {
    let since = Instant::now();
    loop {
        let answer = host.get(path).await;
        if answer.status == status {
            return;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "{path}: {}\n{}", answer.text(), host.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
